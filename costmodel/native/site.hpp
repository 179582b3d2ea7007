// The places of a program where code is made: innermost loops, what stands between loops, and
// operations on tensors. A program's registers are those of its worst site, its spills the sum.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "line.hpp"

namespace costmodel {

inline constexpr std::size_t kSiteLoops = 5;     // enclosing loops of more than one trip, innermost first
inline constexpr std::size_t kSiteGroups = 48;   // groups of operations told apart at a site
inline constexpr std::size_t kLiveClasses = 8;
inline constexpr std::size_t kMaxAccesses = 512;  // of a site that are looked at

// One access of memory, as seen from the loops around it.
struct Access {
  bool store = false;
  bool own_buffer = false;  // allocated here, so that nothing else can point to it
  bool ordered = false;     // a store of a sum or product of floats
  int buffer = -1;
  std::uint64_t place = 0;
  double pieces = 1.0;  // registers of 512 bits
  int bits = 32;
  double offset = 0.0;  // constant part of the place, in elements
  std::array<std::pair<int, double>, kSiteLoops> stride{};  // by loop, in elements
  int loops = 0;

  void add(int loop, double elements);
  // As read through a map, by the loops of what reads it: -1 is its first one.
  void follow(const Map& map);
  [[nodiscard]] double stride_of(int loop) const;
};

// What stands in one region, or is what an operation on tensors does at each point.
struct SiteCode {
  std::array<float, kSiteGroups> counts{};
  std::vector<Access> accesses;
  double pieces_128 = 0, pieces_256 = 0, pieces_512 = 0;  // registers written
  double vector_bits = 0, last_dim = 0, chain = 0;
  double summed = 0;     // depth of all contractions together
  double rows = 0, columns = 0, depth = 0, accumulators = 0;  // of the largest contraction
  double least_bits = 1024, most_bits = 0;  // of elements
  double conditions = 0, lines = 0;
  double carried_floats = 0, carried_integers = 0, carried_vectors = 0;  // from trip to trip
  double ordered_yields = 0;  // of this region alone: sums or products of floats

  void add(const SiteCode& other);
  [[nodiscard]] bool works() const;
  // Instructions that each trip of a loop takes: accesses that stay in place leave it, a store
  // counts twice, and addresses take what no addressing mode does.
  [[nodiscard]] double size(int loop) const;
  [[nodiscard]] double address_size(int loop) const;
};

// LLVM unrolls a loop of constant trip count wholly if that gives up to 300 instructions.
[[nodiscard]] bool unrolls(double size, double trip);

struct Site {
  SiteCode code;
  std::array<double, kSiteLoops> trips{};
  std::array<int, kSiteLoops> loops{};
  std::array<double, kSiteLoops> steps{};
  int levels = 0;
  std::array<double, kSiteLoops> size{};    // instructions of each loop's body, about
  std::array<bool, kSiteLoops> unrolled{};  // wholly, as compilers do if that makes little code
  double outer = 1, weight = 1, step = 1;
  bool innermost = true, of_tensors = false, fused = false;
  int start = 0, stop = 0;
  std::array<double, kLiveClasses> live{}, live_through{};
  // Of an operation on tensors, to find what is fused into it:
  std::uint64_t result = 0;
  std::vector<std::uint64_t> operands{};
  std::vector<Map> reads{};  // of the operands
  bool elementwise = false;
};

}  // namespace costmodel
