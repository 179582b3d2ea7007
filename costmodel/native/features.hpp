// Numbers that say what a program will cost, from its text alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace costmodel {

inline constexpr std::size_t kMaxBytes = 8 << 20;  // of a text that are read

const std::vector<std::string>& feature_names();

// Writes feature_names().size() numbers. Counts and sizes are log2(1 + x).
void features(std::string_view text, float* out);

}  // namespace costmodel
