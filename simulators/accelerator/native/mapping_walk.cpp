#include "mapping_walk.hpp"

#include <algorithm>

namespace accelerator::mapper {

namespace {

constexpr std::uint64_t kMostTests = 10'000'000;  // partial factorisations of one dimension

std::uint64_t factorial(std::size_t n) {
  std::uint64_t product = 1;
  for (std::size_t i = 2; i <= n; ++i) product *= i;
  return product;
}

// The value-th permutation of `dims`, written to `out`; value 0 keeps their order.
int permute(std::vector<std::uint8_t> dims, std::uint64_t value, std::uint8_t* out) {
  const int n = static_cast<int>(dims.size());
  for (int i = 0; i < n; ++i) {
    const std::uint64_t weight = factorial(n - 1 - i);
    const auto pick = dims.begin() + static_cast<std::ptrdiff_t>(value / weight);
    value %= weight;
    out[i] = *pick;
    dims.erase(pick);
  }
  return n;
}

}  // namespace

Walk::Walk(const Space& space, std::size_t limit) : space_(space) {
  current_ = space_.blank();
  for (int d = 0; d < space_.dims; ++d) {
    double extent = 1;
    for (int l = space_.levels - 1; l >= 0; --l) {
      extent *= static_cast<double>(current_.temporal[l][d]) * current_.spatial[l][d];
      least_extent_[l][d] = extent;
      least_spread_[l][d] = current_.spatial[l][d];
    }
    order_[d] = d;
  }
  extent_ = least_extent_;
  spread_ = least_spread_;
  for (int d = 0; d < space_.dims; ++d) list_ways(d, limit);
  std::stable_sort(order_.begin(), order_.begin() + space_.dims,
                   [&](int a, int b) { return ways(a) < ways(b); });
  lanes_left_[space_.dims] = 1;
  for (int i = space_.dims - 1; i >= 0; --i) {
    const auto& lanes = ways_[order_[i]].lanes;
    const double most = lanes.empty() ? 1 : *std::max_element(lanes.begin(), lanes.end());
    lanes_left_[i] = lanes_left_[i + 1] * most;
  }
  double mesh = 1;
  for (const LevelRules& level : space_.level) mesh *= static_cast<double>(level.fanout_x * level.fanout_y);
  most_lanes_ = std::min(mesh, lanes_left_[0]);
  restart();
}

bool Walk::complete() const {
  return std::all_of(ways_.begin(), ways_.begin() + space_.dims,
                     [](const Factorisations& f) { return f.complete; });
}

void Walk::restart() {
  current_ = space_.blank();
  extent_ = least_extent_;
  spread_ = least_spread_;
  in_factors_ = over_ = false;
  lanes_[0] = 1;
  steps_ = 0;
  open_axes_.clear();
  digits_.clear();
  axes_value_ = 0;
  if (!space_.keeps_all(current_)) over_ = !next_keep();
}

void Walk::list_ways(int dim, std::size_t limit) {
  const std::int64_t whole = space_.to_place[dim];
  if (whole == 0) return;
  tests_ = 0;
  divisors_.clear();
  for (std::int64_t n = 1; n * n <= whole; ++n) {
    if (whole % n != 0) continue;
    divisors_.push_back(n);
    if (n * n != whole) divisors_.push_back(whole / n);
  }
  std::sort(divisors_.begin(), divisors_.end());
  extend(dim, space_.slots[dim].size(), whole, limit);
  // Tighter than the fixed factors alone: what every way has in common.
  const Factorisations& found = ways_[dim];
  for (int l = 0; l < space_.levels && found.complete && found.count(); ++l) {
    double extent = found.extents[l], spread = found.loops[space_.levels + l];
    for (std::size_t way = 1; way < found.count(); ++way) {
      extent = std::min(extent, found.extents[way * space_.levels + l]);
      spread = std::min<double>(spread, found.loops[(2 * way + 1) * space_.levels + l]);
    }
    least_extent_[l][dim] = extent;
    least_spread_[l][dim] = spread;
  }
  clear(dim);
}

// Choose the factors of the slots before `slot`, innermost first: larger ones only make tiles
// larger, so the first that does not fit ends the choice.
void Walk::extend(int dim, std::size_t slot, std::int64_t rest, std::size_t limit) {
  if (slot == 0) {
    if (rest != 1 || !fits_alone(dim)) return;
    ways_[dim].count() < limit ? keep_way(dim) : void(ways_[dim].complete = false);
    return;
  }
  const auto [level, spatial, most] = space_.slots[dim][slot - 1];
  std::int32_t& bound = (spatial ? current_.spatial : current_.temporal)[level][dim];
  for (const std::int64_t value : divisors_) {
    if (value > most || value > rest || !ways_[dim].complete) break;
    if (rest % value != 0 || (slot == 1 && value != rest)) continue;
    bound = static_cast<std::int32_t>(value);
    if (++tests_ > kMostTests) ways_[dim].complete = false;
    if (!fits_alone(dim)) break;
    extend(dim, slot - 1, rest / value, limit);
  }
  bound = 1;
}

// Whether the factors of current_ fit, if every other dimension is as small as it can be.
bool Walk::fits_alone(int dim) {
  double extent = 1;
  for (int l = space_.levels - 1; l >= 0; --l) {
    extent *= static_cast<double>(current_.temporal[l][dim]) * current_.spatial[l][dim];
    extent_[l][dim] = extent;
    spread_[l][dim] = current_.spatial[l][dim];
    if (!fits_level(-1, l)) return false;
  }
  return true;
}

void Walk::keep_way(int dim) {
  Factorisations& found = ways_[dim];
  double lanes = 1;
  for (int l = 0; l < space_.levels; ++l) {
    found.loops.push_back(current_.temporal[l][dim]);
    found.extents.push_back(extent_[l][dim]);
    lanes *= current_.spatial[l][dim];
  }
  for (int l = 0; l < space_.levels; ++l) found.loops.push_back(current_.spatial[l][dim]);
  found.lanes.push_back(lanes);
}

// Take a dimension out: as small as it can be.
void Walk::clear(int dim) {
  for (int l = 0; l < space_.levels; ++l) {
    extent_[l][dim] = least_extent_[l][dim];
    spread_[l][dim] = least_spread_[l][dim];
  }
}

void Walk::note(int depth, int what, int level, double needed, double limit) {
  const bool closer = obstacle_.what == Obstacle::kNothing ||
                      needed * obstacle_.limit < obstacle_.needed * limit;
  if (depth > obstacle_.depth || (depth == obstacle_.depth && closer))
    obstacle_ = {what, level, depth, needed, limit};
}

bool Walk::fits_level(int depth, int l) {
  const LevelRules& at = space_.level[l];
  double x = 1, y = 1, all = 1;
  for (int d = 0; d < space_.dims; ++d) {
    const double spread = spread_[l][d];
    const std::uint8_t axes = at.spatial.axes[d];
    if (axes == 1) x *= spread;
    if (axes == 2) y *= spread;
    all *= spread;
  }
  const auto fan_x = static_cast<double>(at.fanout_x), fan_y = static_cast<double>(at.fanout_y);
  if (x > fan_x) return note(depth, Obstacle::kMeshX, l, x, fan_x), false;
  if (y > fan_y) return note(depth, Obstacle::kMeshY, l, y, fan_y), false;
  if (all > fan_x * fan_y) return note(depth, Obstacle::kMesh, l, all, fan_x * fan_y), false;
  if (at.capacity == kUnlimited) return true;
  double words = 0;
  for (int t = 0; t < space_.tensors; ++t)
    if (current_.keep[l] >> t & 1) words += space_.tile(t, extent_[l]);
  const auto capacity = static_cast<double>(at.capacity);
  if (words > capacity) return note(depth, Obstacle::kCapacity, l, words, capacity), false;
  return true;
}

bool Walk::fits_meshes() {
  for (int l = 0; l < space_.levels; ++l) {
    const auto [x, y] = space_.spread(current_, l);
    const auto fan_x = space_.level[l].fanout_x, fan_y = space_.level[l].fanout_y;
    if (x > fan_x || y > fan_y) {
      const bool wide = x > fan_x;
      note(space_.dims, wide ? Obstacle::kMeshX : Obstacle::kMeshY, l,
           static_cast<double>(wide ? x : y), static_cast<double>(wide ? fan_x : fan_y));
      return false;
    }
  }
  return true;
}

bool Walk::fits(int depth) {
  if (lanes_[depth + 1] * lanes_left_[depth + 1] < required_lanes_) return false;
  for (int l = space_.levels - 1; l >= 0; --l)
    if (!fits_level(depth, l)) return false;
  return true;
}

void Walk::place(int depth, std::size_t way) {
  const int dim = order_[depth], levels = space_.levels;
  const Factorisations& from = ways_[dim];
  for (int l = 0; l < levels; ++l) {
    current_.temporal[l][dim] = from.loops[2 * way * levels + l];
    current_.spatial[l][dim] = from.loops[(2 * way + 1) * levels + l];
    extent_[l][dim] = from.extents[way * levels + l];
    spread_[l][dim] = current_.spatial[l][dim];
  }
  lanes_[depth + 1] = lanes_[depth] * from.lanes[way];
}

bool Walk::next_factors() {
  if (!in_factors_) {
    depth_ = 0;
    at_[0] = -1;
    in_factors_ = true;
  }
  while (depth_ >= 0) {
    const int dim = order_[depth_];
    if (++at_[depth_] >= static_cast<std::int64_t>(ways(dim))) {
      clear(dim);
      --depth_;
      continue;
    }
    if (++steps_ >= step_limit_) break;
    place(depth_, static_cast<std::size_t>(at_[depth_]));
    if (!fits(depth_)) continue;
    if (depth_ == space_.dims - 1) return true;
    at_[++depth_] = -1;
  }
  in_factors_ = false;
  return false;
}

// Count the free keep bits up as one binary number; false: it wrapped round.
bool Walk::count_keep() {
  for (int l = 0; l < space_.levels; ++l) {
    const LevelRules& at = space_.level[l];
    for (int t = 0; t < space_.tensors; ++t) {
      const auto bit = static_cast<std::uint8_t>(1 << t);
      if (!(at.keep_free & bit)) continue;
      current_.keep[l] ^= bit;
      if (current_.keep[l] & bit) return true;
    }
  }
  return false;
}

bool Walk::next_keep() {
  while (count_keep())
    if (space_.keeps_all(current_)) return true;
  return false;
}

void Walk::first_axes() {
  open_axes_.clear();
  for (int l = 0; l < space_.levels; ++l)
    for (int d = 0; d < space_.dims; ++d)
      if (space_.level[l].spatial.axes[d] == 3 && current_.spatial[l][d] > 1)
        open_axes_.emplace_back(l, d);
  axes_value_ = 0;
}

bool Walk::next_axes() {
  while (axes_value_ < std::uint64_t{1} << open_axes_.size()) {
    for (std::size_t i = 0; i < open_axes_.size(); ++i)
      current_.axis[open_axes_[i].first][open_axes_[i].second] =
          axes_value_ >> i & 1 ? Kind::kSpatialY : Kind::kSpatialX;
    ++axes_value_;
    if (fits_meshes()) return true;
  }
  return false;
}

void Walk::add_digit(int level, Kind kind) {
  const bool spatial = kind != Kind::kTemporal;
  const LoopRules& rules = spatial ? space_.level[level].spatial : space_.level[level].temporal;
  const auto& bounds = spatial ? current_.spatial[level] : current_.temporal[level];
  Digit digit{level, kind, 1, 0, {}};
  for (int d = 0; d < space_.dims; ++d)
    if (bounds[d] > 1 && rules.order_is_free[d] && (!spatial || current_.axis[level][d] == kind))
      digit.dims.push_back(static_cast<std::uint8_t>(d));
  digit.radix = factorial(digit.dims.size());
  if (!digit.dims.empty()) digits_.push_back(std::move(digit));
}

void Walk::first_orders() {
  digits_.clear();
  for (int l = 0; l < space_.levels; ++l) {
    for (const Kind kind : {Kind::kTemporal, Kind::kSpatialY, Kind::kSpatialX}) add_digit(l, kind);
  }
}

bool Walk::next_orders() {
  for (Digit& digit : digits_) {
    if (++digit.value < digit.radix) return true;
    digit.value = 0;
  }
  return false;
}

void Walk::write(Candidate& c) {
  c = current_;
  std::array<std::array<int, 2>, kMaxLevels> filled{};
  for (const Digit& digit : digits_) {
    const bool spatial = digit.kind != Kind::kTemporal;
    auto& order = (spatial ? c.spatial_order : c.temporal_order)[digit.level];
    int& n = filled[digit.level][spatial];
    n += permute(digit.dims, digit.value, order.data() + n);
  }
  // The other free dimensions, whose loops are trivial, after them; the fixed ones stay last.
  for (int l = 0; l < space_.levels; ++l) {
    for (const bool spatial : {false, true}) {
      auto& order = (spatial ? c.spatial_order : c.temporal_order)[l];
      const auto& bounds = spatial ? c.spatial[l] : c.temporal[l];
      const LoopRules& rules = spatial ? space_.level[l].spatial : space_.level[l].temporal;
      for (int d = 0; d < space_.dims; ++d)
        if (bounds[d] == 1 && rules.order_is_free[d])
          order[filled[l][spatial]++] = static_cast<std::uint8_t>(d);
    }
  }
}

bool Walk::next(Candidate& c) {
  if (over_) return false;
  if (in_factors_ && next_orders()) return write(c), true;
  while (true) {
    if (in_factors_ && next_axes()) {
      first_orders();
      return write(c), true;
    }
    if (next_factors()) {
      first_axes();
    } else if (out_of_steps() || !next_keep()) {
      over_ = true;
      return false;
    }
  }
}

std::uint64_t Walk::count(std::uint64_t limit) {
  std::uint64_t total = 0;
  restart();
  limit_steps(100 * limit);
  if (over_) return 0;
  do {
    while (total < limit && next_factors()) {
      for (first_axes(); next_axes();) {
        first_orders();
        std::uint64_t orders = 1;
        for (const Digit& digit : digits_) orders = std::min(limit, orders * digit.radix);
        total += orders;
      }
    }
  } while (total < limit && !out_of_steps() && next_keep());
  const bool unknown = out_of_steps();
  limit_steps(std::numeric_limits<std::uint64_t>::max());
  restart();
  return unknown ? limit : std::min(total, limit);
}

}  // namespace accelerator::mapper
