// Every legal mapping of a space, once: depth first over the dimensions' factorisations, pruned by
// meshes, capacities and a bound, then over axes, loop orders and kept tensors.

#pragma once

#include "mapping_space.hpp"

namespace accelerator::mapper {

// All ways to place one dimension's factors that fit if every other dimension is as small as it
// can be. The first ones have their factors outermost.
struct Factorisations {
  std::vector<std::int32_t> loops;  // [way][2 * levels]: temporal of each level, then spatial
  std::vector<double> extents;      // [way][level]: extent of the level's tile
  std::vector<double> lanes;        // [way]: product of the spatial loops
  bool complete = true;             // false: cut off at the limit
  std::size_t count() const { return lanes.size(); }
};

class Walk {
 public:
  // limit: most ways kept per dimension.
  Walk(const Space& space, std::size_t limit);

  bool complete() const;  // no dimension's ways were cut off
  const Obstacle& obstacle() const { return obstacle_; }
  double most_lanes() const { return most_lanes_; }  // upper bound of any mapping's lanes
  std::size_t ways(int dim) const { return ways_[dim].count(); }

  // Skip mappings that use fewer lanes.
  void require_lanes(double lanes) { required_lanes_ = lanes; }

  // End the walk after so many partial factorisations.
  void limit_steps(std::uint64_t steps) { step_limit_ = steps; }
  bool out_of_steps() const { return steps_ >= step_limit_; }

  // The next legal mapping; false: there are no more, or it ran out of steps.
  bool next(Candidate& c);

  // Number of legal mappings, at most `limit`; also `limit` if it takes more than 100 * limit
  // steps. The walk is at its start again.
  std::uint64_t count(std::uint64_t limit);

  void restart();

 private:
  struct Digit {
    int level;
    Kind kind;
    std::uint64_t radix, value;
    std::vector<std::uint8_t> dims;
  };

  bool next_factors();
  bool fits(int depth);
  bool fits_level(int depth, int l);
  void place(int depth, std::size_t way);
  bool count_keep();
  bool next_keep();
  bool fits_meshes();
  void first_axes();
  bool next_axes();
  void first_orders();
  bool next_orders();
  void add_digit(int level, Kind kind);
  void write(Candidate& c);
  void note(int depth, int what, int level, double needed, double limit);

  void list_ways(int dim, std::size_t limit);
  void extend(int dim, std::size_t slot, std::int64_t rest, std::size_t limit);
  bool fits_alone(int dim);
  void keep_way(int dim);
  void clear(int dim);

  const Space& space_;
  std::array<Factorisations, kMaxDims> ways_;
  std::array<int, kMaxDims> order_{};  // dimensions by number of ways, fewest first
  std::array<double, kMaxDims + 1> lanes_left_{};  // most lanes of the dimensions still to place
  double most_lanes_ = 1, required_lanes_ = 0;
  Obstacle obstacle_;
  std::vector<std::int64_t> divisors_;

  // State: least possible values of the dimensions not yet placed.
  std::array<std::array<double, kMaxDims>, kMaxLevels> extent_{}, least_extent_{};
  std::array<std::array<double, kMaxDims>, kMaxLevels> spread_{}, least_spread_{};  // spatial loops
  std::array<std::int64_t, kMaxDims> at_{};  // way of each depth; -1: none yet
  std::array<double, kMaxDims + 1> lanes_{};
  int depth_ = 0;
  Candidate current_{};
  std::vector<std::pair<int, int>> open_axes_;  // (level, dim) of spatial loops that may turn
  std::uint64_t axes_value_ = 0;
  std::vector<Digit> digits_;
  std::uint64_t tests_ = 0, steps_ = 0, step_limit_ = std::numeric_limits<std::uint64_t>::max();
  bool in_factors_ = false, over_ = false;
};

}  // namespace accelerator::mapper
