#include "states.hpp"

namespace maestro {
namespace {

States temporal_states(const Directive& d, Int tile) {
  States states;
  const Int steady = (tile - d.size) / d.offset;
  states.add({kInit, 1, tile <= d.size, tile < d.size, false});
  if (d.size < tile && steady > 0) states.add({kSteady, steady, false, false, false});
  if (tile >= d.size && steady * d.offset + d.size < tile)
    states.add({kEdge, 1, false, true, false});
  return states;
}

States spatial_states(const Directive& d, Int tile, Int clusters) {
  States states;
  const Int covered = d.size + d.offset * (clusters - 1), step = d.offset * clusters;
  const bool init_edge = tile < covered;
  states.add({kInit, 1, tile <= covered, init_edge, init_edge});
  if (tile <= covered) return states;
  const Int steady = ((tile - d.size) / d.offset + 1) / clusters - 1;
  if (steady > 0) states.add({kSteady, steady, false, false, false});
  if ((steady + 1) * step + covered > tile && steady * step + covered != tile) {
    const Int rest = tile - (steady + 1) * step;
    const Int active = rest < d.size ? 1 : (rest - d.size) / d.offset + 1;
    states.add({kEdge, 1, false, true, (active - 1) * d.offset + d.size < rest});
  }
  return states;
}

}  // namespace

States states_of(const Directive& d, Int tile, Int clusters) {
  return d.kind == kSpatial ? spatial_states(d, tile, clusters) : temporal_states(d, tile);
}

Cases::Cases(const Level& level, const std::array<Int, kDims>& tile) : level_(level) {
  for (int i = 0; i < level.count; ++i) {
    const Directive& d = level.directives[i];
    states_[i] = states_of(d, tile[d.dim], level.clusters);
    total_ *= states_[i].count;
  }
}

bool Cases::next() {
  if (number_ == total_) return false;
  select(number_++);
  return true;
}

// Case c counts every directive's state up by one from where an odometer stands at c - 1.
void Cases::select(Int number) {
  times_ = 1;
  changing_ = -1;
  Int rest = number == 0 ? total_ - 1 : number - 1;
  for (int i = level_.count - 1; i >= 0; --i) {
    const Int n = states_[i].count;
    const State& state = states_[i].state[(rest % n + 1) % n];
    rest /= n;
    current_[i] = state;
    times_ *= state.times;
    if (changing_ < 0 && state.position != kInit) changing_ = i;
  }
}

}  // namespace maestro
