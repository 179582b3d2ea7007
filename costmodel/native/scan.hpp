// Reads a program line by line and gathers what decides its cost: operations weighted by trip
// counts, loops, memory accesses, lives of values. There is no grammar: a line that says nothing
// known still counts.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "line.hpp"
#include "name_table.hpp"
#include "nest.hpp"
#include "op_groups.hpp"
#include "site.hpp"

namespace costmodel {

inline constexpr int kMaxGroups = 128;
inline constexpr int kNameBuckets = 32;
inline constexpr int kDialectBuckets = 16;
inline constexpr std::size_t kMaxSites = 256;  // of a program that are looked at
inline constexpr double kHuge = 1e30;
inline constexpr int kParallelDims = 4;  // of one loop over several variables that are told apart
inline constexpr int kDimShift = 24;     // the number of a loop: its region, and its place therein

// Where an operation stands: what a region of a loop or of a function contains.
struct Body {
  double operations = 0, floats = 0, loads = 0, stores = 0, selects = 0;
  double contiguous = 0, strided = 0, invariant = 0;  // accesses, by the innermost loop's variable
  double strided_stores = 0, invariant_stores = 0;    // of them, stores
  double distinct = 0;                                // accesses of different places
  double buffers = 0;                                 // distinct ones that are accessed
  double subscript = 0;                               // largest constant in a subscript
  double vector_bits = 0;                             // widest
  double chain = 0;                                   // longest chain of dependent float operations
  double unrolled = 0, unrolled_floats = 0, unrolled_accesses = 0;  // with short loops unrolled
  double trip = 1, outer_trip = 1, weight = 1, step = 1, depth = 0;
};

struct Value {
  int defined = 0, last = 0;
  int depth = 0;           // of the region it is defined in
  int region = -1;         // the value lives to the end of this region, if any
  int uses = 0;
  int chain = 0;
  int loop = -1;           // region whose induction variable it is
  int buffer_seen = -1;    // last loop that accessed it
  bool has_constant = false;
  double constant = 0.0;
  double scale = 1.0;  // of an index: how far it moves with each trip of its loop
  double shift = 0.0;  // of an index: the constant that is added
  bool own_buffer = false;
  bool ordered = false;  // a sum or product of floats, whose order compilers keep
  int root = -1;  // the buffer that a view is of
  std::array<double, kMaxRank> strides{};
  Type type;
};

struct Region {
  int id = 0;
  bool loop = false;
  bool has_inner = false;
  int start = 0;
  int group = -1;
  std::array<double, kParallelDims> dims{};  // trips of a loop over several variables, innermost first
  int dim_count = 0;
  Body body;
  Work own;       // of the lines that stand right here
  Work absorbed;  // of regions that dissolve
  bool has_effective_inner = false;
  Nest nest;  // of a region that says what happens at each point of tensors
  double unrolled = 1;
  SiteCode code;
  double inner_size = 0;  // instructions of the loops in it
  std::uint64_t result = 0;
  std::vector<std::uint64_t> operands;
};

struct Totals {
  double lines = 0, lexemes = 0, newlines = 0, operations = 0, functions = 0, blocks = 0;
  double unbalanced = 0, blobs = 0, strings = 0, longest_line = 0;
  double flops = 0, access_bytes = 0, tensor_bytes = 0, points = 0, max_points = 0;
  double parallel = 0, reduction = 0, iter_args = 0;
  double plus = 0, times = 0, divisions = 0;
  double dense = 0, numbers = 0, largest_number = 0;
};

struct LoopTotals {
  double count = 0, innermost = 0, dynamic = 0, single = 0, stepped = 0, iterations = 0;
  double max_trip = 0, min_inner_trip = kHuge, max_inner_trip = 0, max_step = 0, max_depth = 0;
  double sum_inner_depth = 0;
  double streaming = 0;  // innermost loops in which all stores move along
  double reducing = 0;   // innermost loops in which a store stays in place
};

struct TypeTotals {
  std::array<double, 12> elements{};  // f8 f16 bf16 f32 f64 i1 i8 i16 i32 i64 index other
  double tensors = 0, memrefs = 0, vectors = 0, dynamic = 0, max_rank = 0;
  double max_elements = 0, max_vector_elements = 0, max_vector_bits = 0, max_vector_rank = 0;
  double min_last = kHuge, max_last = 0, last_by_16 = 0, last_by_8 = 0;
};

struct Arguments {
  double count = 0, bytes = 0, max_bytes = 0, results = 0, result_bytes = 0;
  std::array<double, 4> each_bytes{}, each_last{}, each_rank{};
};

struct Live {
  double all = 0, floats = 0, integers = 0, buffers = 0, tensors = 0;
  double registers_128 = 0, registers_256 = 0, registers_512 = 0;
};

class Scanner {
 public:
  explicit Scanner(std::string_view text);

  Totals totals;
  LoopTotals loops;
  EffectiveLoops effective;
  TypeTotals types;
  Arguments arguments;
  Live live, live_inner;
  Body hot;   // the innermost loop in which most operations happen
  Body largest;  // the innermost loop with most operations in its text
  Body most;     // the largest of each figure over all innermost loops
  double hot_share = 0;
  double max_uses = 0, unused = 0, values = 0, far_uses = 0, max_chain = 0;
  std::array<double, kMaxGroups> counts{}, weights{};
  std::array<double, kNameBuckets> names{};
  std::array<double, kDialectBuckets> dialects{};
  std::vector<Site> sites;

 private:
  friend class LineScanner;
  void read(Line& line);
  void finish();
  void close_region();
  void close_loop(const Region& region);
  void dissolve(const Region& region, Region& parent);
  double settle_fates(const Region& region);
  void measure_lives();
  void loop_site(const Region& region);
  void tensor_site(const Nest& nest, const SiteCode& code, std::uint64_t result,
                   std::vector<std::uint64_t> operands);
  void fuse_sites();
  void measure_loops(Site& site) const;
  void measure_sites(const std::vector<std::array<float, kLiveClasses>>& change);
  Body& body() { return regions_.back().body; }

  std::vector<Region> regions_;
  struct LoopFate {
    double size = 0;
    bool unrolled = false;
  };
  std::vector<int> region_end_;
  std::vector<std::array<LoopFate, kParallelDims>> fates_;  // by region
  std::vector<std::pair<int, int>> inner_;  // lines of the innermost loops
  std::vector<Value> values_;
  NameTable<int> by_name_;
  NameTable<Map> maps_;
  NameTable<int> places_;  // accesses by what they say, and the region that last had them
  double all_work_ = 0, hot_work_ = 0;
  std::vector<std::size_t> cuts_;  // of the line that is read
  int line_ = 0;
};

}  // namespace costmodel
