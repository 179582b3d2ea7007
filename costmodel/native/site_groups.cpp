#include "site_groups.hpp"

#include <algorithm>
#include <vector>

#include "op_groups.hpp"
#include "site.hpp"

namespace costmodel {
namespace {

constexpr std::string_view kNames[] = {
    "add_float",        "multiply_float",    "divide_float",    "fma",
    "min_max_float",    "compare_float",     "select",          "sign_float",
    "exponential",      "logarithm",         "sigmoid_like",    "square_root",
    "power",            "trigonometric",     "round",           "math_other",
    "add_integer",      "multiply_integer",  "divide_integer",  "bits",
    "compare_integer",  "min_max_integer",   "cast",            "affine_if",
    "affine_apply",     "alloc",             "dealloc",         "copy",
    "subview",          "reshape",           "transfer_read",   "transfer_write",
    "vector_contract",  "vector_outerproduct", "vector_reduction", "vector_broadcast",
    "vector_extract",   "vector_insert",     "vector_shuffle",  "vector_transpose",
    "vector_shape_cast", "vector_mask",      "if",              "call",
    "gather",           "other"};
static_assert(std::size(kNames) <= kSiteGroups);

}  // namespace

std::span<const std::string_view> site_group_names() { return kNames; }

std::size_t site_group(int group) {
  static const std::vector<std::size_t> places = [] {
    std::vector<std::size_t> out;
    for (const OpGroup& one : op_groups()) {
      const auto* found = std::find(std::begin(kNames), std::end(kNames) - 1, one.name);
      out.push_back(static_cast<std::size_t>(found - std::begin(kNames)));
    }
    return out;
  }();
  return places[static_cast<std::size_t>(group)];
}

}  // namespace costmodel
