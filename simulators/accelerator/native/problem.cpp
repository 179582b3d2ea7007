#include "problem.hpp"

#include <stdexcept>

namespace accelerator {

Problem::Problem(const std::vector<std::int64_t>& sizes,
                 const std::vector<std::vector<std::vector<std::pair<int, std::int64_t>>>>& forms,
                 int output_tensor)
    : dims(static_cast<int>(sizes.size())),
      tensors(static_cast<int>(forms.size())),
      output(output_tensor) {
  if (dims < 1 || dims > kMaxDims || tensors < 1 || tensors > kMaxTensors)
    throw std::invalid_argument("too many dimensions or tensors");
  for (int d = 0; d < dims; ++d) {
    bounds[d] = sizes[d];
    macs *= static_cast<double>(sizes[d]);
  }
  for (int t = 0; t < tensors; ++t) {
    Tensor& tensor_t = tensor[t];
    tensor_t.axes = static_cast<int>(forms[t].size());
    tensor_t.output = t == output;
    if (tensor_t.axes < 1 || tensor_t.axes > kMaxAxes)
      throw std::invalid_argument("too many axes of a tensor");
    std::int64_t weight = 1;
    for (int a = 0; a < tensor_t.axes; ++a) {
      std::int64_t extent = 1;
      for (const auto& [dim, coefficient] : forms[t][a]) {
        bool merged = false;
        int& terms = tensor_t.term_count[dim];
        for (int i = 0; i < terms; ++i)
          if (tensor_t.terms[dim][i].axis == a) {
            tensor_t.terms[dim][i].coefficient += coefficient;
            merged = true;
          }
        if (!merged) tensor_t.terms[dim][terms++] = {a, coefficient};
        std::int64_t part;
        if (__builtin_mul_overflow(coefficient, bounds[dim] - 1, &part) ||
            __builtin_add_overflow(extent, part, &extent) ||
            __builtin_mul_overflow(coefficient, weight, &part) ||
            __builtin_add_overflow(tensor_t.key[dim], part, &tensor_t.key[dim]))
          throw std::overflow_error("the tensors' index ranges are too large");
      }
      // Displacements along the axis lie within +-(extent - 1), so 2 extent - 1 codes tell them
      // apart; positions fit the same code.
      if (__builtin_mul_overflow(tensor_t.full_size, extent, &tensor_t.full_size) ||
          static_cast<double>(tensor_t.full_size) >= kExact ||
          __builtin_mul_overflow(weight, 2 * extent - 1, &weight))
        throw std::overflow_error("the tensors' index ranges are too large");
    }
  }
}

}  // namespace accelerator
