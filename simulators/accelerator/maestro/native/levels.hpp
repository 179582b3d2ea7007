// A mapping completed for one layer: one level per block of directives, outermost first.

#pragma once

#include <vector>

#include "types.hpp"

namespace maestro {

constexpr int kMaxLevels = 4;

// How much of one dimension a sub-cluster holds, on the level's full-size tile.
struct Extent {
  Int mapped = 0, mapped_edge = 0;  // by a sub-cluster; by one at the end of the dimension
  Int fresh = 0, fresh_edge = 0;    // of it, not already held by the sub-cluster before
};

struct Level {
  std::array<Directive, kDims> directives{};
  int count = 0;
  Int clusters = 1;       // sub-clusters
  Int edge_clusters = 1;  // of them active where the spatial dimension ends
  int spatial = 0;        // position of the first SpatialMap
  std::array<Int, kDims> tile{};        // size of each dimension at this level
  std::array<int, kDims> position{};    // of each dimension's directive; -1: none
  std::array<Extent, kDims> extent{};
  std::array<Extent, kDims> output_extent{};  // of Y and X: output rows and columns
};

struct Levels {
  std::array<Level, kMaxLevels> level;
  int count = 0;
  int status = kOk;
  int directive = -1;
};

// Splits `directives` into levels and fills in what a mapping may leave out.
void complete(const Layer& layer, const Directive* directives, int count, Int pes, Levels& out);

}  // namespace maestro
