// One row of numbers for each site of a program (see site.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace costmodel {

const std::vector<std::string>& site_feature_names();

// Adds one row or more of site_feature_names().size() numbers to `rows`; returns how many.
std::size_t site_features(std::string_view text, std::vector<float>& rows);

}  // namespace costmodel
