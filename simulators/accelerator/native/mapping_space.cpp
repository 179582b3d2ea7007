#include "mapping_space.hpp"

#include <algorithm>
#include <cstring>

namespace accelerator::mapper {

namespace {

void free_orders(LoopRules& rules, int dims) {
  for (int d = 0; d < dims; ++d) rules.order_is_free[d] = true;
  for (int d : rules.inner) rules.order_is_free[d] = false;
}

std::vector<std::int32_t> prime_factors(std::int64_t n) {
  std::vector<std::int32_t> primes;
  for (std::int64_t p = 2; p * p <= n; ++p)
    for (; n % p == 0; n /= p) primes.push_back(static_cast<std::int32_t>(p));
  if (n > 1) primes.push_back(static_cast<std::int32_t>(n));
  return primes;
}

// Free dimensions first, in their own order, then the fixed ones: outermost first.
std::array<std::uint8_t, kMaxDims> default_order(const LoopRules& rules, int dims) {
  std::array<std::uint8_t, kMaxDims> order{};
  int n = 0;
  for (int d = 0; d < dims; ++d)
    if (rules.order_is_free[d]) order[n++] = static_cast<std::uint8_t>(d);
  for (auto it = rules.inner.rbegin(); it != rules.inner.rend(); ++it)
    order[n++] = static_cast<std::uint8_t>(*it);
  return order;
}

}  // namespace

void Space::prepare() {
  for (LevelRules& l : level) {
    free_orders(l.temporal, dims);
    free_orders(l.spatial, dims);
  }
  for (int d = 0; d < dims; ++d) {
    slots[d].clear();
    std::int64_t rest = size[d];
    const auto take = [&](const LoopRules& rules, int l, bool spatial, std::int64_t most) {
      const std::int64_t fixed = rules.fixed[d];
      if (fixed == 0) {
        if (most > 1) slots[d].push_back({l, spatial, most});
      } else {
        rest = rest % fixed == 0 ? rest / fixed : 0;
      }
    };
    for (int l = 0; l < levels; ++l) {
      const LevelRules& at = level[l];
      take(at.temporal, l, false, at.temporal.most[d]);
      const std::uint8_t allowed = at.spatial.axes[d];
      const std::int64_t mesh = std::max(allowed & 1 ? at.fanout_x : 1,
                                         allowed & 2 ? at.fanout_y : 1);
      take(at.spatial, l, true, std::min(at.spatial.most[d], mesh));
    }
    to_place[d] = rest;
    primes[d] = prime_factors(rest);
  }
}

Candidate Space::blank() const {
  Candidate c{};
  for (int l = 0; l < levels; ++l) {
    const LevelRules& at = level[l];
    for (int d = 0; d < dims; ++d) {
      c.temporal[l][d] = static_cast<std::int32_t>(std::max<std::int64_t>(at.temporal.fixed[d], 1));
      c.spatial[l][d] = static_cast<std::int32_t>(std::max<std::int64_t>(at.spatial.fixed[d], 1));
      c.axis[l][d] = at.spatial.axes[d] == 2 ? Kind::kSpatialY : Kind::kSpatialX;
    }
    c.temporal_order[l] = default_order(at.temporal, dims);
    c.spatial_order[l] = default_order(at.spatial, dims);
    c.keep[l] = at.keep;
  }
  return c;
}

double Space::tile(int t, const std::array<double, kMaxDims>& extent) const {
  double words = 1;
  for (const Axis& axis : axes[t]) {
    double length = 1;
    for (const auto& [dim, coefficient] : axis)
      length += static_cast<double>(coefficient) * (extent[dim] - 1);
    words *= length;
  }
  return words;
}

std::pair<std::int64_t, std::int64_t> Space::spread(const Candidate& c, int l) const {
  std::int64_t x = 1, y = 1;
  for (int d = 0; d < dims; ++d) (c.axis[l][d] == Kind::kSpatialX ? x : y) *= c.spatial[l][d];
  return {x, y};
}

bool Space::keeps_all(const Candidate& c) const {
  int kept = 0;
  for (int l = 0; l < levels; ++l) kept |= c.keep[l];
  return kept == (1 << tensors) - 1;
}

bool Space::fits_meshes(const Candidate& c) const {
  for (int l = 0; l < levels; ++l) {
    const auto [x, y] = spread(c, l);
    if (x > level[l].fanout_x || y > level[l].fanout_y) return false;
  }
  return true;
}

int Space::overfull(const Candidate& c) const {
  std::array<double, kMaxDims> extent;
  extent.fill(1);
  for (int l = levels - 1; l >= 0; --l) {
    for (int d = 0; d < dims; ++d)
      extent[d] *= static_cast<double>(c.temporal[l][d]) * c.spatial[l][d];
    if (level[l].capacity == kUnlimited) continue;
    double words = 0;
    for (int t = 0; t < tensors; ++t)
      if (c.keep[l] >> t & 1) words += tile(t, extent);
    if (words > static_cast<double>(level[l].capacity)) return l;
  }
  return -1;
}

void Space::pack(const Candidate& c, PackedMapping& out) const {
  int n = 0;
  const auto add = [&](int d, std::int32_t bound, int l, Kind kind) {
    out.loops[n++] = {bound, static_cast<std::int8_t>(d), static_cast<std::int8_t>(l), kind};
  };
  for (int l = 0; l < levels; ++l) {
    for (int i = 0; i < dims; ++i) {
      const int d = c.temporal_order[l][i];
      if (c.temporal[l][d] > 1) add(d, c.temporal[l][d], l, Kind::kTemporal);
    }
    for (const Kind kind : {Kind::kSpatialY, Kind::kSpatialX}) {
      for (int i = 0; i < dims; ++i) {
        const int d = c.spatial_order[l][i];
        if (c.spatial[l][d] > 1 && c.axis[l][d] == kind) add(d, c.spatial[l][d], l, kind);
      }
    }
    for (int t = 0; t < tensors; ++t) out.keep[l * tensors + t] = c.keep[l] >> t & 1;
  }
  out.count = n;
}

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    word = z ^ (z >> 31);
  }
}

std::uint64_t Random::next() {
  const auto rotate = [](std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
  const std::uint64_t result = rotate(state_[1] * 5, 7) * 9, t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate(state_[3], 45);
  return result;
}

namespace {

// Split the exponent of one prime over n places, every way equally likely (stars and bars).
void draw_parts(Random& random, int exponent, int n, std::vector<int>& parts) {
  parts.assign(n, 0);
  std::vector<int>& bars = parts;  // First the places of n - 1 bars among the symbols ...
  const int symbols = exponent + n - 1;
  int chosen = 0;
  for (int i = 0; i < symbols && chosen < n - 1; ++i)
    if (static_cast<int>(random.below(symbols - i)) < n - 1 - chosen) bars[chosen++] = i;
  int last = -1;  // ... then the runs of stars between them.
  for (int i = 0; i < n - 1; ++i) {
    const int bar = bars[i];
    parts[i] = bar - last - 1;
    last = bar;
  }
  parts[n - 1] = symbols - last - 1;
}

void shuffle_free(const LoopRules& rules, int dims, Random& random,
                  std::array<std::uint8_t, kMaxDims>& order) {
  const int n = dims - static_cast<int>(rules.inner.size());
  for (int i = n - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
}

}  // namespace

void scatter(const Space& space, Random& random, Candidate& c) {
  static thread_local std::vector<int> parts;
  for (int d = 0; d < space.dims; ++d) {
    const auto& slots = space.slots[d];
    const auto& primes = space.primes[d];
    for (std::size_t i = 0; i < primes.size();) {
      std::size_t j = i;
      while (j < primes.size() && primes[j] == primes[i]) ++j;
      draw_parts(random, static_cast<int>(j - i), static_cast<int>(slots.size()), parts);
      for (std::size_t s = 0; s < slots.size(); ++s) {
        auto& at = slots[s].spatial ? c.spatial : c.temporal;
        for (int k = 0; k < parts[s]; ++k) at[slots[s].level][d] *= primes[i];
      }
      i = j;
    }
  }
  for (int l = 0; l < space.levels; ++l) {
    const LevelRules& at = space.level[l];
    shuffle_free(at.temporal, space.dims, random, c.temporal_order[l]);
    shuffle_free(at.spatial, space.dims, random, c.spatial_order[l]);
    for (int d = 0; d < space.dims; ++d)
      if (at.spatial.axes[d] == 3) c.axis[l][d] = random.below(2) ? Kind::kSpatialY : Kind::kSpatialX;
    c.keep[l] = at.keep | (at.keep_free & static_cast<std::uint8_t>(random.next() >> 56));
  }
}

bool draw(const Space& space, Random& random, Candidate& c) {
  scatter(space, random, c);
  for (int d = 0; d < space.dims; ++d)
    for (const Slot& slot : space.slots[d])
      if (space.bound(c, d, slot) > slot.most) return false;
  return space.legal(c);
}

namespace {

// A factor that is in the way: of any dimension, at a level from `level` inwards.
struct Excess {
  bool found = false;
  int level = 0;
  bool mesh = false;  // too many spatial loops at `level`, along `axis`; otherwise a tile too large
  Kind axis = Kind::kSpatialX;
};

Excess find_excess(const Space& space, const Candidate& c) {
  for (int l = 0; l < space.levels; ++l) {
    const auto [x, y] = space.spread(c, l);
    if (x > space.level[l].fanout_x) return {true, l, true, Kind::kSpatialX};
    if (y > space.level[l].fanout_y) return {true, l, true, Kind::kSpatialY};
  }
  const int tight = space.overfull(c);
  return {tight >= 0, tight, false, Kind::kSpatialX};
}

// Move one prime factor out of what is in the way, to a place outside of it. False: none can move.
bool relieve(const Space& space, Random& random, const Excess& excess, Candidate& c) {
  struct Move {
    int dim;
    std::int32_t prime;
    const Slot *from, *to;
  };
  std::array<Move, 64> moves;
  std::uint32_t n = 0;
  const auto in_the_way = [&](const Slot& slot, int dim) {
    if (!excess.mesh) return slot.level >= excess.level;
    return slot.spatial && slot.level == excess.level && c.axis[slot.level][dim] == excess.axis;
  };
  for (int d = 0; d < space.dims; ++d)
    for (const Slot& from : space.slots[d]) {
      if (space.bound(c, d, from) == 1 || !in_the_way(from, d)) continue;
      for (const Slot& to : space.slots[d]) {
        if (to.spatial || to.level >= excess.level + excess.mesh) continue;
        for (const std::int32_t prime : space.primes[d]) {
          if (space.bound(c, d, from) % prime != 0) continue;
          if (static_cast<std::int64_t>(space.bound(c, d, to)) * prime > to.most) continue;
          if (n < moves.size()) moves[n++] = {d, prime, &from, &to};
          break;
        }
      }
    }
  if (n == 0) return false;
  const Move& move = moves[random.below(n)];
  space.bound(c, move.dim, *move.from) /= move.prime;
  space.bound(c, move.dim, *move.to) *= move.prime;
  return true;
}

}  // namespace

bool draw_fitted(const Space& space, Random& random, Candidate& c) {
  scatter(space, random, c);
  for (int d = 0; d < space.dims; ++d)
    for (const Slot& slot : space.slots[d])
      if (!slot.spatial && space.bound(c, d, slot) > slot.most) return false;
  for (int moves = 0; moves < 100; ++moves) {
    const Excess excess = find_excess(space, c);
    if (!excess.found) break;
    if (!relieve(space, random, excess, c)) return false;
  }
  for (int d = 0; d < space.dims; ++d)
    for (const Slot& slot : space.slots[d])
      if (space.bound(c, d, slot) > slot.most) return false;
  return space.legal(c);
}

}  // namespace accelerator::mapper
