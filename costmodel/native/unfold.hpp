// Cuts a line that holds more than MLIR's printer puts into one.
#pragma once

#include <cstddef>
#include <vector>

#include "line.hpp"

namespace costmodel {

// The indices before which `line` is to be cut, so that a region's opening brace ends a line and
// its closing brace begins one; none for a line as it is printed.
void find_cuts(const Line& line, std::vector<std::size_t>& cuts);

}  // namespace costmodel
