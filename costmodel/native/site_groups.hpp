// Groups of operations as sites tell them apart.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace costmodel {

std::span<const std::string_view> site_group_names();

// Where the counts of a site have a group of op_groups(); the last place is for all others.
std::size_t site_group(int group);

}  // namespace costmodel
