#include "traffic.hpp"

#include <algorithm>

namespace maestro {
namespace {

// The order in which a tensor's dimensions are looked through; of two SpatialMaps the last counts.
constexpr std::array<int, kDims> kTensorOrder = {kN, kG, kM, kK, kC, kR, kS, kY, kX};

}  // namespace

Traffic::Spread Traffic::spread(unsigned coupled, bool any_dimension) const {
  Spread result;
  const auto look = [&](int i) {
    if (level_.directives[i].kind != kSpatial) return;
    result.spatial = true;
    result.partial = cases_[i].partial;
    result.edge = result.edge || cases_[i].edge;
  };
  for (const int dim : kTensorOrder)
    if (coupled >> dim & 1U) look(level_.position[dim]);
  if (any_dimension)
    for (int i = 0; i < level_.count; ++i) look(i);
  return result;
}

// Whether a loop inside the changing one restarts, so that nothing of the tensor is left to reuse.
bool Traffic::inited(unsigned coupled) const {
  for (int i = cases_.changing() + 1; i < level_.count; ++i)
    if ((coupled >> level_.directives[i].dim & 1U) && cases_[i].position == kInit &&
        !cases_[i].unrolled)
      return true;
  return false;
}

Int Traffic::whole(unsigned coupled, Place place) const {
  Int words = 1;
  for (int i = 0; i < level_.count; ++i) {
    const Directive& d = level_.directives[i];
    if (!(coupled >> d.dim & 1U)) continue;
    const Extent& e = level_.extent[d.dim];
    if (!cases_[i].edge)
      words *= e.mapped;
    else if (d.kind == kTemporal)
      words *= e.mapped_edge;
    else if (level_.edge_clusters > 1)
      words *= place.partial ? e.mapped_edge : e.mapped;
    else if (place.first || place.partial)
      words *= e.mapped_edge;
  }
  return words;
}

Int Traffic::incoming(unsigned coupled, Place place) const {
  const int changing = cases_.changing();
  if (changing < 0) return whole(coupled, place);
  if (!(coupled >> level_.directives[changing].dim & 1U)) return 0;
  const bool reused = !inited(coupled);
  Int words = 1;
  for (int i = 0; i < level_.count; ++i) {
    const Directive& d = level_.directives[i];
    if (!(coupled >> d.dim & 1U)) continue;
    const Extent& e = level_.extent[d.dim];
    const bool init = cases_[i].position == kInit;
    if (d.kind == kTemporal) {
      if (init)
        words *= cases_[i].edge ? e.mapped_edge : e.mapped;
      else
        words *= i == changing && reused ? std::max<Int>(e.fresh, 1) : e.mapped;
    } else {
      const bool shares = !place.first && (init ? i > changing : i == changing && reused);
      if (shares)
        words *= place.partial ? e.fresh_edge : e.fresh;
      else
        words *= place.partial ? e.mapped_edge : e.mapped;
    }
  }
  return words;
}

Int Traffic::ingress(Tensor tensor) const {
  const unsigned coupled = layer_.coupled[tensor];
  const Spread s = spread(coupled, false);
  if (!s.spatial) return incoming(coupled, {true, false});
  if (!s.edge)
    return incoming(coupled, {true, false}) +
           (level_.clusters - 1) * incoming(coupled, {false, false});
  const Int active = level_.edge_clusters, partial = s.partial ? 1 : 0;
  Int words = incoming(coupled, {true, active == 1 && s.partial});
  if (active > 1) {
    words += std::max<Int>(active - partial - 1, 0) * incoming(coupled, {false, false});
    words += partial * incoming(coupled, {false, true});
  }
  return words;
}

// A spatially mapped dimension's factor of what a sub-cluster sends up. `output`: the output has
// this dimension (its rows and columns count as outputs, except where one sub-cluster ends it).
Int Traffic::outgoing_spatial(int i, Place place, bool output, bool reuse) const {
  const int dim = level_.directives[i].dim;
  const Extent &in = level_.extent[dim], &e = output ? level_.output_extent[dim] : in;
  const State& state = cases_[i];
  const bool at_end = state.position == kEdge;
  if (at_end && level_.edge_clusters == 1)
    return place.first || place.partial ? in.mapped_edge : 1;
  if (place.partial && (at_end || (state.position == kInit && state.edge))) {
    if (level_.edge_clusters == 1) return e.mapped_edge;
    return at_end || (output && reuse) ? e.fresh_edge : e.mapped_edge;
  }
  if (place.first) return e.mapped;
  return e.fresh != 0 ? e.fresh : 1;
}

Int Traffic::outgoing(Place place, bool partial_sums, bool reuse) const {
  const unsigned coupled = layer_.coupled[kOutput];
  Int words = 1;
  for (int i = 0; i < level_.count; ++i) {
    const Directive& d = level_.directives[i];
    const bool output = coupled >> d.dim & 1U;
    if (!output && !partial_sums) continue;
    if (d.kind == kSpatial) {
      words *= outgoing_spatial(i, place, output, reuse);
    } else {
      const Extent& e = output ? level_.output_extent[d.dim] : level_.extent[d.dim];
      words *= cases_[i].edge ? e.mapped_edge : e.mapped;
    }
  }
  return words;
}

Int Traffic::egress() const {
  const Spread s = spread(layer_.coupled[kOutput], false);
  const auto sent = [&](Place place) { return outgoing(place, false, true); };
  if (!s.spatial) return sent({true, false});
  if (!s.edge) return sent({true, false}) + (level_.clusters - 1) * sent({false, false});
  const Int active = level_.edge_clusters, partial = s.partial ? 1 : 0;
  Int words = sent({true, active == 1 && s.partial});
  if (active > 1) {
    words += std::max<Int>(active - partial - 1, 0) * sent({false, false});
    words += partial * sent({false, true});
  }
  return words;
}

Int Traffic::critical_macs() const {
  const Spread s = spread(layer_.coupled[kOutput], false);
  const bool partial = s.edge && level_.edge_clusters == 1 && s.partial;
  return outgoing({true, partial}, true, true);
}

Int Traffic::macs() const {
  const Spread s = spread(layer_.coupled[kOutput], true);
  const auto done = [&](Place place, bool reuse) { return outgoing(place, true, reuse); };
  if (!s.edge) return level_.clusters * done({true, false}, true);
  const Int active = level_.edge_clusters, partial = s.partial ? 1 : 0;
  Int macs = done({true, active == 1 && s.partial}, true);
  if (active > 1) {
    macs += std::max<Int>(active - partial - 1, 0) * done({true, false}, true);
    macs += partial * done({false, true}, false);
  }
  return macs;
}

}  // namespace maestro
