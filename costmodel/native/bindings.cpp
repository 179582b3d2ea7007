// Python bindings. Text comes in as bytes; the work is done without the GIL.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "tokenizer.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename T>
using Array = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<nb::numpy, T, nb::ndim<1>>;

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

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "Native core: reads MLIR text into tokens.";
  m.def("vocabulary", [] { return costmodel::Vocabulary::get().tokens(); },
        "Return the token of every id.");
  m.def("encode", &encode, "text"_a.noconvert(), "limit"_a = 0,
        "Return token ids (int32) and the numbers they stand for (float64, NaN if none).\n\n"
        "At most `limit` tokens are made; 0 is no limit.");
  m.def("decode", &decode, "ids"_a.noconvert(), "Return canonical text that has these tokens.");
}
