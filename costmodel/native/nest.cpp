#include "nest.hpp"

#include <algorithm>

namespace costmodel {
namespace {

// LLVM unrolls a loop of constant trip count wholly if that gives up to 300 instructions.
constexpr double kUnrollLimit = 300.0;

std::size_t stride_of(const Map& map, int loop) {
  const int results = std::min(map.results, kMaxRank);
  std::size_t found = kInvariant;
  for (int r = 0; r < results; ++r)
    if (map.dim[static_cast<std::size_t>(r)] == loop) found = r + 1 == results ? kContiguous : kStrided;
  return found;
}

}  // namespace

void Work::add(const Work& other, double times, bool outwards) {
  for (double Work::* field :
       {&Work::operations, &Work::expanded, &Work::floats, &Work::math, &Work::divisions,
        &Work::selects, &Work::loads, &Work::stores})
    this->*field = std::min(this->*field + times * other.*field, kMost);
  buffers += other.buffers;
  for (std::size_t level = 0; level < kLevels; ++level)
    for (std::size_t stride = 0; stride < kStrides; ++stride) {
      const std::size_t from = outwards ? level + 1 : level;
      const double none = stride == kInvariant ? 1.0 : 0.0;  // no loop is further out
      loads_by[level][stride] += times * (from < kLevels ? other.loads_by[from][stride] : none * other.loads);
      stores_by[level][stride] +=
          times * (from < kLevels ? other.stores_by[from][stride] : none * other.stores);
    }
}

double Nest::points() const {
  double all = 1.0;
  for (int i = 0; i < loops; ++i) all = std::min(all * trips[static_cast<std::size_t>(i)], kMost);
  return all;
}

bool EffectiveLoops::unrolls(const Work& work, double trip) {
  return trip * (work.size() + 1.0) <= kUnrollLimit;
}

void EffectiveLoops::record(const EffectiveLoop& loop) {
  ++count;
  code_size += loop.work.size() + 3.0;
  if (loop.work.size() >= largest.work.size()) largest = loop;
  const double work = loop.iterations * (loop.work.size() + 1.0);
  if (work < hot_work_) return;
  hot_work_ = work;
  hot = loop;
}

void EffectiveLoops::record(const Nest& nest, double weight, double depth) {
  std::vector<int> real;  // loops of more than one trip, innermost first
  for (int i = nest.loops; i-- > 0;)
    if (nest.trips[static_cast<std::size_t>(i)] > 1) real.push_back(i);
  Work work = nest.work;
  for (const bool store : {false, true})
    for (const Map& map : store ? nest.stores : nest.loads) {
      (store ? work.stores : work.loads) += 1;
      auto& by = store ? work.stores_by : work.loads_by;
      for (std::size_t level = 0; level < kLevels; ++level)
        ++by[level][level < real.size() ? stride_of(map, real[level]) : kInvariant];
    }
  work.buffers = static_cast<double>(nest.loads.size() + nest.stores.size());
  EffectiveLoop loop{.work = work};
  loop.iterations = std::min(weight * nest.points(), kMost);
  std::size_t at = 0;
  for (; at < real.size(); ++at) {
    loop.trip = nest.trips[static_cast<std::size_t>(real[at])];
    if (at + 1 >= real.size() || !unrolls(loop.work, loop.trip)) break;
    Work wider;
    wider.add(loop.work, loop.trip, true);
    loop.work = wider;
    loop.unrolled *= loop.trip;
    loop.iterations /= loop.trip;
  }
  if (at + 1 < real.size()) loop.outer_trip = nest.trips[static_cast<std::size_t>(real[at + 1])];
  loop.depth = depth + static_cast<double>(real.size() - std::min(at, real.size()));
  record(loop);
}

}  // namespace costmodel
