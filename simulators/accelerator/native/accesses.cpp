// How often every level is accessed by the next inner one.
//
// Timeloop walks the nest with every loop cut to two iterations, the second standing for all that
// follow. Numbering the temporal loops outside a tile 0 (innermost), 1, ..., the walk visits the
// tile like a binary counter: between two visits the digits 0 ... t-1 fall to 0 and digit t rises.
// So the tile moves by W_t = step_t - sum of step_i for i < t, and only t matters:
//  - the first visit fetches the tile;
//  - visits with t = 0 (every second one) fetch what a move by W_0 uncovers;
//  - visits with t > 0 do the same if W_t = W_0; if not, the stride has changed: the whole tile.
// A visit stands for (bound - 1) of every raised digit, which sums to outer[t] - outer[t + 1] over
// the visits with the same t, outer[t] being the product of the bounds of loop t and those outside.

#include <algorithm>

#include "evaluate.hpp"

namespace accelerator {

struct Evaluator::Delta {
  enum { kEmpty, kSlice, kWhole } kind = kWhole;
  double tile = 1;   // words of the whole tile
  double slice = 1;  // words fetched at t = 0
  std::int64_t move = 0;
};

Evaluator::Delta Evaluator::first_delta(int level, int tensor) const {
  Delta delta;
  const Tensor& form = problem_.tensor[tensor];
  const int first = first_step_[level];
  if (level < levels_ - 1) delta.tile = tile_[level + 1][tensor];
  delta.slice = delta.tile;
  if (first == static_cast<int>(steps_.size())) return delta;
  const Step& step = steps_[first];
  delta.move = moves_[tensor][first];
  // Multipliers hold no operands: each operation fetches its own.
  if (level == levels_ - 1) return delta;
  const int terms = form.term_count[step.dim];
  if (terms == 0) {
    delta.kind = Delta::kEmpty;
    delta.slice = 0;
  } else if (terms == 1) {
    const Term& term = form.terms[step.dim][0];
    const std::int64_t extent = tile_extent_[level + 1][tensor][term.axis];
    const std::int64_t moved = term.coefficient * step.stride;
    if (moved < extent) {
      delta.kind = Delta::kSlice;
      delta.slice = delta.tile / static_cast<double>(extent) * static_cast<double>(moved);
    }
  }
  return delta;
}

void Evaluator::count_accesses(int level, int tensor) {
  Stack& stack = stack_[level][tensor];
  stack = Stack{};
  stack.first = static_cast<int>(lists_.size());
  const Delta delta = first_delta(level, tensor);
  const int first = first_step_[level], steps = static_cast<int>(steps_.size());
  double words = delta.tile;
  if (steps > first) {
    words = delta.tile * outer_[first + 1] + delta.slice * (outer_[first] - outer_[first + 1]);
    if (delta.kind != Delta::kWhole) {
      const std::int64_t* moves = moves_[tensor];
      std::int64_t sum = delta.move;
      for (int t = first + 1; t < steps; ++t) {
        if (moves[t] - sum == delta.move)
          words -= (outer_[t] - outer_[t + 1]) * (delta.tile - delta.slice);
        sum += moves[t];
      }
    }
  }
  if (fanout_[level] == 1) {
    add(level, tensor, 1, 1, words);
  } else {
    group_instances(level, tensor);
    if (delta.kind != Delta::kEmpty) words -= link_accesses(level, tensor, delta);
    if (words > 0) {
      for (const Group& group : groups_)
        add(level, tensor, group.members, group.count, words * group.count);
      if (hops_wanted_) stack.hops += words * group_hops(level, tensor, nullptr);
    }
  }
  for (int i = stack.first; i < stack.first + stack.count; ++i) {
    stack.total += lists_[i].words;
    stack.delivered += lists_[i].multicast * lists_[i].words;
  }
}

void Evaluator::add(int level, int tensor, double multicast, double scatter, double words) {
  Stack& stack = stack_[level][tensor];
  for (int i = stack.first; i < stack.first + stack.count; ++i)
    if (lists_[i].multicast == multicast && lists_[i].scatter == scatter) {
      lists_[i].words += words;
      return;
    }
  lists_.push_back({multicast, scatter, words});
  ++stack.count;
}

// Instances of the fan-out that need the same words share one access: groups_ counts the groups by
// their number of members.
void Evaluator::group_instances(int level, int tensor) {
  const Tensor& form = problem_.tensor[tensor];
  const int first = first_spread_[level], last = end_of_spreads(level);
  double shared = 1, different = 1;
  int relevant = 0;
  Lane lanes[kMaxLanes];
  for (int i = first; i < last; ++i) {
    const std::int64_t key = spreads_[i].stride * form.key[spreads_[i].dim];
    if (key == 0) {
      shared *= static_cast<double>(spreads_[i].bound);
    } else {
      lanes[relevant++] = {key, spreads_[i].bound};
      different *= static_cast<double>(spreads_[i].bound);
    }
  }
  groups_.clear();
  std::sort(lanes, lanes + relevant, [](const Lane& a, const Lane& b) { return a.key < b.key; });
  std::int64_t reach = 0;
  bool distinct = true;
  for (int i = 0; i < relevant; ++i) {
    distinct &= lanes[i].key > reach;
    reach += lanes[i].key * (lanes[i].bound - 1);
  }
  if (distinct) {
    groups_.push_back({shared, different});
    return;
  }
  keys_.assign(1, 0);
  for (int i = 0; i < relevant; ++i) expand(lanes[i].key, lanes[i].bound);
  std::sort(keys_.begin(), keys_.end());
  group_equal(keys_, shared);
}

// Append copies of keys_ moved by 1, 2, ... bound - 1 times `key`.
void Evaluator::expand(std::int64_t key, std::int64_t bound) {
  const std::size_t size = keys_.size();
  keys_.reserve(size * static_cast<std::size_t>(bound));
  for (std::int64_t i = 1; i < bound; ++i)
    for (std::size_t j = 0; j < size; ++j) keys_.push_back(keys_[j] + i * key);
}

void Evaluator::group_equal(const std::vector<std::int64_t>& sorted, double factor) {
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t j = i;
    while (j < sorted.size() && sorted[j] == sorted[i]) ++j;
    const double members = factor * static_cast<double>(j - i);
    auto same = std::find_if(groups_.begin(), groups_.end(),
                             [&](const Group& group) { return group.members == members; });
    if (same == groups_.end())
      groups_.push_back({members, 1});
    else
      ++same->count;
    i = j;
  }
}

// An instance can take its words from a neighbour that received the same ones at the previous
// visit; Timeloop does so wherever it saves accesses. The two visits fetch boxes of one shape if
// both are whole tiles or both slices, W_t apart. Returns the words (of one group) that no longer
// are plain multicasts.
double Evaluator::link_accesses(int level, int tensor, const Delta& delta) {
  const int first = first_step_[level], steps = static_cast<int>(steps_.size());
  double linked = 0, epochs = 0;
  std::int64_t sum = 0, move = 0;
  for (int t = first; t < steps; ++t) {
    const std::int64_t step = moves_[tensor][t];
    const double visits = outer_[t] - outer_[t + 1];
    if (delta.kind == Delta::kWhole) {
      if (t > first && step - sum != move) {
        linked += link_visits(level, tensor, move, delta.tile, epochs);
        epochs = 0;
      }
      move = step - sum;
      epochs += visits;
    } else if (t > first && step - sum == delta.move) {
      // The slice at this visit follows a slice, and so does the one at the next visit, where
      // digit 0 rises above it.
      move = delta.move;
      epochs += visits + visits * (steps_[first].bound - 1);
    }
    sum += step;
  }
  if (epochs > 0) linked += link_visits(level, tensor, move, delta.slice, epochs);
  return linked;
}

double Evaluator::link_visits(int level, int tensor, std::int64_t move, double size,
                              double epochs) {
  if (!neighbours_differ_by(level, tensor, move)) return 0;
  std::swap(groups_, plain_groups_);
  const double served = serve_from_neighbours(level, tensor, move);
  double before = 0, after = 0;
  for (const Group& group : plain_groups_) before += group.count;
  for (const Group& group : groups_) after += group.count;
  const bool fewer = after < before;
  if (fewer) {
    for (const Group& group : groups_)
      add(level, tensor, group.members, group.count, size * epochs * group.count);
    stack_[level][tensor].links += size * epochs * served;
    if (hops_wanted_)
      stack_[level][tensor].hops += size * epochs * group_hops(level, tensor, &move);
  }
  std::swap(groups_, plain_groups_);
  return fewer ? size * epochs : 0;
}

// Collect the spatial loops as lanes, fastest first: those along X, then those along Y.
int Evaluator::lanes(int level, int tensor, Lane* lanes, int* along_x) const {
  const Tensor& form = problem_.tensor[tensor];
  int count = 0;
  for (const bool along_y : {false, true}) {
    for (int i = first_spread_[level]; i < end_of_spreads(level); ++i)
      if (spreads_[i].along_y == along_y)
        lanes[count++] = {spreads_[i].stride * form.key[spreads_[i].dim], spreads_[i].bound};
    if (!along_y) *along_x = count;
  }
  return count;
}

std::int64_t Evaluator::mesh_width(int level) const {
  return std::max(used_x_[level], hierarchy_.mesh_x(level + 1) / hierarchy_.mesh_x(level));
}

// A cheap necessary condition for links: some neighbours differ by +-move.
bool Evaluator::neighbours_differ_by(int level, int tensor, std::int64_t move) const {
  Lane all[kMaxLanes];
  int along_x = 0;
  const int count = lanes(level, tensor, all, &along_x);
  const std::int64_t width = mesh_width(level);
  const bool one_row = fanout_[level] <= width;
  if (!one_row && used_x_[level] != width) return true;  // rows of the mesh cut the loops
  const auto any = [&](int from, int to) {
    std::int64_t back = 0;
    for (int i = from; i < to; ++i) {
      const std::int64_t difference = all[i].key - back;
      if (difference == move || difference == -move) return true;
      back += all[i].key * (all[i].bound - 1);
    }
    return false;
  };
  return one_row ? any(0, count) : any(0, along_x) || any(along_x, count);
}

// Number the instances along X first; keys_ tells what they need.
void Evaluator::expand_instances(int level, int tensor) {
  Lane all[kMaxLanes];
  int along_x = 0;
  const int count = lanes(level, tensor, all, &along_x);
  keys_.assign(1, 0);
  for (int i = 0; i < count; ++i) expand(all[i].key, all[i].bound);
}

// Whether a neighbour in the mesh, which is `width` wide, held at the previous visit what the
// instance needs now.
bool Evaluator::served(std::int64_t instance, std::int64_t width, std::int64_t move) const {
  const auto holds = [&](std::int64_t other) {
    return other >= 0 && other < static_cast<std::int64_t>(keys_.size()) &&
           keys_[other] - keys_[instance] == move;
  };
  return (instance % width > 0 && holds(instance - 1)) ||
         (instance % width < width - 1 && holds(instance + 1)) || holds(instance - width) ||
         holds(instance + width);
}

// Leave the instances that no neighbour can serve in groups_; return how many are served.
double Evaluator::serve_from_neighbours(int level, int tensor, std::int64_t move) {
  expand_instances(level, tensor);
  const std::int64_t width = mesh_width(level), size = static_cast<std::int64_t>(keys_.size());
  sorted_.clear();
  for (std::int64_t i = 0; i < size; ++i)
    if (!served(i, width, move)) sorted_.push_back(keys_[i]);
  const double served = static_cast<double>(size) - static_cast<double>(sorted_.size());
  std::sort(sorted_.begin(), sorted_.end());
  groups_.clear();
  group_equal(sorted_, 1);
  return served;
}

// Links passed by one access of every group, summed: words enter the mesh at the left edge, half way
// up, run along X as far as the last receiver, and in each column to the receivers above and below.
double Evaluator::group_hops(int level, int tensor, const std::int64_t* move) {
  expand_instances(level, tensor);
  const std::int64_t width = mesh_width(level);
  members_.clear();
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(keys_.size()); ++i)
    // Ordered by need, then by column.
    if (move == nullptr || !served(i, width, *move))
      members_.push_back({keys_[i], i % width * (fanout_[level] + 1) + i / width});
  std::sort(members_.begin(), members_.end());
  const std::int64_t rows = std::max(used_y_[level], hierarchy_.mesh_y(level + 1) /
                                                         hierarchy_.mesh_y(level));
  const double middle = static_cast<double>(rows - 1) / 2;
  double hops = 0;
  for (std::size_t i = 0; i < members_.size();) {
    const std::int64_t need = members_[i].first;
    double last_column = 0;
    while (i < members_.size() && members_[i].first == need) {
      const std::int64_t column = members_[i].second / (fanout_[level] + 1);
      const auto row = [&](std::size_t at) {
        return static_cast<double>(members_[at].second % (fanout_[level] + 1));
      };
      std::size_t end = i;
      while (end < members_.size() && members_[end].first == need &&
             members_[end].second / (fanout_[level] + 1) == column)
        ++end;
      hops += std::max(0.0, middle - row(i)) + std::max(0.0, row(end - 1) - middle);
      last_column = static_cast<double>(column);
      i = end;
    }
    hops += last_column;
  }
  return hops;
}

}  // namespace accelerator
