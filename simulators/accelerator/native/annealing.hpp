// Local search over candidates: moves that keep every factorisation perfect and every constraint,
// simulated annealing, and descent to a mapping that no single move improves.

#pragma once

#include "mapper.hpp"

namespace accelerator::mapper {

class Annealing {
 public:
  // target: no value is below; the search ends when it is reached.
  Annealing(const Space& space, Scorer& scorer, Objective objective, double target,
            std::uint64_t seed);

  // Begin at the best of `start` and of about `draws` random mappings.
  void begin(const Candidate& start, std::uint64_t draws);

  // Go on from where another run is.
  void follow(const Annealing& other);

  // Spend about `budget` evaluations while the temperature, in units of the objective's natural
  // logarithm, falls from `hot` to `cold`.
  void cool(std::uint64_t budget, double hot, double cold);

  // Improve the best mapping by single moves until none helps or the budget is spent.
  void descend(std::uint64_t budget);

  double current() const { return current_value_; }  // its logarithm
  const Candidate& best() const { return best_; }
  double value() const { return best_value_; }
  std::uint64_t evaluations() const { return evaluations_; }

 private:
  double evaluate(const Candidate& c);
  void adopt(const Candidate& c, double value);
  bool improve(const Candidate& c);
  bool done() const { return best_value_ <= target_; }

  bool mutate(Candidate& c);
  bool move_factor(Candidate& c);
  bool exchange_factors(Candidate& c);
  bool move_loop(Candidate& c);
  bool toggle_keep(Candidate& c);
  bool turn_axis(Candidate& c);
  bool shift(Candidate& c, int dim, std::int32_t prime, const Slot& from, const Slot& to);
  void insert_anywhere(Candidate& c, int dim, const Slot& slot);

  bool descend_factors();
  bool descend_orders();
  bool descend_rest();

  const Space& space_;
  Scorer& scorer_;
  Objective objective_;
  double target_;
  Random random_;
  Candidate best_{}, current_{};
  double best_value_ = std::numeric_limits<double>::infinity();
  double current_value_ = 0;  // logarithm
  std::uint64_t evaluations_ = 0, limit_ = 0;
  PackedMapping packed_{};
  struct Known {
    std::uint64_t hash;
    double value;
  };
  std::vector<Known> known_;  // values of recent mappings, by hash
  std::vector<int> movable_;  // dimensions with a factor that has more than one place
  std::vector<int> reorderable_;  // 2 * level + spatial, where more than one loop is free
  std::vector<std::pair<int, int>> keep_bits_, axes_;  // (level, tensor), (level, dim)
};

}  // namespace accelerator::mapper
