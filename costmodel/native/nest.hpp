// Loops as compilers leave them: those that are short are unrolled wholly, so that the loop around
// them becomes the innermost one. Operations on tensors become the nests they are lowered to.
#pragma once

#include <array>
#include <vector>

#include "line.hpp"

namespace costmodel {

inline constexpr std::size_t kLevels = 4;  // enclosing loops by which accesses are told apart
inline constexpr double kMost = 1e30;

enum Stride : std::size_t { kContiguous, kStrided, kInvariant, kStrides };

// What one pass through a body does.
struct Work {
  double operations = 0;  // in the text
  double expanded = 0;    // on registers of 512 bits
  double floats = 0, math = 0, divisions = 0, selects = 0, loads = 0, stores = 0, buffers = 0;
  std::array<std::array<double, kStrides>, kLevels> loads_by{}, stores_by{};  // innermost first

  // `outwards`: seen from one loop further out.
  void add(const Work& other, double times, bool outwards);
  // Machine operations, about.
  [[nodiscard]] double size() const { return expanded + 2.0 * (loads + stores); }
};

struct EffectiveLoop {
  Work work;
  double trip = 1, outer_trip = 1, iterations = 1, depth = 0, unrolled = 1;
};

// One operation on tensors as the loops it is lowered to, outermost first.
struct Nest {
  std::array<double, kMaxRank> trips{};
  int loops = 0;
  std::vector<Map> loads, stores;
  Work work;  // without the accesses
  bool elementwise = false;  // each point of the result by itself
  bool named = false;        // an operation that nothing is fused into

  [[nodiscard]] double points() const;
};

class EffectiveLoops {
 public:
  EffectiveLoop hot, largest;
  double count = 0, code_size = 0;

  [[nodiscard]] static bool unrolls(const Work& work, double trip);
  void record(const EffectiveLoop& loop);
  void record(const Nest& nest, double weight, double depth);

 private:
  double hot_work_ = -1;
};

}  // namespace costmodel
