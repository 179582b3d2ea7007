// The iteration states of a level: where each directive stands, and how often.

#pragma once

#include "levels.hpp"

namespace maestro {

enum Position : int { kInit, kSteady, kEdge };

// One directive's share of an iteration case.
struct State {
  Position position = kInit;
  Int times = 1;
  bool unrolled = false;  // the first iteration covers the whole dimension
  bool edge = false;      // fewer elements, or fewer sub-clusters, than elsewhere
  bool partial = false;   // spatial: the last active sub-cluster holds less than the others
};

struct States {
  std::array<State, 3> state;
  int count = 0;

  void add(const State& s) { state[count++] = s; }
};

// The states of directive `d` over a dimension of `tile` elements, spread over `clusters`.
States states_of(const Directive& d, Int tile, Int clusters);

// Visits every combination of the level's states once: the all-Init case first, then the others
// as MAESTRO orders them, whose last case fixes the figures that it reports of the last case.
class Cases {
 public:
  Cases(const Level& level, const std::array<Int, kDims>& tile);

  bool next();
  const State& operator[](int directive) const { return current_[directive]; }
  Int times() const { return times_; }
  int changing() const { return changing_; }  // the innermost directive not in Init; -1: none

 private:
  void select(Int number);

  const Level& level_;
  std::array<States, kDims> states_;
  std::array<State, kDims> current_;
  Int total_ = 1, number_ = 0, times_ = 1;
  int changing_ = -1;
};

}  // namespace maestro
