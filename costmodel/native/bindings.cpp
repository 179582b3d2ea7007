// Python bindings. Text comes in as bytes; the work is done without the GIL.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "features.hpp"
#include "tokenizer.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename T>
using Array = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<nb::numpy, T, nb::ndim<1>>;
using Matrix = nb::ndarray<nb::numpy, float, nb::ndim<2>>;

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
std::vector<std::string_view> views(const nb::list& texts) {
  std::vector<std::string_view> out;
  out.reserve(texts.size());
  for (const nb::handle text : texts) out.push_back(view(nb::cast<nb::bytes>(text)));
  return out;
}

Matrix features(const nb::list& texts) {
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

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "Native core: reads MLIR text into tokens.";
  m.def("vocabulary", [] { return costmodel::Vocabulary::get().tokens(); },
        "Return the token of every id.");
  m.def("encode", &encode, "text"_a.noconvert(), "limit"_a = 0,
        "Return token ids (int32) and the numbers they stand for (float64, NaN if none).\n\n"
        "At most `limit` tokens are made; 0 is no limit.");
  m.def("feature_names", &costmodel::feature_names, "Return the names of the features.");
  m.def("features", &features, "texts"_a.noconvert(),
        "Return one row of features (float32) for each text, given as bytes.");
  m.def("decode", &decode, "ids"_a.noconvert(), "Return canonical text that has these tokens.");
}
