// The set of mappings that constraints allow: where the factors of each dimension may go, in which
// order loops may run, what may be kept; and whether a mapping fits the capacities and the meshes.

#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "evaluate.hpp"

namespace accelerator::mapper {

constexpr int kMaxLoops = 64;  // A layer has fewer than 2**53 operations, so fewer prime factors.
constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

using Axis = std::vector<std::pair<int, std::int64_t>>;  // (dimension, coefficient)

// Constraints on the temporal or the spatial loops of one level.
struct LoopRules {
  std::array<std::int64_t, kMaxDims> fixed{};    // 0: free
  std::array<std::int64_t, kMaxDims> most{};     // largest bound of a free loop
  std::array<std::uint8_t, kMaxDims> axes{};     // spatial: bit 0 allows X, bit 1 allows Y
  std::vector<int> inner;                        // innermost first: the loops of fixed order
  std::array<bool, kMaxDims> order_is_free{};    // not in `inner`
};

struct LevelRules {
  std::int64_t capacity = kUnlimited;  // words
  std::int64_t fanout_x = 1, fanout_y = 1;
  LoopRules temporal, spatial;
  std::uint8_t keep = 0;       // tensors that are always kept, one bit each
  std::uint8_t keep_free = 0;  // tensors that may be kept
};

// A place that a factor of a dimension may go to.
struct Slot {
  int level;
  bool spatial;
  std::int64_t most;
};

struct Candidate {
  std::array<std::array<std::int32_t, kMaxDims>, kMaxLevels> temporal, spatial;
  // Dimensions, outermost first; those of bound 1 lie anywhere.
  std::array<std::array<std::uint8_t, kMaxDims>, kMaxLevels> temporal_order, spatial_order;
  std::array<std::array<Kind, kMaxDims>, kMaxLevels> axis;  // of spatial loops
  std::array<std::uint8_t, kMaxLevels> keep;
};

// The loops of a candidate that are longer than 1, outermost first.
struct PackedMapping {
  int count = 0;
  std::array<Loop, kMaxLoops> loops;
  std::array<std::uint8_t, kMaxLevels * kMaxTensors> keep;  // [level][tensor], without gaps
};

// What stands in the way of a legal mapping.
struct Obstacle {
  enum What : int { kNothing = 0, kMeshX, kMeshY, kMesh, kCapacity };
  int what = kNothing;
  int level = 0;
  int depth = -1;  // how many dimensions were placed
  double needed = 0, limit = 0;
};

struct Space {
  int dims = 0, levels = 0, tensors = 0;
  std::array<std::int64_t, kMaxDims> size{};
  std::vector<std::vector<Axis>> axes;  // [tensor][axis]
  std::vector<LevelRules> level;
  std::array<std::vector<Slot>, kMaxDims> slots;         // free places, outermost first
  std::array<std::int64_t, kMaxDims> to_place{};         // size / fixed factors; 0: not divisible
  std::array<std::vector<std::int32_t>, kMaxDims> primes;  // of to_place, ascending

  void prepare();  // fills slots, to_place, primes and order_is_free from the rest

  // Every fixed factor in place, every free one 1, default orders, only what must be kept.
  Candidate blank() const;

  // Words of tensor t when dimension d spans extent[d].
  double tile(int t, const std::array<double, kMaxDims>& extent) const;

  // Instances that the spatial loops of a level reach along X and along Y.
  std::pair<std::int64_t, std::int64_t> spread(const Candidate& c, int l) const;

  bool keeps_all(const Candidate& c) const;  // every tensor at one level at least
  bool fits_meshes(const Candidate& c) const;
  int overfull(const Candidate& c) const;  // innermost level whose tiles do not fit; -1: none
  bool legal(const Candidate& c) const { return keeps_all(c) && fits_meshes(c) && overfull(c) < 0; }

  static std::int32_t& bound(Candidate& c, int dim, const Slot& slot) {
    return (slot.spatial ? c.spatial : c.temporal)[slot.level][dim];
  }

  void pack(const Candidate& c, PackedMapping& out) const;
};

// xoshiro256** by Blackman and Vigna, seeded through splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t next();
  // Uniform in [0, n), n < 2**32.
  std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  std::array<std::uint64_t, 4> state_;
};

// Draw factors, axes, orders and kept tensors uniformly, into a blank candidate. False: illegal.
bool draw(const Space& space, Random& random, Candidate& c);

// The same, but factors that do not fit move outwards until the rest does: most results are legal,
// and nearly fill what limits them.
bool draw_fitted(const Space& space, Random& random, Candidate& c);

}  // namespace accelerator::mapper
