// Operations in groups that cost alike, whatever dialect they come from.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace costmodel {

// Groups by what the scanner does with them; the order within the table is the order of features.
enum class Role : std::uint8_t {
  kOther,
  kFloat,        // floating-point arithmetic: one operation for each element of the result
  kFma,          // two for each element
  kContraction,  // two for each point of the iteration space
  kReduction,    // one for each element of the operand
  kLoad,
  kStore,
  kLoop,
  kGeneric,      // the region is one point of the iteration space
  kConstant,
  kMove,         // layout, copies, views: traffic, no arithmetic
};

struct OpGroup {
  std::string_view name;
  Role role;
  std::string_view operations;  // separated by spaces; "dialect.*" takes what is left of a dialect
};

std::span<const OpGroup> op_groups();

// The group of an operation, and whether the group names it; the last group is for all others.
int op_group(std::string_view operation, bool& exact);

}  // namespace costmodel
