// What a line adds to the site it stands in, and operations on tensors as sites of their own.
#include <algorithm>
#include <cmath>

#include "line_scanner.hpp"
#include "site_groups.hpp"

namespace costmodel {
namespace {

double registers(const Type& type, double bits) {
  const double row = std::max(1.0, std::ceil(type.last_dim * type.bits / bits));
  return std::min(type.elements / std::max(type.last_dim, 1.0) * row, 1e6);
}

}  // namespace

// A view has the strides of what it is a view of, unless it changes the rank.
void LineScanner::follow_view(Value& value) const {
  const int rank = std::min(value.type.rank, kMaxRank);
  double step = 1.0;
  for (int d = rank; d-- > 0;) {
    value.strides[static_cast<std::size_t>(d)] = step;
    step *= value.type.dims[static_cast<std::size_t>(d)];
  }
  if (operation_ == "memref.alloc" || operation_ == "memref.alloca") value.own_buffer = true;
  if (!operation_.starts_with("memref.") || value.own_buffer) return;
  for (std::size_t i = operation_at_; i < line_.size(); ++i) {
    if (line_[i].kind != Kind::kValue) continue;
    const int* known = p_.by_name_.find(hash_name(line_[i].text));
    if (known == nullptr) return;
    const Value& whole = p_.values_[static_cast<std::size_t>(*known)];
    value.root = whole.root >= 0 ? whole.root : *known;
    value.own_buffer = whole.own_buffer;
    if (whole.type.rank == value.type.rank) value.strides = whole.strides;
    return;
  }
}

// Sums of variables times constants, one for each dimension.
void LineScanner::note_access(int buffer, std::uint64_t place, std::size_t first, std::size_t stop,
                              bool is_store) {
  SiteCode& code = p_.regions_.back().code;
  if (code.accesses.size() >= kMaxAccesses) return;
  Access access{.store = is_store, .place = place, .pieces = pieces_};
  const Value none, *value = &none;
  if (buffer >= 0) value = &p_.values_[static_cast<std::size_t>(buffer)];
  access.buffer = value->root >= 0 ? value->root : buffer;
  access.own_buffer = value->own_buffer;
  access.bits = value->type.bits;
  std::size_t stored = operation_at_ + 1;
  while (stored < line_.size() && line_[stored].kind != Kind::kValue) ++stored;
  const Value* source = is_store ? known(stored) : nullptr;
  access.ordered = source != nullptr && source->ordered;
  std::size_t dim = 0;
  for (std::size_t i = first; i < stop; ++i) {
    if (line_.is(i, ',')) dim = std::min<std::size_t>(dim + 1, kMaxRank - 1);
    if (line_[i].kind == Kind::kInteger && !line_.is(i - 1, '*')) {
      const double sign = line_.is(i - 1, '-') ? -1.0 : 1.0;
      access.offset += sign * static_cast<double>(line_[i].number) * value->strides[dim];
    }
    const Value* index = known(i);
    if (index == nullptr) continue;
    access.offset += (index->has_constant ? index->constant : index->shift) * value->strides[dim];
    if (index->loop < 0) continue;
    double factor = index->scale * value->strides[dim];
    if (line_.is(i + 1, '*') && line_[i + 2].kind == Kind::kInteger)
      factor *= static_cast<double>(line_[i + 2].number);
    access.add(index->loop, factor);
  }
  code.accesses.push_back(access);
}

// What a region hands on: the results of a loop so far, or an element of a tensor.
void LineScanner::note_yield() {
  for (std::size_t i = operation_at_ + 1; i < line_.size(); ++i)
    if (const Value* value = known(i)) p_.regions_.back().code.ordered_yields += value->ordered;
}

void LineScanner::note_code(const OpGroup& group) {
  if (group.name == "yield") note_yield();
  if (role_ == Role::kLoop || role_ == Role::kGeneric || role_ == Role::kConstant) return;
  if (group.name == "function" || group.name == "yield" || group.name == "return") return;
  const std::vector<Type>& types = line_.types();
  const Type type = types.empty() ? Type{} : types.back();
  if (type.in_memory() && role_ != Role::kLoad && role_ != Role::kStore && type.shape == Shape::kTensor)
    return;  // a site of its own
  SiteCode& code = p_.regions_.back().code;
  ++code.lines;
  code.conditions += group.name == "if";
  code.counts[site_group(group_)] += static_cast<float>(pieces_);
  const Type value = role_ == Role::kLoad || role_ == Role::kStore ? types.empty() ? Type{} : types.back() : type;
  if (value.element == Element::kFloat || value.element == Element::kInteger) {
    code.least_bits = std::min(code.least_bits, static_cast<double>(value.bits));
    code.most_bits = std::max(code.most_bits, static_cast<double>(value.bits));
  }
  if (value.in_memory()) return;
  const bool vector = value.shape == Shape::kVector;
  code.pieces_128 += vector ? registers(value, 128) : 1.0;
  code.pieces_256 += vector ? registers(value, 256) : 1.0;
  code.pieces_512 += vector ? registers(value, 512) : 1.0;
  if (!vector) return;
  code.vector_bits = std::max(code.vector_bits, value.elements * value.bits);
  code.last_dim = std::max(code.last_dim, value.last_dim);
  if (role_ != Role::kContraction) return;
  const double sum = points() / std::max(value.elements, 1.0);
  const double rows = value.elements / std::max(value.last_dim, 1.0);
  code.summed += sum;
  if (registers(value, 128) <= code.accumulators) return;
  code.rows = rows;
  code.columns = value.last_dim;
  code.depth = sum;
  code.accumulators = registers(value, 128);
}

std::vector<std::uint64_t> LineScanner::operand_names() const {
  std::size_t from = operation_at_;
  for (std::size_t i = from; i < line_.size(); ++i)
    if (line_.is(i, "ins")) from = i;
  std::vector<std::uint64_t> out;
  for (std::size_t i = from; i < line_.size() && out.size() < 16; ++i)
    if (line_[i].kind == Kind::kValue) out.push_back(hash_name(line_[i].text));
  return out;
}

// The numbers of "word = [...]".
std::vector<int> LineScanner::listed(std::string_view word) const {
  std::vector<int> out;
  for (std::size_t i = operation_at_; i + 1 < line_.size(); ++i) {
    if (!line_.is(i, word) || !line_.is(i + 1, '=')) continue;
    for (i += 3; i < line_.size() && !line_.is(i, ']') && out.size() < kMaxRank; ++i)
      if (line_[i].kind == Kind::kInteger)
        out.push_back(static_cast<int>(std::min<std::uint64_t>(line_[i].number, kMaxRank - 1)));
    break;
  }
  return out;
}

// The maps that an operation's own lists say: which dimensions are kept, moved or summed.
void LineScanner::shape_maps(Nest& nest, bool reduces) const {
  std::vector<int> dims = listed(reduces ? "dimensions" : "dims");
  if (dims.empty()) dims = listed("permutation");
  if (dims.empty() || nest.loads.empty() || nest.stores.empty()) return;
  if (reduces) {
    Map& out = nest.stores.front();
    out.results = 0;
    for (int d = 0; d < nest.loops; ++d)
      if (std::find(dims.begin(), dims.end(), d) == dims.end())
        out.dim[static_cast<std::size_t>(out.results++)] = static_cast<std::int8_t>(d);
    nest.loads.resize(1);
    nest.loads.push_back(out);
    return;
  }
  Map& in = nest.loads.front();
  in.results = static_cast<int>(dims.size());
  in.dim.fill(-1);
  const bool moves = operation_.find("transpose") != std::string_view::npos;
  for (std::size_t i = 0; i < dims.size(); ++i)
    if (moves) in.dim[static_cast<std::size_t>(dims[i])] = static_cast<std::int8_t>(i);
    else if (line_.types().front().dims[i] > 1) in.dim[i] = static_cast<std::int8_t>(dims[i]);
  nest.loads.resize(1);
}

}  // namespace costmodel
