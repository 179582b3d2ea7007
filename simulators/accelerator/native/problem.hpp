// What is evaluated: a loop nest over tensors, and the hierarchy it runs on. Packed once, shared by
// all evaluations.

#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace accelerator {

inline constexpr int kMaxLevels = 16;
inline constexpr int kMaxTensors = 8;
inline constexpr int kMaxDims = 16;
inline constexpr int kMaxAxes = 8;
inline constexpr double kExact = 9007199254740992.0;  // doubles count exactly below 2**53

// A dimension's share of one tensor axis: element index += coefficient * dimension index.
struct Term {
  int axis;
  std::int64_t coefficient;
};

struct Tensor {
  int axes = 0;
  bool output = false;
  Term terms[kMaxDims][kMaxAxes] = {};
  int term_count[kMaxDims] = {};
  // A step of 1 in a dimension moves the tensor's box by `key`. Keys are a linear, injective code
  // of displacement vectors: equal keys are equal displacements. 0: the dimension is irrelevant.
  std::int64_t key[kMaxDims] = {};
  std::int64_t full_size = 1;
};

struct Problem {
  Problem(const std::vector<std::int64_t>& bounds,
          const std::vector<std::vector<std::vector<std::pair<int, std::int64_t>>>>& tensors,
          int output);

  int dims;
  int tensors;
  int output;
  std::int64_t bounds[kMaxDims];
  Tensor tensor[kMaxTensors];
  double macs = 1;
};

struct Level {
  double capacity_words = std::numeric_limits<double>::infinity();
  double read_bandwidth = 0;  // words per cycle and instance; 0: unlimited
  double write_bandwidth = 0;
  double shared_bandwidth = 0;
  double read_energy_pj = 0;  // per row access of a cluster
  double write_energy_pj = 0;
  std::int64_t block_size = 1;
  std::int64_t mesh_x = 1;
  std::int64_t mesh_y = 1;
  std::int64_t clusters = 1;
  bool dram = false;
};

struct Hierarchy {
  std::vector<Level> levels;  // outermost first
  std::int64_t compute_mesh_x = 1;
  std::int64_t compute_mesh_y = 1;
  double mac_energy_pj = 0;

  int size() const { return static_cast<int>(levels.size()); }
  std::int64_t mesh_x(int level) const {
    return level < size() ? levels[level].mesh_x : compute_mesh_x;
  }
  std::int64_t mesh_y(int level) const {
    return level < size() ? levels[level].mesh_y : compute_mesh_y;
  }
  double compute_instances() const {
    return static_cast<double>(compute_mesh_x) * static_cast<double>(compute_mesh_y);
  }
};

}  // namespace accelerator
