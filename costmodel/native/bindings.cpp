// Python bindings. Text comes in as bytes; the work is done without the GIL.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "features.hpp"
#include "site_rows.hpp"
#include "tokenizer.hpp"
#include "trees.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename T>
using Array = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<nb::numpy, T, nb::ndim<1>>;
using Texts = nb::typed<nb::list, nb::bytes>;
using Matrix = nb::ndarray<nb::numpy, float, nb::ndim<2>>;

using Values = nb::ndarray<nb::numpy, double, nb::ndim<2>>;
using Rows = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

template <typename T>
Out<T> to_numpy(std::vector<T>&& values) {
  auto* owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return Out<T>(owned->data(), {owned->size()}, owner);
}

std::string_view view(const nb::bytes& text) { return {text.c_str(), text.size()}; }

auto encode(const nb::bytes& text, std::size_t limit) {
  costmodel::Encoding encoding;
  {
    nb::gil_scoped_release release;
    encoding = costmodel::encode(view(text), limit);
  }
  return std::make_pair(to_numpy(std::move(encoding.ids)), to_numpy(std::move(encoding.numbers)));
}

nb::bytes decode(const Array<std::int32_t>& ids) {
  const std::string text = costmodel::decode({ids.data(), ids.size()});
  return nb::bytes(text.data(), text.size());
}

// The bytes objects of a list; they stay alive as long as the list does.
std::vector<std::string_view> views(const Texts& texts) {
  std::vector<std::string_view> out;
  out.reserve(texts.size());
  for (const nb::handle text : texts) out.push_back(view(nb::cast<nb::bytes>(text)));
  return out;
}

Matrix features(const Texts& texts) {
  const std::vector<std::string_view> all = views(texts);
  const std::size_t width = costmodel::feature_names().size();
  auto* owned = new std::vector<float>(all.size() * width);
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  {
    nb::gil_scoped_release release;
    for (std::size_t i = 0; i < all.size(); ++i)
      costmodel::features(all[i], owned->data() + i * width);
  }
  return Matrix(owned->data(), {all.size(), width}, owner);
}

// Rows of all texts one after another, and where those of each text start.
auto site_features(const Texts& texts) {
  const std::vector<std::string_view> all = views(texts);
  const std::size_t width = costmodel::site_feature_names().size();
  auto* owned = new std::vector<float>();
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  std::vector<std::int64_t> starts{0};
  {
    nb::gil_scoped_release release;
    for (const std::string_view text : all)
      starts.push_back(starts.back() +
                       static_cast<std::int64_t>(costmodel::site_features(text, *owned)));
  }
  const auto count = static_cast<std::size_t>(starts.back());
  return std::make_pair(Matrix(owned->data(), {count, width}, owner), to_numpy(std::move(starts)));
}

template <typename T>
std::vector<T> to_vector(const Array<T>& array) {
  return {array.data(), array.data() + array.size()};
}

void make_trees(costmodel::Trees* self, const Array<std::uint16_t>& features,
                const Array<float>& thresholds, const Array<std::int32_t>& left,
                const Array<std::int32_t>& right, const Array<float>& leaves,
                const Array<std::int32_t>& tree_nodes, const Array<std::int32_t>& tree_leaves,
                const Array<std::int32_t>& tree_targets, std::int32_t targets, std::int32_t width) {
  new (self) costmodel::Trees(to_vector(features), to_vector(thresholds), to_vector(left),
                              to_vector(right), to_vector(leaves), to_vector(tree_nodes),
                              to_vector(tree_leaves), to_vector(tree_targets), targets, width);
}

void check(const costmodel::Trees& trees, const Rows& rows, std::int32_t target) {
  if (static_cast<std::int64_t>(rows.shape(1)) != trees.width())
    throw nb::value_error("The rows have another number of features than the trees.");
  if (target < 0 || target >= trees.targets()) throw nb::value_error("There is no such target.");
}

Matrix leaves(const costmodel::Trees& trees, const Rows& rows, std::int32_t target) {
  check(trees, rows, target);
  const std::size_t n = rows.shape(0), width = trees.trees(target);
  auto* owned = new std::vector<float>(n * width);
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  {
    nb::gil_scoped_release release;
    trees.leaves(rows.data(), n, target, owned->data());
  }
  return Matrix(owned->data(), {n, width}, owner);
}

Values predict(const costmodel::Trees& trees, const Rows& rows,
               const std::vector<std::int32_t>& targets) {
  for (const std::int32_t target : targets) check(trees, rows, target);
  const std::size_t n = rows.shape(0), width = targets.size();
  auto* owned = new std::vector<double>(n * width);
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<double>*>(p); });
  {
    nb::gil_scoped_release release;
    for (std::size_t t = 0; t < width; ++t)
      trees.predict(rows.data(), n, targets[t], owned->data() + t, width);
  }
  return Values(owned->data(), {n, width}, owner);
}

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "Native core: reads MLIR text into tokens and features, and evaluates trees.";
  m.def("vocabulary", [] { return costmodel::Vocabulary::get().tokens(); },
        "Return the token of every id.");
  m.def("encode", &encode, "text"_a.noconvert(), "limit"_a = 0,
        "Return token ids (int32) and the numbers they stand for (float64, NaN if none).\n\n"
        "At most `limit` tokens are made; 0 is no limit.");
  m.def("feature_names", &costmodel::feature_names, "Return the names of the features.");
  m.def("features", &features, "texts"_a.noconvert(),
        "Return one row of features (float32) for each text, given as bytes.");
  m.def("site_feature_names", &costmodel::site_feature_names,
        "Return the names of the features of a site.");
  m.def("site_features", &site_features, "texts"_a.noconvert(),
        "Return rows of features (float32) of the sites of all texts, at least one for each, and "
        "where those of each text start (int64, one more than texts).");
  m.def("decode", &decode, "ids"_a.noconvert(), "Return canonical text that has these tokens.");
  nb::class_<costmodel::Trees>(m, "Trees", "Sums of decision trees for several targets.")
      .def("__init__", &make_trees, "features"_a.noconvert(), "thresholds"_a.noconvert(),
           "left"_a.noconvert(), "right"_a.noconvert(), "leaves"_a.noconvert(),
           "tree_nodes"_a.noconvert(), "tree_leaves"_a.noconvert(), "tree_targets"_a.noconvert(),
           "targets"_a, "width"_a)
      .def("predict", &predict, "rows"_a.noconvert(), "targets"_a,
           "Return the sums (float64) for each row (float32) and each of these targets.")
      .def("leaves", &leaves, "rows"_a.noconvert(), "target"_a,
           "Return the leaf (float32) that each row reaches in each tree of a target.");
}
