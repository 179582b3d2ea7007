#include "levels.hpp"

#include <algorithm>

namespace maestro {
namespace {

unsigned bit(int dim) { return 1U << dim; }

int sliding_of(int dim) { return dim == kY ? kR : dim == kX ? kS : -1; }

void index(Level& level) {
  level.position.fill(-1);
  for (int i = 0; i < level.count; ++i) level.position[level.directives[i].dim] = i;
}

// Y' and X' become the input rows and columns that they read.
Int filter_size(const Layer& layer, const Level& level, const Level* upper, int filter) {
  if (level.position[filter] >= 0) return level.directives[level.position[filter]].size;
  if (upper != nullptr) return upper->directives[upper->position[filter]].size;
  return layer.size[filter];
}

void to_input(const Layer& layer, Level& level, const Level* upper) {
  for (int i = 0; i < level.count; ++i) {
    Directive& d = level.directives[i];
    if (d.dim < kDims) continue;
    const int dim = d.dim == kOutputY ? kY : kX;
    d.size += filter_size(layer, level, upper, sliding_of(dim)) - 1;
    d.dim = dim;
  }
}

// Dimensions of the block above go to the front one by one, so that they end up reversed; what no
// block maps is held whole.
void fill_missing(const Layer& layer, Level& level, const Level* upper) {
  if (upper != nullptr)
    for (int i = 0; i < upper->count; ++i) {
      const Directive& above = upper->directives[i];
      if (level.position[above.dim] >= 0) continue;
      std::copy_backward(level.directives.begin(), level.directives.begin() + level.count,
                         level.directives.begin() + level.count + 1);
      level.directives[0] = {kTemporal, above.dim, above.size, above.offset};
      ++level.count;
      index(level);
    }
  const unsigned needed = layer.coupled[kInput] | layer.coupled[kFilter];
  for (int dim = 0; dim < kDims; ++dim)
    if ((needed & bit(dim)) && level.position[dim] < 0)
      level.directives[level.count++] = {kTemporal, dim, level.tile[dim], level.tile[dim]};
  index(level);
}

// With a stride, a tile holds the inputs of whole outputs and moves on by as many outputs.
void apply_stride(const Layer& layer, Level& level, bool top) {
  for (const int dim : {int{kY}, int{kX}}) {
    const Int stride = dim == kY ? layer.stride_y : layer.stride_x;
    if (!layer.slides || stride == 1 || layer.size[dim] == 0) continue;
    const Int filter = layer.size[sliding_of(dim)];
    Directive& d = level.directives[level.position[dim]];
    if (d.size < filter) continue;
    const Int outputs = (d.size + stride - filter) / stride;
    d.size = outputs * std::min(stride, filter) + std::max<Int>(filter - stride, 0);
    d.offset = outputs * (!top && filter < stride ? filter : stride);
  }
}

Extent extent_of(const Directive& d, Int tile) {
  Extent e;
  const Int steady = std::max<Int>(0, (tile - d.size) / d.offset);
  const bool has_edge = steady * d.offset + d.size < tile || d.size > tile;
  Int rest = tile - (steady + 1) * d.offset;
  if (rest < 0) rest = tile;
  e.mapped = d.size;
  e.mapped_edge = has_edge ? rest : d.size;
  e.fresh = d.kind == kTemporal && tile <= d.size ? 0 : std::min(d.size, d.offset);
  e.fresh_edge = std::max<Int>(d.offset - (d.size - rest), 0);
  return e;
}

void measure(const Layer& layer, Level& level) {
  for (int i = 0; i < level.count; ++i) {
    const Directive& d = level.directives[i];
    level.extent[d.dim] = extent_of(d, level.tile[d.dim]);
  }
  level.output_extent = level.extent;
  if (!layer.slides) return;
  for (const int dim : {int{kY}, int{kX}}) {
    const Directive& d = level.directives[level.position[dim]];
    const Extent &in = level.extent[dim], &filter = level.extent[sliding_of(dim)];
    Extent& out = level.output_extent[dim];
    out.mapped = in.mapped - filter.mapped + 1;
    out.mapped_edge = in.mapped_edge - filter.mapped_edge + 1;
    out.fresh = std::min(d.offset, d.size);
    out.fresh_edge = std::min(d.offset, out.mapped_edge);
  }
}

void count_edge_clusters(Level& level) {
  const Directive& d = level.directives[level.spatial];
  const Int tile = level.tile[d.dim], n = level.clusters;
  if (tile > d.offset * (n - 1) + d.size) {
    const Int steady = ((tile - d.size) / d.offset + 1) / n - 1;
    const Int rest = tile - (steady + 1) * d.offset * n;
    level.edge_clusters = rest < d.size ? 1 : (rest - d.size) / d.offset + 1;
  } else if (tile > d.size) {
    const Int whole = (tile - d.size) / d.offset + 1;
    level.edge_clusters = whole + (d.offset * (whole - 1) + d.size < tile ? 1 : 0);
  } else {
    level.edge_clusters = 1;
  }
}

// The first fault of a block as written (before completion), with its directive.
int fault(const Layer& layer, const Directive* block, int count, int& at) {
  unsigned seen = 0;
  int spatial = 0;
  for (at = 0; at < count; ++at) {
    const Directive& d = block[at];
    const int dim = d.dim == kOutputY ? kY : d.dim == kOutputX ? kX : d.dim;
    if (layer.size[dim] == 0 || (d.dim >= kDims && !layer.slides)) return kUnknownDimension;
    if (seen & bit(dim)) return kRepeatedDimension;
    if (d.size < 1 || d.offset < 1) return kBadSize;
    if (d.kind == kSpatial && ++spatial > 2) return kManySpatialMaps;
    const bool filter = layer.slides && (dim == kR || dim == kS);
    if (filter && (d.kind == kSpatial || d.size < layer.size[dim])) return kPartialFilter;
    seen |= bit(dim);
  }
  at = count - 1;
  return spatial == 0 ? kNoSpatialMap : kOk;
}

void build(const Layer& layer, const Directive* block, int count, const Level* upper, Level& out) {
  std::copy(block, block + count, out.directives.begin());
  out.count = count;
  for (int dim = 0; dim < kDims; ++dim) {
    out.tile[dim] = upper == nullptr ? layer.size[dim] : upper->tile[dim];
    if (upper != nullptr && upper->position[dim] >= 0)
      out.tile[dim] = std::min(upper->directives[upper->position[dim]].size, out.tile[dim]);
  }
  for (int i = 0; i < count; ++i) {  // the filter's directives, for Y' and X'
    const int dim = out.directives[i].dim;
    if (i == 0) out.position.fill(-1);
    if (dim < kDims) out.position[dim] = i;
  }
  to_input(layer, out, upper);
  index(out);
  fill_missing(layer, out, upper);
  apply_stride(layer, out, upper == nullptr);
  out.spatial = 0;
  while (out.directives[out.spatial].kind != kSpatial) ++out.spatial;
  measure(layer, out);
  count_edge_clusters(out);
}

}  // namespace

void complete(const Layer& layer, const Directive* directives, int count, Int pes, Levels& out) {
  Int unit = 1;
  out.count = 0;
  out.status = kOk;
  out.directive = -1;
  for (int i = 0; i < count; ++i)
    if (directives[i].kind == kCluster) unit *= directives[i].size;
  if (unit < 1 || pes < unit) {
    out.status = kTooFewPes;
    return;
  }
  Int clusters = pes / unit;
  int begin = 0;
  for (int end = 0; end <= count; ++end) {
    if (end < count && directives[end].kind != kCluster) continue;
    int at = 0;
    out.status = fault(layer, directives + begin, end - begin, at);
    out.directive = begin + at;
    if (out.status == kOk && out.count == kMaxLevels) out.status = kManyLevels;
    if (out.status != kOk) return;
    Level& level = out.level[out.count];
    level.clusters = clusters;
    build(layer, directives + begin, end - begin,
          out.count > 0 ? &out.level[out.count - 1] : nullptr, level);
    ++out.count;
    if (end < count) clusters = directives[end].size;
    begin = end + 1;
  }
  out.directive = -1;
}

}  // namespace maestro
