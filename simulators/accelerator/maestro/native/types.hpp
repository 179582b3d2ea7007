// What the model reads and writes: a layer, a mapping's directives, the hardware, and the counts.

#pragma once

#include <array>
#include <cstdint>

namespace maestro {

using Int = std::int64_t;

// In alphabetical order: that is the order in which dimensions missing from a block are appended.
enum Dim : int { kC, kG, kK, kM, kN, kR, kS, kX, kY, kDims };
// Directives may also name the output's rows and columns.
constexpr int kOutputX = kDims, kOutputY = kDims + 1;

enum Kind : int { kNone, kTemporal, kSpatial, kCluster };

struct Directive {
  int kind = kNone;
  int dim = 0;      // unused by a cluster
  Int size = 0;     // of a cluster: its number of sub-clusters
  Int offset = 0;   // unused by a cluster
};

enum Tensor : int { kInput, kFilter, kOutput, kTensors };

struct Layer {
  std::array<Int, kDims> size{};  // 0: the layer has no such dimension
  Int stride_y = 1, stride_x = 1;
  std::array<unsigned, kTensors> coupled{};  // bit d: the tensor is indexed by dimension d
  bool slides = true;                        // Y slides over R and X over S
};

struct Hardware {
  Int pes, noc_bandwidth, noc_latency, offchip_bandwidth, simd_lanes;
};

enum Status : int {
  kOk,
  kUnknownDimension,
  kRepeatedDimension,
  kNoSpatialMap,
  kManySpatialMaps,
  kPartialFilter,
  kManyLevels,
  kTooFewPes,
  kNoWork,
  kBadSize,
};

struct Delay {
  Int least = INT64_MAX, most = 0;
  long double sum = 0;
  Int mean = 0;

  void add(Int delay, Int times) {
    least = delay < least ? delay : least;
    most = delay > most ? delay : most;
    sum += static_cast<long double>(times * delay);
  }
};

struct Counts {
  Int cycles = 0, macs = 0;
  std::array<Int, kTensors> l1_read{}, l1_write{}, l2_read{}, l2_write{};
  std::array<Int, kTensors> l1_size{}, l2_size{};
  Int peak_noc_bandwidth = 0, offchip_bandwidth = 0;
  Delay ingress, egress, compute;
  double mean_noc_bandwidth = 0, active_pes = 0, arithmetic_intensity = 0;
  int status = kOk;
  int directive = -1;  // position of the directive at fault
};

}  // namespace maestro
