// Search for the best mapping: exact enumeration where the space is small enough, otherwise
// simulated annealing with restarts and a descent, then enumeration of what the best value found
// does not rule out.

#pragma once

#include <functional>
#include <memory>

#include "mapping_walk.hpp"

namespace accelerator::mapper {

enum class Objective : int { kCycles, kEnergy, kEdp };

struct Figures {
  bool valid = false;
  double cycles = 0, energy_pj = 0;
};

// The cost model, as the search sees it. Not shared between threads.
class Scorer {
 public:
  virtual ~Scorer() = default;
  virtual Figures score(const PackedMapping& mapping) = 0;
};
using MakeScorer = std::function<std::unique_ptr<Scorer>()>;

struct Settings {
  Objective objective = Objective::kEdp;
  std::uint64_t budget = 0;  // evaluations
  std::uint64_t seed = 0;
  int threads = 1;
  double operations = 1;         // multiply-accumulates
  double least_energy_pj = 0;    // no mapping needs less
};

enum class Status : int { kFound, kNoMapping, kGaveUp };

struct Outcome {
  Status status = Status::kFound;
  Candidate best{};
  double value = 0;  // of the objective: cycles, pJ, or cycles x pJ
  double bound = 0;  // no mapping is below
  std::uint64_t evaluations = 0;
  bool optimal = false;
  Obstacle obstacle;
};

double objective_value(Objective objective, const Figures& figures);

Outcome search(const Space& space, const MakeScorer& make_scorer, const Settings& settings);

// The first mapping that is legal, with factors as far out as possible; or what stands in the way.
Outcome first_legal(const Space& space);

}  // namespace accelerator::mapper
