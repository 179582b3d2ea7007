// Sites of a program: found as regions close, fused and measured at its end.
#include <algorithm>
#include <unordered_map>

#include "scan.hpp"

namespace costmodel {

void Scanner::loop_site(const Region& region) {
  if (sites.size() >= kMaxSites || (!region.code.works() && region.has_inner && !sites.empty())) return;
  Site site{.code = region.code};
  site.innermost = !region.has_inner;
  site.start = region.start;
  site.stop = line_;
  site.weight = region.body.weight;
  site.step = region.body.step;
  const auto add_loop = [&](int number, double trip, double step) {
    const auto at = static_cast<std::size_t>(site.levels);
    if (at >= kSiteLoops) {
      site.outer = std::min(site.outer * trip, kHuge);
      return;
    }
    site.trips[at] = trip;
    site.loops[at] = number;
    site.steps[at] = step;
    ++site.levels;
  };
  const auto enclose = [&](const Region& loop) {
    if (!loop.loop) return;
    if (loop.dim_count == 0) add_loop(loop.id, loop.body.trip, loop.body.step);
    for (int d = 0; d < loop.dim_count; ++d)
      if (loop.dims[static_cast<std::size_t>(d)] > 1)
        add_loop(loop.id | d << kDimShift, loop.dims[static_cast<std::size_t>(d)], 1.0);
  };
  enclose(region);
  for (std::size_t i = regions_.size(); i-- > 0;)
    if (regions_[i].id != region.id) enclose(regions_[i]);
  sites.push_back(site);
}

// The loops of an operation on tensors are numbered from -1 downwards.
void Scanner::tensor_site(const Nest& nest, const SiteCode& code, std::uint64_t result,
                          std::vector<std::uint64_t> operands) {
  if (sites.size() >= kMaxSites) return;
  Site site{.code = code};
  site.of_tensors = true;
  site.start = site.stop = line_;
  site.weight = std::min(nest.points(), kHuge);
  site.result = result;
  site.operands = std::move(operands);
  site.elementwise = nest.elementwise;
  site.fused = nest.named;
  site.reads = nest.loads;
  for (int i = nest.loops; i-- > 0;) {
    const double trip = nest.trips[static_cast<std::size_t>(i)];
    if (trip <= 1) continue;
    const auto at = static_cast<std::size_t>(site.levels);
    if (at >= kSiteLoops) {
      site.outer = std::min(site.outer * trip, kHuge);
      continue;
    }
    site.trips[at] = trip;
    site.loops[at] = -1 - i;
    site.steps[at] = 1;
    ++site.levels;
  }
  std::size_t number = 0;
  for (const bool store : {false, true})
    for (const Map& map : store ? nest.stores : nest.loads) {
      Access access{.store = store, .own_buffer = store, .bits = static_cast<int>(code.most_bits)};
      access.buffer = static_cast<int>(number);
      access.place = number++;
      double step = 1.0;
      for (int r = std::min(map.results, kMaxRank); r-- > 0;) {
        const int d = map.dim[static_cast<std::size_t>(r)];
        if (d < 0 || d >= kMaxRank) continue;
        access.add(-1 - d, step);
        step *= std::max(nest.trips[static_cast<std::size_t>(d)], 1.0);
      }
      site.code.accesses.push_back(access);
    }
  sites.push_back(site);
}

// Compilers compute an elementwise operation where its one user reads it.
void Scanner::fuse_sites() {
  std::unordered_map<std::uint64_t, std::size_t> of_result;
  std::vector<bool> gone(sites.size(), false);
  for (std::size_t i = 0; i < sites.size(); ++i) {
    Site& site = sites[i];
    if (!site.of_tensors) continue;
    const std::size_t operands = site.fused ? 0 : site.operands.size();
    for (std::size_t k = 0; k < operands; ++k) {
      const auto found = of_result.find(site.operands[k]);
      if (found == of_result.end() || gone[found->second]) continue;
      const Site& from = sites[found->second];
      const int* known = by_name_.find(site.operands[k]);
      if (!from.elementwise || known == nullptr || values_[static_cast<std::size_t>(*known)].uses != 1)
        continue;
      gone[found->second] = true;
      auto& accesses = site.code.accesses;
      const auto read = std::find_if(accesses.begin(), accesses.end(), [&](const Access& one) {
        return !one.store && one.buffer == static_cast<int>(k);
      });
      if (read != accesses.end()) accesses.erase(read);
      SiteCode inner = from.code;
      std::erase_if(inner.accesses, [](const Access& one) { return one.store; });
      for (Access& one : inner.accesses) {
        one.buffer = one.place = 100 + static_cast<int>(accesses.size());
        if (k < site.reads.size()) one.follow(site.reads[k]);
      }
      site.code.add(inner);
    }
    if (site.result != 0) of_result[site.result] = i;
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < sites.size(); ++i)
    if (!gone[i]) {
      if (kept != i) sites[kept] = std::move(sites[i]);
      ++kept;
    }
  sites.resize(kept);
}

void Scanner::measure_loops(Site& site) const {
  double size = 0;
  for (int level = 0; level < site.levels; ++level) {
    const auto at = static_cast<std::size_t>(level);
    if (site.of_tensors) {
      site.size[at] = size = (level == 0 ? site.code.size(site.loops[at]) +
                              static_cast<double>(site.code.accesses.size()) : size) + 1.0;
      site.unrolled[at] = unrolls(size, site.trips[at]);
      if (site.unrolled[at]) size *= site.trips[at];
    } else {
      const int number = site.loops[at];
      const LoopFate& fate = fates_[static_cast<std::size_t>(number & ((1 << kDimShift) - 1))]
                                   [static_cast<std::size_t>(number >> kDimShift)];
      site.size[at] = fate.size;
      site.unrolled[at] = fate.unrolled;
    }
  }
}

void Scanner::measure_sites(const std::vector<std::array<float, kLiveClasses>>& change) {
  std::vector<std::array<double, kLiveClasses>> now(change.size());
  std::array<double, kLiveClasses> sum{};
  for (std::size_t at = 0; at < change.size(); ++at) {
    for (std::size_t k = 0; k < kLiveClasses; ++k) sum[k] += change[at][k];
    now[at] = sum;
  }
  for (Site& site : sites) {
    measure_loops(site);
    site.live_through = now[static_cast<std::size_t>(site.start)];
    // Sites may nest, so that a line is looked at once for each: only the first lines of long ones.
    const int stop = std::min({site.stop, site.start + 4096, static_cast<int>(now.size()) - 1});
    for (int at = site.start; at <= stop; ++at)
      for (std::size_t k = 0; k < kLiveClasses; ++k)
        site.live[k] = std::max(site.live[k], now[static_cast<std::size_t>(at)][k]);
  }
}

}  // namespace costmodel
