// From accesses to reads, updates, fills, energy and cycles.

#include <algorithm>

#include "evaluate.hpp"

namespace accelerator {

Failure Evaluator::evaluate(const Loop* loops, int count, const std::uint8_t* keep,
                            Result& result) {
  const Failure failure = check(loops, count, keep);
  if (!failure.ok()) return failure;
  lists_.clear();
  for (int t = 0; t < tensors_; ++t) {
    for (int level = 0; level < levels_; ++level) count_accesses(level, t);
    collapse(t, keep, result);
  }
  charge(keep, result);
  return {};
}

Failure Evaluator::evaluate_with_networks(const Loop* loops, int count, const std::uint8_t* keep,
                                          Result& result) {
  hops_wanted_ = true;
  const Failure failure = evaluate(loops, count, keep, result);
  hops_wanted_ = false;
  if (failure.ok()) networks(result);
  return failure;
}

void Evaluator::collapse(int tensor, const std::uint8_t* keep, Result& result) {
  split_partitions(tensor);
  for (int level = 1; level < levels_; ++level)
    stack_[level][tensor].parent_share =
        stack_[level - 1][tensor].delivered / static_cast<double>(fanout_[level - 1]);
  int outermost = 0;
  while (!keep[outermost * tensors_ + tensor]) ++outermost;
  bypass(tensor, keep, outermost);
  for (int level = 0; level + 1 < levels_; ++level)
    if (stack_[level][tensor].links != 0)
      stack_[level + 1][tensor].peers += stack_[level][tensor].links / replication_[level + 1];
  for (int level = 0; level < levels_; ++level) {
    Traffic& traffic = result.traffic[level][tensor];
    if (keep[level * tensors_ + tensor])
      this->count(level, tensor, level == outermost, traffic);
    else
      traffic = Traffic{};
  }
}

namespace {

// floor(a b / c) of whole numbers
double floor_of_product(double a, double b, double c) {
  if (a * b < kExact) {
    const auto product = static_cast<std::int64_t>(a * b);
    return static_cast<double>(product / static_cast<std::int64_t>(c));
  }
  const auto product = static_cast<__int128>(a) * static_cast<__int128>(b);
  return static_cast<double>(product / static_cast<__int128>(c));
}

// Rounding of values from 0 to 2**63 without the calls that the library's functions are.
double truncated(double x) { return static_cast<double>(static_cast<std::int64_t>(x)); }

double rounded(double x) {
  const double whole = truncated(x);
  return x - whole >= 0.5 ? whole + 1 : whole;
}

double ceiling(double x) {
  const double whole = truncated(x);
  return x > whole ? whole + 1 : whole;
}

double rows(double words, std::int64_t block) {
  return block == 1 ? words : ceiling(words / static_cast<double>(block));
}

}  // namespace

// The share of the whole tensor that one instance of a level works on.
void Evaluator::split_partitions(int tensor) {
  partition_[0][tensor] = tile_[0][tensor];
  for (int level = 1; level < levels_; ++level) {
    const double tile = tile_[level][tensor];
    const double whole = fanout_[level - 1] > 1 ? spread_tile_[level - 1][tensor] : tile;
    const double words = partition_[level - 1][tensor];
    partition_[level][tensor] = tile == whole ? words : floor_of_product(words, tile, whole);
  }
}

// Words that a level does not keep come from the next outer one.
void Evaluator::bypass(int tensor, const std::uint8_t* keep, int outermost) {
  for (int level = levels_ - 1; level > outermost; --level) {
    if (keep[level * tensors_ + tensor]) continue;
    const Stack& inner = stack_[level][tensor];
    Stack& outer = stack_[level - 1][tensor];
    const long double wanted =
        static_cast<long double>(inner.total) * static_cast<long double>(fanout_[level - 1]);
    const double delivered = outer.delivered;
    outer.total = outer.delivered = 0;
    for (int i = outer.first; i < outer.first + outer.count; ++i) {
      lists_[i].words = static_cast<double>(lists_[i].words * wanted / delivered);
      outer.total += lists_[i].words;
      outer.delivered += lists_[i].multicast * lists_[i].words;
    }
    outer.links = 0;
  }
  for (int level = 0; level < outermost; ++level) {
    stack_[level][tensor].count = 0;
    stack_[level][tensor].links = stack_[level][tensor].hops = 0;
  }
  stack_[outermost][tensor].parent_share = 0;
}

void Evaluator::count(int level, int tensor, bool outermost, Traffic& traffic) const {
  const Stack& stack = stack_[level][tensor];
  const double arrivals = stack.parent_share + stack.peers;
  const double partition = partition_[level][tensor];
  traffic.tile_size = tile_[level][tensor];
  traffic.partition_size = partition;
  if (tensor == problem_.output) {
    // The first partial sum of each element is written without being read.
    const double elided = outermost || options_.fills_of_2022 ? 0 : partition;
    traffic.updates = rounded(stack.total);
    traffic.reads = rounded(std::max(0.0, stack.total + stack.peers - partition));
    traffic.fills = rounded(std::max(0.0, arrivals - elided));
  } else {
    traffic.updates = 0;
    traffic.reads = rounded(stack.total + stack.peers);
    traffic.fills = truncated(arrivals);
  }
}

void Evaluator::charge(const std::uint8_t* keep, Result& result) const {
  result.compute_cycles = outer_[0];
  result.cycles = result.compute_cycles;
  result.limiting_level = -1;
  result.compute_energy_pj = problem_.macs * hierarchy_.mac_energy_pj;
  result.energy_pj = result.compute_energy_pj;
  for (int level = 0; level < levels_; ++level) {
    charge_level(level, keep, result);
    if (result.level_cycles[level] > result.cycles) {
      result.cycles = result.level_cycles[level];
      result.limiting_level = level;
    }
  }
  result.utilization = problem_.macs / hierarchy_.compute_instances() / result.cycles;
}

// Quotients and their order are Timeloop's, to round up where it does.
void Evaluator::charge_level(int number, const std::uint8_t* keep, Result& result) const {
  const Level& level = hierarchy_.levels[number];
  const double used = std::min(replication_[number], static_cast<double>(level.clusters));
  double reads = 0, writes = 0;
  for (int t = 0; t < tensors_; ++t) {
    if (!keep[number * tensors_ + t]) continue;
    Traffic& traffic = result.traffic[number][t];
    reads += traffic.reads / result.compute_cycles;
    writes += (traffic.updates + traffic.fills) / result.compute_cycles;
    const double written =
        rows(traffic.fills, level.block_size) + rows(traffic.updates, level.block_size);
    traffic.energy_pj = (rows(traffic.reads, level.block_size) * level.read_energy_pj +
                         written * level.write_energy_pj) *
                        used;
    result.energy_pj += traffic.energy_pj;
  }
  double slowdown = 1;
  const auto limit = [&](double bandwidth, double demand) {
    if (bandwidth > 0 && bandwidth < demand) slowdown = std::min(slowdown, bandwidth / demand);
  };
  limit(level.read_bandwidth, reads);
  limit(level.write_bandwidth, writes);
  limit(level.shared_bandwidth, reads + writes);
  result.slowdown[number] = slowdown;
  result.level_cycles[number] = ceiling(result.compute_cycles / slowdown);
  result.instances[number] = replication_[number];
  result.fanout[number] = static_cast<double>(fanout_[number]);
}

void Evaluator::networks(Result& result) const {
  result.ingress.clear();
  for (int level = 0; level < levels_; ++level)
    for (int t = 0; t < tensors_; ++t) {
      const Stack& stack = stack_[level][t];
      Traffic& traffic = result.traffic[level][t];
      traffic.accesses = traffic.spatial_reductions = 0;
      traffic.link_transfers = stack.links;
      traffic.first_ingress = static_cast<int>(result.ingress.size());
      traffic.ingresses = stack.count;
      for (int i = stack.first; i < stack.first + stack.count; ++i) {
        Ingress ingress = lists_[i];
        if (t == problem_.output) {
          traffic.spatial_reductions += (ingress.multicast - 1) * ingress.words;
          // A DRAM cannot add: partial sums go down and up again.
          if (hierarchy_.levels[level].dram)
            ingress.words = 2 * ingress.words - partition_[level][t];
        }
        traffic.accesses += ingress.words;
        result.ingress.push_back(ingress);
      }
      // Timeloop averages before a bypass adds accesses.
      traffic.hops = traffic.accesses > 0 ? stack.hops / traffic.accesses : 0;
    }
}

}  // namespace accelerator
