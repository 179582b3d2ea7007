#include "line_scanner.hpp"

#include <cmath>

namespace costmodel {
namespace {


double capped(double x) { return std::min(x, kHuge); }

std::size_t element_index(const Type& type) {
  switch (type.element) {
    case Element::kFloat:
      return type.bits <= 8 ? 0 : type.bits == 16 ? 1 : type.bits == 64 ? 4 : 3;
    case Element::kInteger:
      return type.bits == 1 ? 5 : type.bits <= 8 ? 6 : type.bits <= 16 ? 7 : type.bits <= 32 ? 8 : 9;
    case Element::kIndex: return 10;
    default: return 11;
  }
}

// The output channels, if the order of dimensions is not known: the largest size in both.
double shared_dimension(const Type& weights, const Type& output) {
  double largest = 1.0;
  for (const double size : weights.dims)
    if (std::find(output.dims.begin(), output.dims.end(), size) != output.dims.end())
      largest = std::max(largest, size);
  return largest;
}

}  // namespace

void LineScanner::run() {
  const std::size_t from = close_braces();
  if (from == 0 && line_[0].kind == Kind::kAlias && line_.is(1, '=')) return alias();
  line_.find_types();
  count_types();
  for (std::size_t i = 0; i < line_.size() && from == 0; ++i) {
    if (line_.is(i, '=')) {
      definitions_ = i + 1;
      break;
    }
    if (line_[i].kind != Kind::kValue && !line_.is(i, ',') && !line_.is(i, ':') &&
        line_[i].kind != Kind::kInteger)
      break;
  }
  find_operation(std::max(definitions_, from));
  count_operation();
  define_and_use(from);
}

std::size_t LineScanner::close_braces() {
  std::size_t i = 0;
  for (; line_.is(i, '}'); ++i) p_.close_region();
  return i;
}

void LineScanner::alias() {
  if (!line_.is(2, "affine_map")) return;
  std::size_t i = 2;
  p_.maps_.put(hash_name(line_[0].text), line_.map(i));
}

void LineScanner::find_operation(std::size_t from) {
  if (line_[from].kind == Kind::kBlock) ++p_.totals.blocks;
  if (line_.is(from, '"')) ++from;
  if (line_[from].kind != Kind::kWord) return;
  operation_ = line_[from].text;
  operation_at_ = from;
}

void LineScanner::count_types() {
  TypeTotals& t = p_.types;
  for (const Type& type : line_.types()) {
    ++t.elements[element_index(type)];
    t.tensors += type.shape == Shape::kTensor;
    t.memrefs += type.shape == Shape::kMemref;
    t.dynamic += type.dynamic;
    t.max_elements = std::max(t.max_elements, type.elements);
    if (type.shape == Shape::kVector) {
      ++t.vectors;
      t.max_vector_elements = std::max(t.max_vector_elements, type.elements);
      t.max_vector_bits = std::max(t.max_vector_bits, type.elements * type.bits);
      t.max_vector_rank = std::max(t.max_vector_rank, static_cast<double>(type.rank));
      p_.body().vector_bits = std::max(p_.body().vector_bits, type.elements * type.bits);
    } else if (type.rank > 0) {
      t.max_rank = std::max(t.max_rank, static_cast<double>(type.rank));
      t.min_last = std::min(t.min_last, type.last_dim);
      t.max_last = std::max(t.max_last, type.last_dim);
      t.last_by_16 += std::fmod(type.last_dim, 16.0) == 0.0;
      t.last_by_8 += std::fmod(type.last_dim, 8.0) == 0.0;
    }
  }
}

void LineScanner::count_operation() {
  if (operation_.empty()) return;
  Totals& totals = p_.totals;
  bool exact = false;
  group_ = op_group(operation_, exact);
  const OpGroup& group = op_groups()[static_cast<std::size_t>(group_)];
  role_ = group.role;
  const double weight = p_.body().weight;
  ++totals.operations;
  ++p_.counts[static_cast<std::size_t>(group_)];
  p_.weights[static_cast<std::size_t>(group_)] += weight;
  if (!exact) ++p_.names[hash_name(operation_) >> 33 & (kNameBuckets - 1)];
  ++p_.dialects[hash_name(operation_.substr(0, operation_.find('.'))) >> 33 & (kDialectBuckets - 1)];
  ++p_.body().operations;
  ++p_.body().unrolled;
  p_.body().selects += group.name == "select";
  totals.functions += group.name == "function" && operation_ != "module";
  own_work(group);
  note_code(group);
  arithmetic(group, weight);
  if (role_ == Role::kLoad || role_ == Role::kStore) access(role_ == Role::kStore, weight);
}

void LineScanner::arithmetic(const OpGroup& group, double weight) {
  if (group.role == Role::kOther || group.role == Role::kConstant || group.role == Role::kLoad ||
      group.role == Role::kStore || group.role == Role::kLoop)
    return;
  double tensor_bytes = 0;
  for (const Type& type : line_.types())
    if (type.shape == Shape::kTensor || (type.shape == Shape::kMemref && group.role != Role::kMove))
      tensor_bytes += type.bytes();
  p_.totals.tensor_bytes = capped(p_.totals.tensor_bytes + weight * tensor_bytes);
  if (group.role == Role::kMove) return tensor_nest(0.0);
  if (group.role == Role::kGeneric) return;
  const double each = group.role == Role::kFma || group.role == Role::kContraction ? 2.0 : 1.0;
  const double n = points();
  tensor_nest(n);
  p_.totals.flops = capped(p_.totals.flops + weight * each * n);
  if (n > 1.0) {
    p_.totals.points = capped(p_.totals.points + weight * n);
    p_.totals.max_points = std::max(p_.totals.max_points, n);
  }
  ++p_.body().floats;
  ++p_.body().unrolled_floats;
  chain_ = 1;
}

double LineScanner::points() const {
  const std::vector<Type>& types = line_.types();
  if (types.empty()) return 1.0;
  if (role_ == Role::kContraction) return contraction_points(types);
  if (role_ == Role::kReduction) {
    double most = 1.0;
    for (const Type& type : types) most = std::max(most, type.elements);
    return most;
  }
  return types.back().elements;
}

// |A| |B| |C| = (m k)(k n)(m n): its root is the number of multiplications.
double LineScanner::contraction_points(const std::vector<Type>& types) const {
  std::size_t ins = 0;  // types before it are of attributes
  for (std::size_t i = operation_at_; i < line_.size() && ins == 0; ++i)
    if (line_.is(i, "ins")) ins = i;
  std::vector<const Type*> shaped;
  for (const Type& type : types)
    if (type.shape != Shape::kScalar && type.at > ins) shaped.push_back(&type);
  if (shaped.size() < 3) return types.back().elements;
  const Type &a = *shaped[0], &b = *shaped[1], &c = *shaped.back();
  const bool depthwise = operation_.find("depthwise") != std::string_view::npos;
  if (depthwise || operation_.find("conv") != std::string_view::npos) {
    // The outputs times the weights of one of them.
    const bool first = operation_.find("_f") != std::string_view::npos ||
                       operation_.ends_with("chw") || operation_.ends_with("cw");
    double channels = first ? b.dims[0] : b.last_dim;
    if (operation_ == "stablehlo.convolution") channels = shared_dimension(b, c);
    return capped(c.elements * b.elements / std::max(channels, 1.0));
  }
  double batch = 1.0;
  if (a.rank == b.rank && a.rank == c.rank)
    for (int d = 0; d + 2 < std::min(a.rank, kMaxRank); ++d) {
      const auto at = static_cast<std::size_t>(d);
      if (a.dims[at] == b.dims[at] && a.dims[at] == c.dims[at]) batch *= a.dims[at];
    }
  return capped(std::sqrt(a.elements) * std::sqrt(b.elements) * std::sqrt(c.elements / batch));
}

// %buffer[subscripts]
void LineScanner::access(bool is_store, double weight) {
  Body& body = p_.body();
  (is_store ? body.stores : body.loads) += 1;
  ++body.unrolled_accesses;
  double bytes = 4.0;
  for (const Type& type : line_.types())
    bytes = type.in_memory() ? type.bits / 8.0 : type.bytes();
  p_.totals.access_bytes = capped(p_.totals.access_bytes + weight * bytes);
  for (std::size_t i = operation_at_; i < line_.size(); ++i) {
    if (line_[i].kind != Kind::kValue || !line_.is(i + 1, '[')) continue;
    int at = -1;
    if (const int* known = p_.by_name_.find(hash_name(line_[i].text))) {
      at = *known;
      Value& buffer = p_.values_[static_cast<std::size_t>(*known)];
      const int here = p_.regions_.back().id;
      body.buffers += buffer.buffer_seen != here;
      p_.regions_.back().own.buffers += buffer.buffer_seen != here;
      buffer.buffer_seen = here;
    }
    const std::size_t stop = line_.skip_group(i + 1);
    note_access(at, note_place(i, stop), i + 2, stop, is_store);
    return classify(i + 2, stop, is_store);
  }
}

// Compilers load a place once that several lines of a body name alike.
std::uint64_t LineScanner::note_place(std::size_t first, std::size_t stop) {
  std::uint64_t hash = 0;
  for (std::size_t i = first; i < stop; ++i) {
    const Lexeme& one = line_[i];
    hash = (hash ^ hash_name(one.text) ^ one.number) * 0x100000001b3ULL;
    hash ^= hash >> 31;
  }
  const int here = p_.regions_.back().id;
  const int* known = p_.places_.find(hash);
  if (known != nullptr && *known == here) return hash;
  ++p_.body().distinct;
  p_.places_.put(hash, here);
  return hash;
}

void LineScanner::classify(std::size_t first, std::size_t stop, bool is_store) {
  Body& body = p_.body();
  std::array<int, kLevels> loops;
  loops.fill(-2);
  std::size_t levels = 0;
  for (std::size_t r = p_.regions_.size(); r-- > 0 && levels < kLevels;)
    if (p_.regions_[r].loop) loops[levels++] = p_.regions_[r].id;
  std::array<bool, kLevels> in_last{}, in_other{};
  for (std::size_t i = first; i < stop; ++i) {
    if (line_.is(i, ',')) {
      for (std::size_t level = 0; level < levels; ++level) in_other[level] |= in_last[level];
      in_last.fill(false);
    } else if (line_[i].kind == Kind::kInteger) {
      body.subscript = std::max(body.subscript, static_cast<double>(line_[i].number));
    } else if (line_[i].kind == Kind::kValue) {
      const int* known = p_.by_name_.find(hash_name(line_[i].text));
      if (known == nullptr) continue;
      int loop = p_.values_[static_cast<std::size_t>(*known)].loop;
      if (loop >= 0) loop &= (1 << kDimShift) - 1;
      for (std::size_t level = 0; level < levels; ++level) in_last[level] |= loops[level] == loop;
    }
  }
  Work& own = p_.regions_.back().own;
  for (std::size_t level = 0; level < kLevels; ++level) {
    const std::size_t stride = in_last[level] ? kContiguous : in_other[level] ? kStrided : kInvariant;
    (is_store ? own.stores_by : own.loads_by)[level][stride] += pieces_;
  }
  (in_last[0] ? body.contiguous : in_other[0] ? body.strided : body.invariant) += 1;
  if (is_store && !in_last[0]) (in_other[0] ? body.strided_stores : body.invariant_stores) += 1;
}

void LineScanner::open_region() {
  Region region;
  region.id = static_cast<int>(p_.region_end_.size());
  region.start = p_.line_;
  region.group = group_;
  const Region& parent = p_.regions_.back();
  Body& body = region.body;
  body.depth = parent.body.depth;
  body.outer_trip = parent.body.trip;
  if (role_ == Role::kLoop) {
    body.trip = trip_count(body.step);
    region.dim_count = trips_.size() > 1 ? static_cast<int>(std::min<std::size_t>(trips_.size(), kParallelDims)) : 0;
    for (int d = 0; d < region.dim_count; ++d)
      region.dims[static_cast<std::size_t>(d)] = trips_[trips_.size() - 1 - static_cast<std::size_t>(d)];
    region.loop = body.trip > 1;  // compilers dissolve the others
    LoopTotals& loops = p_.loops;
    ++loops.count;
    loops.single += body.trip <= 1;
    body.depth += body.trip > 1;
    loops.stepped += body.step > 1;
    loops.max_step = std::max(loops.max_step, body.step);
    loops.max_trip = std::max(loops.max_trip, body.trip);
    loops.max_depth = std::max(loops.max_depth, body.depth);
  } else if (role_ == Role::kGeneric) {
    region.loop = true;
    region.nest = generic_nest();
    region.operands = operand_names();
    if (definitions_ > 0) region.result = hash_name(line_[0].text);
    body.trip = region.nest.points();
    p_.totals.points = capped(p_.totals.points + parent.body.weight * body.trip);
    p_.totals.max_points = std::max(p_.totals.max_points, body.trip);
  }
  body.weight = capped(parent.body.weight * std::max(body.trip, 1.0));
  p_.region_end_.push_back(p_.line_);
  p_.fates_.emplace_back();
  p_.regions_.push_back(region);
}

}  // namespace costmodel
