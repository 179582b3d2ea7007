#include "unrolled.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

namespace costmodel {
namespace {

constexpr std::size_t kMostPlaces = 2048;  // of a site that are looked at
constexpr double kGroup = 8.0;             // the largest stride whose groups are shuffled

struct Place {
  int buffer = 0;
  std::int64_t stride = 0, offset = 0;
  std::uint64_t outer = 0;  // how it moves with loops further out
  bool store = false;
  double pieces = 1.0;  // registers
};

double stride_at(const Access& access, const Site& site, int level) {
  if (level >= site.levels) return 0.0;
  const auto at = static_cast<std::size_t>(level);
  return access.stride_of(site.loops[at]) * site.steps[at];
}

std::uint64_t outer_form(const Access& access, const Site& site, int level) {
  std::uint64_t form = 0;
  for (int l = level + 1; l < site.levels; ++l) {
    const double by = stride_at(access, site, l);
    form = form * 0x9e3779b97f4a7c15ULL + static_cast<std::uint64_t>(static_cast<std::int64_t>(by));
  }
  return form;
}

auto family(const Place& p) { return std::tuple(p.buffer, p.store, p.stride, p.outer); }

bool before(const Place& a, const Place& b) {
  return std::tuple_cat(family(a), std::tuple(a.offset)) < std::tuple_cat(family(b), std::tuple(b.offset));
}

bool same(const Place& a, const Place& b) { return family(a) == family(b) && a.offset == b.offset; }

// The places of one access in all unrolled trips.
void expand(const Access& access, const Site& site, int level, std::vector<Place>& out) {
  const double step = stride_at(access, site, level);
  const std::size_t start = out.size();
  out.push_back({access.buffer, static_cast<std::int64_t>(step),
                 static_cast<std::int64_t>(std::min(access.offset, 1e15)), outer_form(access, site, level),
                 access.store, access.pieces});
  for (int l = 0; l < level; ++l) {
    const auto by = static_cast<std::int64_t>(stride_at(access, site, l));
    const auto trips = static_cast<std::int64_t>(site.trips[static_cast<std::size_t>(l)]);
    if (by == 0) continue;
    const std::size_t stop = out.size();
    for (std::int64_t t = 1; t < trips && out.size() < kMostPlaces; ++t)
      for (std::size_t i = start; i < stop && out.size() < kMostPlaces; ++i) {
        Place copy = out[i];
        copy.offset += t * by;
        out.push_back(copy);
      }
  }
}

double floor_power(double x) { return x < 1 ? 1.0 : std::exp2(std::floor(std::log2(x))); }

}  // namespace

Unrolled::Unrolled(const Site& site) {
  const auto keeps = [&](int l) { return l < site.levels && !site.unrolled[static_cast<std::size_t>(l)]; };
  while (level < site.levels && !keeps(level)) times *= site.trips[static_cast<std::size_t>(level++)];
  next = level + 1;
  while (next < site.levels && !keeps(next)) ++next;
  for (int l = 0; l < site.levels; ++l) {
    left += keeps(l);
    copies *= keeps(l) ? 1.0 : site.trips[static_cast<std::size_t>(l)];
  }
  find_places(site);
  vectorise(site);
}

void Unrolled::find_places(const Site& site) {
  std::vector<Place> all;
  for (const Access& access : site.code.accesses)
    if (all.size() < kMostPlaces) expand(access, site, level, all);
  std::sort(all.begin(), all.end(), before);
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  std::vector<std::pair<std::int64_t, std::int64_t>> offsets;
  for (std::size_t i = 0; i < all.size();) {
    const Place& first = all[i];
    const std::int64_t size = std::abs(first.stride);
    const Motion motion = size == 0 ? kStays : size == 1 ? kNext : kJumps;
    double run = 0, count = 0;
    std::size_t k = i;
    for (; k < all.size() && family(all[k]) == family(first); ++k) {
      ++count;
      places[first.store ? 1 : 0][motion] += all[k].pieces;
      const bool beside = k > i && all[k].offset == all[k - 1].offset + 1;
      runs += beside ? 0 : 1;
      run = beside ? run + 1 : 1;
      longest_run = std::max(longest_run, run);
      if (motion != kJumps) continue;
      // A constant that is added to a multiple of a larger power of two stays apart from it.
      const std::int64_t within = ((all[k].offset % size) + size) % size;
      if (within > 0 && within < (size & -size)) offsets.emplace_back(size, within);
    }
    if (motion == kJumps) {
      const double factor = static_cast<double>(size);
      whole_groups += factor <= kGroup && std::fmod(count, factor) == 0 ? count / factor : 0;
      gaps += factor - std::fmod(count - 1, factor) - 1;
    }
    i = k;
  }
  std::sort(offsets.begin(), offsets.end());
  offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());
  offset_vectors = static_cast<double>(offsets.size());
  sums = places[1][kStays];
}

void Unrolled::vectorise(const Site& site) {
  const double trip = level < site.levels ? site.trips[static_cast<std::size_t>(level)] : 1.0;
  lanes = std::min(512.0 / std::max(site.code.most_bits, 8.0), floor_power(trip));
  vector_trips = std::floor(trip / lanes);
  rest = std::fmod(trip, lanes);
  while (even_lanes * 2 <= lanes && std::fmod(trip, even_lanes * 2) == 0) even_lanes *= 2;
  for (const Access& access : site.code.accesses)
    if (!access.store && stride_at(access, site, level) != 0 && stride_at(access, site, next) == 0)
      kept_vectors += times * std::ceil(trip / lanes);
  live = places[0][kStays] + offset_vectors;
}

}  // namespace costmodel
