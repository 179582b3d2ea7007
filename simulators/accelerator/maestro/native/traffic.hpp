// What one iteration case moves into and out of a level's sub-clusters, and computes there.

#pragma once

#include "states.hpp"

namespace maestro {

// Which of the sub-clusters a volume is of.
struct Place {
  bool first;    // the first one shares nothing with one before it
  bool partial;  // the last one of an edge, holding less
};

class Traffic {
 public:
  Traffic(const Layer& layer, const Level& level, const Cases& cases)
      : layer_(layer), level_(level), cases_(cases) {}

  Int ingress(Tensor tensor) const;   // words read from above, all sub-clusters
  Int egress() const;                 // outputs written above
  Int macs() const;                   // of all sub-clusters
  Int critical_macs() const;          // of the busiest sub-cluster

 private:
  struct Spread {
    bool spatial = false, edge = false, partial = false;
  };

  Spread spread(unsigned coupled, bool any_dimension) const;
  bool inited(unsigned coupled) const;
  Int whole(unsigned coupled, Place place) const;
  Int incoming(unsigned coupled, Place place) const;
  Int outgoing(Place place, bool partial_sums, bool reuse) const;
  Int outgoing_spatial(int i, Place place, bool output, bool reuse) const;

  const Layer& layer_;
  const Level& level_;
  const Cases& cases_;
};

}  // namespace maestro
