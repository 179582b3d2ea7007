#include "annealing.hpp"

#include <algorithm>
#include <cmath>

namespace accelerator::mapper {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kTries = 40;  // candidates looked at for each evaluation, legal and new or not
constexpr std::size_t kKnown = std::size_t{1} << 13;

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
  return hash ^ (hash >> 29);
}

std::uint64_t hash_of(const PackedMapping& m, int keeps) {
  std::uint64_t hash = 0x243f6a8885a308d3ULL;
  for (int i = 0; i < m.count; ++i) {
    const Loop& loop = m.loops[i];
    hash = mix(hash, static_cast<std::uint64_t>(loop.bound) << 24 |
                         static_cast<std::uint64_t>(loop.dim) << 16 |
                         static_cast<std::uint64_t>(loop.level) << 8 |
                         static_cast<std::uint64_t>(loop.kind));
  }
  for (int i = 0; i < keeps; ++i) hash = mix(hash, m.keep[i]);
  return hash;
}

}  // namespace

Annealing::Annealing(const Space& space, Scorer& scorer, Objective objective, double target,
                     std::uint64_t seed)
    : space_(space), scorer_(scorer), objective_(objective), target_(target), random_(seed) {
  known_.assign(kKnown, {0, 0});
  for (int d = 0; d < space.dims; ++d)
    if (!space.primes[d].empty() && space.slots[d].size() > 1) movable_.push_back(d);
  for (int l = 0; l < space.levels; ++l) {
    const LevelRules& at = space.level[l];
    const auto longer = [&](const LoopRules& rules, bool spatial) {
      int n = 0;
      for (int d = 0; d < space.dims; ++d) {
        const bool open = std::any_of(
            space.slots[d].begin(), space.slots[d].end(),
            [&](const Slot& s) { return s.level == l && s.spatial == spatial; });
        n += rules.order_is_free[d] && space.size[d] > 1 && (open || rules.fixed[d] > 1);
      }
      if (n > 1) reorderable_.push_back(2 * l + spatial);
    };
    longer(at.temporal, false);
    longer(at.spatial, true);
    for (int t = 0; t < space.tensors; ++t)
      if (at.keep_free >> t & 1) keep_bits_.emplace_back(l, t);
    for (int d = 0; d < space.dims; ++d)
      if (at.spatial.axes[d] == 3 && space.size[d] > 1) axes_.emplace_back(l, d);
  }
}

double Annealing::evaluate(const Candidate& c) {
  space_.pack(c, packed_);
  const std::uint64_t hash = hash_of(packed_, space_.levels * space_.tensors);
  Known& known = known_[hash % kKnown];
  if (known.hash == hash) return known.value;
  ++evaluations_;
  const Figures figures = scorer_.score(packed_);
  known = {hash, figures.valid ? objective_value(objective_, figures) : kInfinity};
  return known.value;
}

void Annealing::adopt(const Candidate& c, double value) {
  if (value < best_value_) {
    best_ = c;
    best_value_ = value;
  }
}

void Annealing::begin(const Candidate& start, std::uint64_t draws) {
  current_ = start;
  current_value_ = std::log(evaluate(start));
  adopt(start, std::exp(current_value_));
  const Candidate blank = space_.blank();
  Candidate drawn = blank;
  const std::uint64_t last = evaluations_ + draws;
  for (std::uint64_t i = 0; i < kTries * draws && evaluations_ < last; ++i, drawn = blank) {
    if (!draw_fitted(space_, random_, drawn)) continue;
    const double value = evaluate(drawn);
    adopt(drawn, value);
    if (std::log(value) >= current_value_) continue;
    current_ = drawn;
    current_value_ = std::log(value);
  }
}

void Annealing::follow(const Annealing& other) {
  current_ = other.current_;
  current_value_ = other.current_value_;
}

void Annealing::cool(std::uint64_t budget, double hot, double cold) {
  const std::uint64_t first = evaluations_, last = first + budget;
  const auto evaluations = static_cast<double>(budget), most = kTries * evaluations;
  Candidate next;
  for (double tries = 0; evaluations_ < last && tries < most && !done(); ++tries) {
    next = current_;
    if (!mutate(next) || !space_.legal(next)) continue;
    const double value = evaluate(next), logarithm = std::log(value);
    const double done =
        std::max(static_cast<double>(evaluations_ - first) / evaluations, tries / most);
    const double temperature = hot * std::pow(cold / hot, done);
    if (logarithm > current_value_ &&
        random_.uniform() >= std::exp((current_value_ - logarithm) / temperature))
      continue;
    current_ = next;
    current_value_ = logarithm;
    adopt(current_, value);
  }
}

bool Annealing::mutate(Candidate& c) {
  bool changed = false;
  do {
    const std::uint32_t kind = random_.below(16);
    if (kind < 8) {
      changed |= move_factor(c);
    } else if (kind < 11) {
      changed |= exchange_factors(c);
    } else if (kind < 14) {
      changed |= move_loop(c);
    } else if (kind < 15) {
      changed |= toggle_keep(c);
    } else {
      changed |= turn_axis(c);
    }
  } while (random_.below(2) == 0);
  return changed;
}

bool Annealing::shift(Candidate& c, int dim, std::int32_t prime, const Slot& from,
                      const Slot& to) {
  std::int32_t &source = Space::bound(c, dim, from), &target = Space::bound(c, dim, to);
  if (source % prime != 0 || static_cast<std::int64_t>(target) * prime > to.most) return false;
  const bool opens = target == 1;
  source /= prime;
  target *= prime;
  if (opens && random_.below(2)) insert_anywhere(c, dim, to);
  return true;
}

bool Annealing::move_factor(Candidate& c) {
  if (movable_.empty()) return false;
  const int dim = movable_[random_.below(static_cast<std::uint32_t>(movable_.size()))];
  const auto& primes = space_.primes[dim];
  const auto& slots = space_.slots[dim];
  const std::int32_t prime = primes[random_.below(static_cast<std::uint32_t>(primes.size()))];
  const auto n = static_cast<std::uint32_t>(slots.size());
  std::uint32_t from = random_.below(n);
  while (Space::bound(c, dim, slots[from]) % prime != 0) from = (from + 1) % n;
  // Spatial places are few, and count most: look for one up to three times.
  std::uint32_t to = from;
  for (int i = 0; i < 3 && (to == from || !slots[to].spatial); ++i)
    to = (from + 1 + random_.below(n - 1)) % n;
  return shift(c, dim, prime, slots[from], slots[to]);
}

// Swap factors of two dimensions between two places: keeps a full mesh or buffer nearly full.
bool Annealing::exchange_factors(Candidate& c) {
  if (movable_.size() < 2) return false;
  const auto n = static_cast<std::uint32_t>(movable_.size());
  const std::uint32_t first = random_.below(n);
  const int a = movable_[first], b = movable_[(first + 1 + random_.below(n - 1)) % n];
  const auto &slots = space_.slots[a], &others = space_.slots[b];
  const auto count = static_cast<std::uint32_t>(slots.size());
  const std::uint32_t i = random_.below(count), j = (i + 1 + random_.below(count - 1)) % count;
  const auto matching = [&](const Slot& slot) {
    return std::find_if(others.begin(), others.end(), [&](const Slot& s) {
      return s.level == slot.level && s.spatial == slot.spatial;
    });
  };
  const auto from = matching(slots[j]), to = matching(slots[i]);
  if (from == others.end() || to == others.end()) return false;
  const auto pick = [&](int d) {
    const auto& primes = space_.primes[d];
    return primes[random_.below(static_cast<std::uint32_t>(primes.size()))];
  };
  return shift(c, a, pick(a), slots[i], slots[j]) && shift(c, b, pick(b), *from, *to);
}

void Annealing::insert_anywhere(Candidate& c, int dim, const Slot& slot) {
  const LevelRules& at = space_.level[slot.level];
  const LoopRules& rules = slot.spatial ? at.spatial : at.temporal;
  if (!rules.order_is_free[dim]) return;
  auto& order = (slot.spatial ? c.spatial_order : c.temporal_order)[slot.level];
  const int n = space_.dims - static_cast<int>(rules.inner.size());
  const auto from = std::find(order.begin(), order.begin() + n, dim) - order.begin();
  const auto to = static_cast<std::ptrdiff_t>(random_.below(n));
  if (from < to) std::rotate(order.begin() + from, order.begin() + from + 1, order.begin() + to + 1);
  if (to < from) std::rotate(order.begin() + to, order.begin() + from, order.begin() + from + 1);
}

bool Annealing::move_loop(Candidate& c) {
  if (reorderable_.empty()) return false;
  const int place = reorderable_[random_.below(static_cast<std::uint32_t>(reorderable_.size()))];
  const int level = place / 2;
  const bool spatial = place % 2;
  const LoopRules& rules = spatial ? space_.level[level].spatial : space_.level[level].temporal;
  const auto& bounds = spatial ? c.spatial[level] : c.temporal[level];
  std::array<int, kMaxDims> active{};
  int n = 0;
  for (int d = 0; d < space_.dims; ++d)
    if (bounds[d] > 1 && rules.order_is_free[d]) active[n++] = d;
  if (n < 2) return false;
  insert_anywhere(c, active[random_.below(n)], {level, spatial, 0});
  return true;
}

bool Annealing::toggle_keep(Candidate& c) {
  if (keep_bits_.empty()) return false;
  const auto [level, tensor] =
      keep_bits_[random_.below(static_cast<std::uint32_t>(keep_bits_.size()))];
  c.keep[level] ^= static_cast<std::uint8_t>(1 << tensor);
  return true;
}

bool Annealing::turn_axis(Candidate& c) {
  if (axes_.empty()) return false;
  const auto [level, dim] = axes_[random_.below(static_cast<std::uint32_t>(axes_.size()))];
  c.axis[level][dim] = c.axis[level][dim] == Kind::kSpatialX ? Kind::kSpatialY : Kind::kSpatialX;
  return c.spatial[level][dim] > 1;
}

bool Annealing::improve(const Candidate& c) {
  if (!space_.legal(c)) return false;
  const double value = evaluate(c);
  const bool better = value < best_value_;
  adopt(c, value);
  return better;
}

void Annealing::descend(std::uint64_t budget) {
  limit_ = done() ? 0 : evaluations_ + budget;
  while ((descend_factors() || descend_orders() || descend_rest()) && evaluations_ < limit_) {
  }
}

bool Annealing::descend_factors() {
  bool better = false;
  for (const int dim : movable_) {
    std::int32_t last = 0;
    for (const std::int32_t prime : space_.primes[dim]) {
      if (prime == last) continue;
      last = prime;
      for (const Slot& from : space_.slots[dim]) {
        for (const Slot& to : space_.slots[dim]) {
          if (evaluations_ >= limit_) return better;
          if (&from == &to) continue;
          Candidate c = best_;
          if (shift(c, dim, prime, from, to)) better |= improve(c);
        }
      }
    }
  }
  return better;
}

bool Annealing::descend_orders() {
  bool better = false;
  for (const int place : reorderable_) {
    const int level = place / 2;
    const bool spatial = place % 2;
    const LoopRules& rules = spatial ? space_.level[level].spatial : space_.level[level].temporal;
    const int n = space_.dims - static_cast<int>(rules.inner.size());
    for (int i = 0; i < n; ++i) {
      for (int j = i + 1; j < n; ++j) {
        if (evaluations_ >= limit_) return better;
        Candidate c = best_;
        auto& order = (spatial ? c.spatial_order : c.temporal_order)[level];
        const auto& bounds = spatial ? c.spatial[level] : c.temporal[level];
        if (bounds[order[i]] == 1 || bounds[order[j]] == 1) continue;
        std::swap(order[i], order[j]);
        better |= improve(c);
      }
    }
  }
  return better;
}

bool Annealing::descend_rest() {
  bool better = false;
  for (const auto& [level, tensor] : keep_bits_) {
    if (evaluations_ >= limit_) return better;
    Candidate c = best_;
    c.keep[level] ^= static_cast<std::uint8_t>(1 << tensor);
    better |= improve(c);
  }
  for (const auto& [level, dim] : axes_) {
    if (evaluations_ >= limit_) return better;
    Candidate c = best_;
    if (c.spatial[level][dim] == 1) continue;
    c.axis[level][dim] = c.axis[level][dim] == Kind::kSpatialX ? Kind::kSpatialY : Kind::kSpatialX;
    better |= improve(c);
  }
  return better;
}

}  // namespace accelerator::mapper
