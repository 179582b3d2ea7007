// Timeloop's cost of a mapping (Parashar et al., "Timeloop: A Systematic Approach to DNN
// Accelerator Evaluation", ISPASS 2019; behaviour of its release 3.0.3), in closed form.
//
// An Evaluator owns the scratch memory of one thread; evaluations allocate nothing once it is warm.

#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "problem.hpp"

namespace accelerator {

inline constexpr int kMaxLanes = 64;  // loops of a kind: each at least doubles a number < 2**53

enum class Kind : std::int8_t { kTemporal = 0, kSpatialX = 1, kSpatialY = 2 };

// Loops are listed outermost first: level by level, in each level temporal before spatial.
struct Loop {
  std::int32_t bound;
  std::int8_t dim;
  std::int8_t level;  // 0 is the outermost
  Kind kind;
};

// The numbers are the Python side's: 0, then positions in REASONS plus one.
enum class Reason : std::uint8_t {
  kNone = 0,
  kCapacity = 1,
  kFanout = 2,
  kFactors = 3,
  kUnknownDimension = 4,
  kUnknownLevel = 5,
  kKeep = 6,
  kMalformed = 255,  // not in nest order: a fault of the caller, not of the mapping
};

struct Failure {
  Reason reason = Reason::kNone;
  int level = -1;  // where; the dimension for kFactors, the tensor for kKeep
  double used = 0;
  double available = 0;

  bool ok() const { return reason == Reason::kNone; }
};

// One tensor at one level, per instance. Counts of what is not kept are 0.
struct Traffic {
  double tile_size, partition_size;
  double reads, updates, fills;
  double energy_pj;  // all instances
  double accesses, link_transfers, spatial_reductions;
  double hops;  // of an access, on average
  int first_ingress, ingresses;  // range in Result::ingress
};

// Transfers of one kind below a level: `words` leave it, each to `multicast` receivers, spread
// over `scatter` different groups of receivers.
struct Ingress {
  double multicast, scatter, words;
};

struct Result {
  double cycles = 0, compute_cycles = 0, energy_pj = 0, utilization = 0;
  double compute_energy_pj = 0;
  int limiting_level = -1;  // -1: compute
  double level_cycles[kMaxLevels];
  double slowdown[kMaxLevels];
  double instances[kMaxLevels];  // in use
  double fanout[kMaxLevels];
  Traffic traffic[kMaxLevels][kMaxTensors];
  std::vector<Ingress> ingress;
};

struct Options {
  bool fills_of_2022 = false;  // releases before 3.0 charge fills for first-time partial sums
};

class Evaluator {
 public:
  Evaluator(const Hierarchy& hierarchy, const Problem& problem, Options options = {});

  // Whether the mapping is legal. `keep` is [levels][tensors], outermost level first.
  Failure check(const Loop* loops, int count, const std::uint8_t* keep);

  // Everything but the networks; the result is complete if the failure is ok.
  Failure evaluate(const Loop* loops, int count, const std::uint8_t* keep, Result& result);

  // Everything.
  Failure evaluate_with_networks(const Loop* loops, int count, const std::uint8_t* keep,
                                 Result& result);

 private:
  struct Step {  // a temporal loop as the levels below see it
    double bound;
    std::int64_t stride;
    int dim;
  };
  struct Spread {  // a spatial loop
    std::int64_t bound;
    std::int64_t stride;
    int dim;
    bool along_y;
  };
  // One tensor at one level while its accesses are collapsed.
  struct Stack {
    int first = 0, count = 0;  // range in lists_
    double total = 0;          // sum of the list's words
    double delivered = 0;      // sum of multicast x words
    double links = 0;
    double hops = 0;  // sum of words x links passed
    double parent_share = 0, peers = 0;
  };
  struct Delta;

  struct Lane {  // a spatial loop as one tensor sees it
    std::int64_t key, bound;
  };
  struct Group {  // `count` groups of `members` instances that need the same words
    double members, count;
  };

  Failure unroll(const Loop* loops, int count);
  Failure unroll_loop(const Loop& loop, bool& temporal);
  void multiply_outward();
  void enter_temporal(int level);
  double box_words(int tensor) const;
  Failure fits(const std::uint8_t* keep) const;
  void close_level(int level);
  void count_accesses(int level, int tensor);
  Delta first_delta(int level, int tensor) const;
  void group_instances(int level, int tensor);
  void group_equal(const std::vector<std::int64_t>& sorted, double factor);
  void expand(std::int64_t key, std::int64_t bound);
  double link_accesses(int level, int tensor, const Delta& delta);
  double link_visits(int level, int tensor, std::int64_t move, double size, double epochs);
  bool neighbours_differ_by(int level, int tensor, std::int64_t move) const;
  double serve_from_neighbours(int level, int tensor, std::int64_t move);
  bool served(std::int64_t instance, std::int64_t width, std::int64_t move) const;
  void expand_instances(int level, int tensor);
  double group_hops(int level, int tensor, const std::int64_t* move);
  int lanes(int level, int tensor, Lane* lanes, int* along_x) const;
  std::int64_t mesh_width(int level) const;
  int end_of_spreads(int level) const {
    return level > 0 ? first_spread_[level - 1] : static_cast<int>(spreads_.size());
  }
  void add(int level, int tensor, double multicast, double scatter, double words);
  void collapse(int tensor, const std::uint8_t* keep, Result& result);
  void split_partitions(int tensor);
  void bypass(int tensor, const std::uint8_t* keep, int outermost);
  void count(int level, int tensor, bool outermost, Traffic& traffic) const;
  void charge(const std::uint8_t* keep, Result& result) const;
  void charge_level(int level, const std::uint8_t* keep, Result& result) const;
  void networks(Result& result) const;

  const Hierarchy& hierarchy_;
  const Problem& problem_;
  Options options_;
  int levels_, tensors_;

  std::vector<Step> steps_;  // innermost first
  std::vector<double> outer_;  // outer_[i]: product of the bounds of steps i and outside
  std::int64_t moves_[kMaxTensors][kMaxLanes];  // by step: how far it moves a tensor's box, coded
  std::vector<Spread> spreads_;  // innermost first
  int first_step_[kMaxLevels + 1];
  int first_spread_[kMaxLevels + 1];
  std::int64_t fanout_[kMaxLevels], used_x_[kMaxLevels], used_y_[kMaxLevels];
  double replication_[kMaxLevels];
  std::int64_t inside_[kMaxDims];  // by dimension: product of the bounds so far
  std::int64_t extent_[kMaxTensors][kMaxAxes];
  std::int64_t tile_extent_[kMaxLevels][kMaxTensors][kMaxAxes];
  double tile_[kMaxLevels][kMaxTensors];
  double spread_tile_[kMaxLevels][kMaxTensors];
  double partition_[kMaxLevels][kMaxTensors];
  Stack stack_[kMaxLevels][kMaxTensors];
  std::vector<Ingress> lists_;
  std::vector<std::int64_t> keys_, sorted_;
  std::vector<std::pair<std::int64_t, std::int64_t>> members_;
  bool hops_wanted_ = false;
  std::vector<Group> groups_, plain_groups_;
};

}  // namespace accelerator
