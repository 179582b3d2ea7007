#include "site.hpp"

#include <algorithm>

namespace costmodel {

void Access::add(int loop, double elements) {
  for (int i = 0; i < loops; ++i)
    if (stride[static_cast<std::size_t>(i)].first == loop) {
      stride[static_cast<std::size_t>(i)].second += elements;
      return;
    }
  if (loops < static_cast<int>(kSiteLoops)) stride[static_cast<std::size_t>(loops++)] = {loop, elements};
}

double Access::stride_of(int loop) const {
  for (int i = 0; i < loops; ++i)
    if (stride[static_cast<std::size_t>(i)].first == loop) return stride[static_cast<std::size_t>(i)].second;
  return 0.0;
}

void SiteCode::add(const SiteCode& other) {
  for (std::size_t i = 0; i < kSiteGroups; ++i) counts[i] += other.counts[i];
  for (const Access& access : other.accesses)
    if (accesses.size() < kMaxAccesses) accesses.push_back(access);
  pieces_128 += other.pieces_128;
  pieces_256 += other.pieces_256;
  pieces_512 += other.pieces_512;
  summed += other.summed;
  conditions += other.conditions;
  lines += other.lines;
  vector_bits = std::max(vector_bits, other.vector_bits);
  last_dim = std::max(last_dim, other.last_dim);
  chain = std::max(chain, other.chain);
  if (other.accumulators > accumulators) {
    rows = other.rows;
    columns = other.columns;
    depth = other.depth;
    accumulators = other.accumulators;
  }
  least_bits = std::min(least_bits, other.least_bits);
  most_bits = std::max(most_bits, other.most_bits);
}

bool unrolls(double size, double trip) { return trip * size <= 300.0; }

double SiteCode::size(int loop) const {
  double all = 0;
  for (const float count : counts) all += count;
  double kept = 0;
  for (const Access& access : accesses)
    kept += access.own_buffer && access.stride_of(loop) == 0 ? access.pieces : 0;
  return std::max(all - kept, 0.0);
}

bool SiteCode::works() const { return !accesses.empty() || pieces_512 > 0; }

}  // namespace costmodel
