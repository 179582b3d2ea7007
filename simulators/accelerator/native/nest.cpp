// Unrolling a mapping: strides, tiles, fan-outs; and whether it is legal.

#include <algorithm>
#include <cmath>

#include "evaluate.hpp"

namespace accelerator {

Evaluator::Evaluator(const Hierarchy& hierarchy, const Problem& problem, Options options)
    : hierarchy_(hierarchy),
      problem_(problem),
      options_(options),
      levels_(hierarchy.size()),
      tensors_(problem.tensors) {
  steps_.reserve(64);
  outer_.reserve(65);
  spreads_.reserve(64);
  lists_.reserve(256);
}

Failure Evaluator::unroll(const Loop* loops, int count) {
  std::fill_n(inside_, problem_.dims, 1);
  for (int t = 0; t < tensors_; ++t) std::fill_n(extent_[t], problem_.tensor[t].axes, 1);
  steps_.clear();
  spreads_.clear();
  int next = count - 1;  // innermost first
  for (int level = levels_ - 1; level >= 0; --level) {
    first_spread_[level] = static_cast<int>(spreads_.size());
    fanout_[level] = used_x_[level] = used_y_[level] = 1;
    bool temporal = false;
    for (; next >= 0 && loops[next].level == level; --next) {
      if (loops[next].bound == 1) continue;
      const Failure failure = unroll_loop(loops[next], temporal);
      if (!failure.ok()) return failure;
    }
    if (!temporal) enter_temporal(level);
    close_level(level);
  }
  if (next >= 0) {
    const int level = loops[next].level;
    return {level < 0 || level >= levels_ ? Reason::kUnknownLevel : Reason::kMalformed, level};
  }
  for (int d = 0; d < problem_.dims; ++d)
    if (inside_[d] != problem_.bounds[d])
      return {Reason::kFactors, d, static_cast<double>(inside_[d]),
              static_cast<double>(problem_.bounds[d])};
  multiply_outward();
  return {};
}

// Put one loop around those inside; `temporal`: whether a temporal loop of its level is among them.
Failure Evaluator::unroll_loop(const Loop& loop, bool& temporal) {
  if (loop.dim < 0 || loop.dim >= problem_.dims) return {Reason::kUnknownDimension, loop.dim};
  if (loop.bound < 1) return {Reason::kMalformed, loop.level};
  const std::int64_t stride = inside_[loop.dim];
  if (stride * loop.bound > problem_.bounds[loop.dim])
    return {Reason::kFactors, loop.dim, static_cast<double>(stride) * loop.bound,
            static_cast<double>(problem_.bounds[loop.dim])};
  inside_[loop.dim] = stride * loop.bound;
  if (loop.kind == Kind::kTemporal) {
    if (!temporal) enter_temporal(loop.level);
    temporal = true;
    steps_.push_back({static_cast<double>(loop.bound), stride, loop.dim});
  } else if (temporal || (loop.kind != Kind::kSpatialX && loop.kind != Kind::kSpatialY)) {
    return {Reason::kMalformed, loop.level};
  } else {
    const bool along_y = loop.kind == Kind::kSpatialY;
    spreads_.push_back({loop.bound, stride, loop.dim, along_y});
    (along_y ? used_y_ : used_x_)[loop.level] *= loop.bound;
  }
  const std::int64_t grown = stride * (loop.bound - 1);
  for (int t = 0; t < tensors_; ++t) {
    const Tensor& form = problem_.tensor[t];
    for (int i = 0; i < form.term_count[loop.dim]; ++i)
      extent_[t][form.terms[loop.dim][i].axis] += form.terms[loop.dim][i].coefficient * grown;
  }
  return {};
}

// Products of bounds from the outermost loop to each, and what each temporal step moves.
void Evaluator::multiply_outward() {
  const int steps = static_cast<int>(steps_.size());
  outer_.resize(steps + 1);
  outer_[steps] = 1;
  for (int s = steps - 1; s >= 0; --s) outer_[s] = outer_[s + 1] * steps_[s].bound;
  for (int t = 0; t < tensors_; ++t)
    for (int s = 0; s < steps; ++s)
      moves_[t][s] = steps_[s].stride * problem_.tensor[t].key[steps_[s].dim];
  double replication = 1;
  for (int level = 0; level < levels_; ++level) {
    replication_[level] = replication;
    replication *= static_cast<double>(fanout_[level]);
  }
}

// The spatial loops of the level are done, its temporal ones begin.
void Evaluator::enter_temporal(int level) {
  first_step_[level] = static_cast<int>(steps_.size());
  fanout_[level] = used_x_[level] * used_y_[level];
  if (fanout_[level] == 1) return;
  for (int t = 0; t < tensors_; ++t) spread_tile_[level][t] = box_words(t);
}

void Evaluator::close_level(int level) {
  for (int t = 0; t < tensors_; ++t) {
    tile_[level][t] = box_words(t);
    std::copy_n(extent_[t], problem_.tensor[t].axes, tile_extent_[level][t]);
  }
}

double Evaluator::box_words(int tensor) const {
  std::int64_t words = 1;
  for (int a = 0; a < problem_.tensor[tensor].axes; ++a) words *= extent_[tensor][a];
  return static_cast<double>(words);
}

Failure Evaluator::fits(const std::uint8_t* keep) const {
  for (int t = 0; t < tensors_; ++t) {
    bool kept = false;
    for (int level = 0; level < levels_; ++level) kept |= keep[level * tensors_ + t] != 0;
    if (!kept) return {Reason::kKeep, t};
  }
  // Timeloop compares the spatial loops of all outer levels together with the mesh.
  std::int64_t x = 1, y = 1;
  for (int level = 0; level < levels_; ++level) {
    x *= used_x_[level];
    y *= used_y_[level];
    const std::int64_t mesh_x = hierarchy_.mesh_x(level + 1), mesh_y = hierarchy_.mesh_y(level + 1);
    if (x > mesh_x)
      return {Reason::kFanout, level, static_cast<double>(x), static_cast<double>(mesh_x)};
    if (y > mesh_y)
      return {Reason::kFanout, level, -static_cast<double>(y), static_cast<double>(mesh_y)};
  }
  for (int level = levels_ - 1; level >= 0; --level) {
    double words = 0;
    for (int t = 0; t < tensors_; ++t)
      if (keep[level * tensors_ + t]) words += tile_[level][t];
    const double capacity = hierarchy_.levels[level].capacity_words;
    if (words > capacity) return {Reason::kCapacity, level, words, capacity};
  }
  return {};
}

Failure Evaluator::check(const Loop* loops, int count, const std::uint8_t* keep) {
  const Failure failure = unroll(loops, count);
  return failure.ok() ? fits(keep) : failure;
}

}  // namespace accelerator
