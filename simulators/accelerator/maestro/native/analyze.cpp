#include "analyze.hpp"

#include <algorithm>

#include "traffic.hpp"

namespace maestro {
namespace {

struct Outcome {
  bool known = false;
  Int cycles = 0;
  double active_pes = 0;
};

// Buffers are double: a tile is worked on while the next one comes in.
constexpr Int kDoubleBuffer = 2;

class Analysis {
 public:
  Analysis(const Layer& layer, const Hardware& hardware, const Levels& levels)
      : layer_(layer), hardware_(hardware), levels_(levels) {}

  Counts run();

 private:
  struct Work {
    Int cycles = 0;
    double active_pes = 0;
  };

  Int noc_delay(Int words) const {
    const Int bandwidth = hardware_.noc_bandwidth;
    return hardware_.noc_latency + words / bandwidth + (words % bandwidth != 0 ? 1 : 0) - 1;
  }
  Work work(int at, const Cases& cases, Int critical_macs);
  const Outcome& below(int at, unsigned edges);
  unsigned edges_below(int at, const Cases& cases, bool partial) const;
  Outcome analyze_below(int at, const std::array<Int, kDims>& tile);
  void size_buffers(Counts& counts, const Traffic& traffic) const;
  Int offchip_delay(const Counts& counts) const;
  void count_case(Counts& counts, const Cases& cases, const Traffic& traffic);

  const Layer& layer_;
  const Hardware& hardware_;
  const Levels& levels_;
  // A sub-cluster's tile is fixed by which of its dimensions are cut short: one bit each.
  std::array<std::array<Outcome, 1U << kDims>, kMaxLevels> known_{};
  bool sized_ = false;
  Int total_times_ = 0;
  long double bandwidth_sum_ = 0;
  double active_sum_ = 0;
};

unsigned Analysis::edges_below(int at, const Cases& cases, bool partial) const {
  const Level& level = levels_.level[at];
  unsigned edges = 0;
  for (int i = 0; i < level.count; ++i) {
    const Directive& d = level.directives[i];
    const Extent& e = level.extent[d.dim];
    if (!cases[i].edge || e.mapped == e.mapped_edge) continue;
    if (d.kind == kTemporal || level.edge_clusters == 1 || partial) edges |= 1U << d.dim;
  }
  return edges;
}

const Outcome& Analysis::below(int at, unsigned edges) {
  Outcome& outcome = known_[at][edges];
  if (!outcome.known) {
    std::array<Int, kDims> tile{};
    const Level& level = levels_.level[at];
    for (int i = 0; i < level.count; ++i) {
      const int dim = level.directives[i].dim;
      const Extent& e = level.extent[dim];
      tile[dim] = edges >> dim & 1U ? e.mapped_edge : e.mapped;
    }
    outcome = analyze_below(at + 1, tile);
  }
  return outcome;
}

// The slowest sub-cluster's delay in this case, and how many processing elements are busy.
Analysis::Work Analysis::work(int at, const Cases& cases, Int critical_macs) {
  const Level& level = levels_.level[at];
  const State& spatial = cases[level.spatial];
  const Int active = spatial.edge ? level.edge_clusters : level.clusters;
  Work result;
  if (at + 1 == levels_.count) {
    result.cycles = (critical_macs + hardware_.simd_lanes - 1) / hardware_.simd_lanes;
  } else {
    Int full = active;
    if (spatial.edge && spatial.partial) {
      const Outcome& last = below(at, edges_below(at, cases, true));
      result.cycles = std::max<Int>(result.cycles, last.cycles);
      result.active_pes += last.active_pes;
      --full;
    }
    if (full > 0) {
      const Outcome& each = below(at, edges_below(at, cases, false));
      result.cycles = std::max(result.cycles, each.cycles);
      result.active_pes += each.active_pes * static_cast<double>(full);
    }
  }
  if (result.active_pes == 0) result.active_pes = static_cast<double>(active);
  return result;
}

Outcome Analysis::analyze_below(int at, const std::array<Int, kDims>& tile) {
  const Level& level = levels_.level[at];
  Outcome outcome{true, 0, 0};
  Int times = 0;
  double active = 0;
  for (Cases cases(level, tile); cases.next();) {
    const Traffic traffic(layer_, level, cases);
    const Int critical = traffic.critical_macs();
    if (critical <= 0) continue;
    const Work w = work(at, cases, critical);
    const Int in = noc_delay(traffic.ingress(kInput) + traffic.ingress(kFilter));
    const Int out = noc_delay(traffic.egress());
    const Int delay =
        cases.changing() < 0 ? w.cycles + in : std::max(out, std::max(w.cycles, in));
    outcome.cycles += cases.times() * delay;
    active += w.active_pes * static_cast<double>(cases.times());
    times += cases.times();
  }
  outcome.active_pes = times == 0 ? 0 : active / static_cast<double>(times);
  return outcome;
}

void Analysis::size_buffers(Counts& counts, const Traffic& traffic) const {
  const Level &top = levels_.level[0], &leaf = levels_.level[levels_.count - 1];
  for (const Tensor tensor : {kInput, kFilter, kOutput}) {
    Int held = 1, whole = 1;
    for (int i = 0; i < leaf.count; ++i) {
      const int dim = leaf.directives[i].dim;
      if (!(layer_.coupled[tensor] >> dim & 1U)) continue;
      held *= leaf.extent[dim].mapped;
      Int size = top.tile[dim];
      if (tensor == kOutput && layer_.slides && dim == kY) size += 1 - top.tile[kR];
      if (tensor == kOutput && layer_.slides && dim == kX) size += 1 - top.tile[kS];
      whole *= size;
    }
    counts.l1_size[tensor] = kDoubleBuffer * held;
    if (tensor == kOutput) {
      counts.l2_size[tensor] = kDoubleBuffer * traffic.egress();
      counts.l2_read[tensor] = whole;
    } else {
      counts.l2_size[tensor] += kDoubleBuffer * traffic.ingress(tensor);
      counts.l2_write[tensor] = whole;
    }
  }
}

Int Analysis::offchip_delay(const Counts& counts) const {
  const Int in = (counts.l2_size[kInput] + counts.l2_size[kFilter]) / hardware_.offchip_bandwidth;
  const Int out = counts.l2_size[kOutput] / hardware_.offchip_bandwidth;
  return std::max(in / kDoubleBuffer, out / kDoubleBuffer);
}

void Analysis::count_case(Counts& counts, const Cases& cases, const Traffic& traffic) {
  const Int times = cases.times(), macs = traffic.macs(), out = traffic.egress();
  counts.l2_write[kOutput] += times * out;
  counts.l1_write[kOutput] += times * macs;
  counts.l1_read[kOutput] += times * macs;
  const Int critical = traffic.critical_macs();
  if (critical <= 0) return;
  Int in = 0;
  for (const Tensor tensor : {kInput, kFilter}) {
    const Int words = traffic.ingress(tensor);
    in += words;
    counts.l2_read[tensor] += times * words;
    counts.l1_read[tensor] += times * macs;
  }
  counts.arithmetic_intensity = static_cast<double>(macs) / static_cast<double>(in);
  const Work w = work(0, cases, critical);
  if (w.cycles == 0) {
    counts.status = kNoWork;
    return;
  }
  const Int in_delay = noc_delay(in), out_delay = noc_delay(out);
  const Int delay = cases.changing() < 0 ? w.cycles + in_delay
                                         : std::max(out_delay, std::max(w.cycles, in_delay));
  counts.cycles += times * std::max(delay, offchip_delay(counts));
  counts.macs += times * macs;
  const Int l2_in = counts.l2_size[kInput] + counts.l2_size[kFilter];
  const Int needed = std::max(l2_in, counts.l2_size[kOutput]) / w.cycles;
  counts.offchip_bandwidth = std::max(counts.offchip_bandwidth, needed) / kDoubleBuffer;
  const Int moved = std::max(in, out);
  counts.peak_noc_bandwidth = std::max(counts.peak_noc_bandwidth, moved / w.cycles);
  bandwidth_sum_ += static_cast<long double>(times * moved / w.cycles);
  active_sum_ += w.active_pes * static_cast<double>(times);
  counts.ingress.add(in_delay, times);
  counts.egress.add(out_delay, times);
  counts.compute.add(w.cycles, times);
  total_times_ += times;
  sized_ = true;
}

Counts Analysis::run() {
  Counts counts;
  for (Cases cases(levels_.level[0], levels_.level[0].tile); cases.next();) {
    const Traffic traffic(layer_, levels_.level[0], cases);
    if (!sized_) size_buffers(counts, traffic);
    count_case(counts, cases, traffic);
    if (counts.status != kOk) return counts;
  }
  if (total_times_ == 0) {
    counts.status = kNoWork;
    return counts;
  }
  counts.l1_write[kInput] = counts.l2_read[kInput];
  counts.l1_write[kFilter] = counts.l2_read[kFilter];
  const auto n = static_cast<long double>(total_times_);
  counts.mean_noc_bandwidth = static_cast<double>(bandwidth_sum_ / n);
  counts.active_pes = active_sum_ / static_cast<double>(total_times_);
  for (Delay* delay : {&counts.ingress, &counts.egress, &counts.compute})
    delay->mean = static_cast<Int>(delay->sum / n);
  return counts;
}

}  // namespace

Counts analyze(const Layer& layer, const Hardware& hardware, const Levels& levels) {
  return Analysis(layer, hardware, levels).run();
}

Counts evaluate(const Layer& layer, const Hardware& hardware, const Directive* directives,
                int count) {
  Levels levels;
  complete(layer, directives, count, hardware.pes, levels);
  if (levels.status == kOk) return analyze(layer, hardware, levels);
  Counts counts;
  counts.status = levels.status;
  counts.directive = levels.directive;
  return counts;
}

}  // namespace maestro
