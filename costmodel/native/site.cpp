#include "site.hpp"

#include <algorithm>
#include <cmath>

namespace costmodel {

void Access::add(int loop, double elements) {
  for (int i = 0; i < loops; ++i)
    if (stride[static_cast<std::size_t>(i)].first == loop) {
      stride[static_cast<std::size_t>(i)].second += elements;
      return;
    }
  if (loops < static_cast<int>(kSiteLoops)) stride[static_cast<std::size_t>(loops++)] = {loop, elements};
}

void Access::follow(const Map& map) {
  const auto old = stride;
  const int count = loops;
  loops = 0;
  for (int i = 0; i < count; ++i) {
    const auto& [loop, elements] = old[static_cast<std::size_t>(i)];
    const int at = -1 - loop;
    if (at < 0 || at >= std::min(map.results, kMaxRank)) continue;
    const int dim = map.dim[static_cast<std::size_t>(at)];
    if (dim >= 0) add(-1 - dim, elements);
  }
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
  carried_floats += other.carried_floats;
  carried_integers += other.carried_integers;
  carried_vectors += other.carried_vectors;
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

bool unrolls(double size, double trip) { return trip * size + 2.0 <= 300.0; }

double SiteCode::address_size(int loop) const {
  struct Form {
    double stride;
    std::uint64_t rest;
    int uses;
  };
  std::vector<Form> forms;  // what the loop's variable is multiplied with and added to
  for (const Access& access : accesses) {
    const double step = access.stride_of(loop);
    if (step == 0) continue;
    std::uint64_t rest = 0;
    for (int i = 0; i < access.loops; ++i) {
      const auto& [other, by] = access.stride[static_cast<std::size_t>(i)];
      if (other == loop || by == 0) continue;
      rest += static_cast<std::uint64_t>(other + 64) * 0x9e3779b97f4a7c15ULL ^
              static_cast<std::uint64_t>(static_cast<std::int64_t>(by)) * 0xff51afd7ed558ccdULL;
    }
    const auto same = [&](const Form& one) { return one.stride == step && one.rest == rest; };
    const auto found = std::find_if(forms.begin(), forms.end(), same);
    if (found != forms.end()) ++found->uses;
    else if (forms.size() < 64) forms.push_back({step, rest, 1});
  }
  double all = 0;
  for (std::size_t i = 0; i < forms.size(); ++i) {
    bool multiplied = std::abs(forms[i].stride) == 1;
    for (std::size_t k = 0; k < i; ++k) multiplied = multiplied || forms[k].stride == forms[i].stride;
    all += multiplied ? 0 : 1;
    all += forms[i].uses > 1 && forms[i].rest != 0 ? 1 : 0;
  }
  return all;
}

double SiteCode::size(int loop) const {
  double all = 0;
  for (const float count : counts) all += count;
  for (const Access& access : accesses)
    all += access.stride_of(loop) == 0 ? -access.pieces : access.store ? access.pieces : 0.0;
  return std::max(all, 0.0) + address_size(loop);
}

bool SiteCode::works() const { return !accesses.empty() || pieces_512 > 0; }

}  // namespace costmodel
