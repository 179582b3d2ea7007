// Python bindings: arrays of directives in, arrays of counts out; evaluation runs without the GIL.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/pair.h>

#include "analyze.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using maestro::Int;
using Directives = nb::ndarray<const Int, nb::shape<-1, -1, 4>, nb::c_contig, nb::device::cpu>;
using HardwareRows = nb::ndarray<const Int, nb::shape<-1, 5>, nb::c_contig, nb::device::cpu>;

constexpr int kMaxDirectives = 64;

// The order of `INTEGERS` in _cost.py.
void store(const maestro::Counts& c, Int* integers, double* reals) {
  *integers++ = c.status;
  *integers++ = c.directive;
  *integers++ = c.cycles;
  *integers++ = c.macs;
  for (const auto* counts : {&c.l1_read, &c.l1_write, &c.l2_read, &c.l2_write, &c.l1_size,
                             &c.l2_size})
    for (const Int count : *counts) *integers++ = count;
  *integers++ = c.peak_noc_bandwidth;
  *integers++ = c.offchip_bandwidth;
  for (const maestro::Delay* delay : {&c.ingress, &c.egress, &c.compute})
    for (const Int value : {delay->least, delay->most, delay->mean}) *integers++ = value;
  *reals++ = c.mean_noc_bandwidth;
  *reals++ = c.active_pes;
  *reals++ = c.arithmetic_intensity;
}

constexpr int kIntegers = 4 + 6 * maestro::kTensors + 2 + 9, kReals = 3;

template <typename T>
using Result = nb::ndarray<nb::numpy, T, nb::ndim<2>>;

template <typename T>
Result<T> table(std::size_t rows, std::size_t columns) {
  auto* data = new T[rows * columns];
  nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  return {data, {rows, columns}, owner};
}

int read(const Int* row, std::size_t length, maestro::Directive* out) {
  int count = 0;
  for (std::size_t i = 0; i < length && row[4 * i] != maestro::kNone; ++i)
    out[count++] = {static_cast<int>(row[4 * i]), static_cast<int>(row[4 * i + 1]),
                    row[4 * i + 2], row[4 * i + 3]};
  return count;
}

void check(const Directives& directives, const HardwareRows& hardware) {
  const std::size_t rows = hardware.shape(0), n = directives.shape(0);
  if (rows != 1 && rows != n)
    throw nb::value_error("there are neither one nor as many hardware rows as mappings");
  if (directives.shape(1) > kMaxDirectives)
    throw nb::value_error("a mapping has more than 64 directives");
  for (std::size_t i = 0; i < n * directives.shape(1); ++i) {
    const Int* d = directives.data() + 4 * i;
    if (d[0] < maestro::kNone || d[0] > maestro::kCluster || d[1] < 0 || d[1] > maestro::kOutputY)
      throw nb::value_error("a directive's kind or dimension is out of range");
  }
}

std::pair<Result<Int>, Result<double>> evaluate_batch(
    const std::array<Int, maestro::kDims>& sizes, const std::array<Int, 2>& strides,
    const std::array<unsigned, maestro::kTensors>& coupled, bool slides,
    const Directives& directives, const HardwareRows& hardware) {
  check(directives, hardware);
  const maestro::Layer layer{sizes, strides[0], strides[1], coupled, slides};
  const std::size_t n = directives.shape(0), length = directives.shape(1);
  auto integers = table<Int>(n, kIntegers);
  auto reals = table<double>(n, kReals);
  {
    nb::gil_scoped_release release;
    std::array<maestro::Directive, kMaxDirectives> mapping;
    for (std::size_t i = 0; i < n; ++i) {
      const int count = read(directives.data() + i * length * 4, length, mapping.data());
      const Int* h = hardware.data() + (hardware.shape(0) == 1 ? 0 : 5 * i);
      const maestro::Hardware machine{h[0], h[1], h[2], h[3], h[4]};
      store(maestro::evaluate(layer, machine, mapping.data(), count),
            integers.data() + i * kIntegers, reals.data() + i * kReals);
    }
  }
  return {integers, reals};
}

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "Native core of the MAESTRO cost model.";
  m.def("evaluate_batch", &evaluate_batch, "sizes"_a, "strides"_a, "coupled"_a, "slides"_a,
        "directives"_a.noconvert(), "hardware"_a.noconvert(),
        "Evaluate mappings of one layer; rows of integers and of reals, see _cost.py.");
}
