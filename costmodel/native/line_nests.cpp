// What a line stands for once it is lowered: loops over tensors, operations on vector registers.
#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "line_scanner.hpp"
#include "site_groups.hpp"

namespace costmodel {
namespace {

Map identity(int rank) {
  Map map;
  map.results = std::min(rank, kMaxRank);
  for (int d = 0; d < map.results; ++d) map.dim[static_cast<std::size_t>(d)] = static_cast<std::int8_t>(d);
  return map;
}

bool named(int group, std::initializer_list<std::string_view> names) {
  const std::string_view name = op_groups()[static_cast<std::size_t>(group)].name;
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_math(int group) {
  return named(group, {"exponential", "logarithm", "sigmoid_like", "power", "trigonometric", "math_other"});
}

bool is_division(int group) { return named(group, {"divide_float", "square_root", "divide_integer"}); }

}  // namespace

Nest LineScanner::generic_nest() const {
  std::vector<Map> maps;
  std::size_t ins = 0, outs = 0;
  for (std::size_t i = operation_at_; i < line_.size(); ++i) {
    if (line_.is(i, "ins")) ins = i;
    if (line_.is(i, "outs")) outs = i;
    if (ins > 0 || outs > 0) continue;
    if (line_[i].kind == Kind::kAlias) {
      const Map* known = p_.maps_.find(hash_name(line_[i].text));
      maps.push_back(known != nullptr ? *known : Map{});
    } else if (line_.is(i, "affine_map")) {
      maps.push_back(line_.map(i));
      --i;
    }
  }
  Nest nest;
  nest.trips.fill(1.0);
  std::size_t next = 0;
  for (const Type& type : line_.types()) {
    if (type.at < std::max<std::size_t>(ins > 0 ? ins : outs, 1)) continue;
    const Map map = next < maps.size() ? maps[next] : identity(type.rank);
    if (next++ >= maps.size() && !maps.empty()) break;
    for (int r = 0; r < std::min({map.results, type.rank, kMaxRank}); ++r)
      if (const int d = map.dim[static_cast<std::size_t>(r)]; d >= 0 && d < kMaxRank) {
        nest.loops = std::max(nest.loops, d + 1);
        double& trip = nest.trips[static_cast<std::size_t>(d)];
        trip = std::max(trip, type.dims[static_cast<std::size_t>(r)]);
      }
    (type.at > outs && outs > 0 ? nest.stores : nest.loads).push_back(map);
  }
  for (const Map& map : nest.stores)
    if (map.results < nest.loops) nest.loads.push_back(map);  // a reduction reads what it writes
  nest.loops = std::max(nest.loops, 1);
  nest.elementwise = !nest.stores.empty();
  for (const Map& map : nest.stores) nest.elementwise = nest.elementwise && map.results == nest.loops;
  return nest;
}

// The loops that an operation on whole tensors is lowered to.
void LineScanner::tensor_nest(double points) {
  const std::vector<Type>& types = line_.types();
  if (types.empty() || !types.back().in_memory() || named(group_, {"alloc"})) return;
  const bool reduces = role_ == Role::kReduction;
  const Type* widest = &types.back();
  for (const Type& type : types)
    if (reduces && type.in_memory() && type.elements > widest->elements) widest = &type;
  Nest nest;
  nest.loops = std::min(widest->rank, kMaxRank);
  nest.trips = widest->dims;
  nest.work.operations = nest.work.expanded = 1;
  nest.work.floats = role_ == Role::kMove ? 0 : 1;
  nest.work.math = is_math(group_) ? 1 : 0;
  nest.work.divisions = is_division(group_) ? 1 : 0;
  if (role_ == Role::kContraction) {
    contraction_nest(nest, points);
  } else {
    Map whole = identity(nest.loops), part = whole;
    if (reduces) part.dim[static_cast<std::size_t>(std::max(part.results - 1, 0))] = -1;
    if (operation_.find("transpose") != std::string_view::npos && nest.loops > 1)
      std::swap(part.dim[static_cast<std::size_t>(nest.loops - 1)],
                part.dim[static_cast<std::size_t>(nest.loops - 2)]);
    std::size_t operands = 0;
    for (std::size_t i = operation_at_; i < line_.size(); ++i) operands += line_[i].kind == Kind::kValue;
    nest.loads.assign(std::clamp<std::size_t>(operands, 1, 4), reduces ? whole : part);
    nest.stores.push_back(reduces ? part : whole);
    shape_maps(nest, reduces);
    nest.elementwise = !reduces && (role_ != Role::kMove || named(group_, {"broadcast", "transpose"}));
    nest.named = role_ == Role::kMove && !nest.elementwise;
  }
  if (nest.loops == 0) return;
  p_.effective.record(nest, p_.body().weight, p_.body().depth);
  SiteCode code;
  code.counts[site_group(group_)] = 1;
  code.lines = code.pieces_128 = code.pieces_256 = code.pieces_512 = 1;
  code.least_bits = code.most_bits = types.back().bits;
  if (role_ == Role::kContraction) {
    code.counts[site_group(0)] += 1;
    code.counts[site_group(1)] += 1;
    nest.named = !operation_.starts_with("stablehlo");
  }
  const std::uint64_t result = definitions_ > 0 ? hash_name(line_[0].text) : 0;
  p_.tensor_site(nest, code, result, operand_names());
}

// Outputs outermost, the reduction innermost.
void LineScanner::contraction_nest(Nest& nest, double points) const {
  const Type& out = line_.types().back();
  const double reduced = std::max(points / std::max(out.elements, 1.0), 1.0);
  nest.loops = std::min(out.rank + 1, kMaxRank);
  nest.trips = out.dims;
  nest.trips[static_cast<std::size_t>(nest.loops - 1)] = reduced;
  Map left = identity(nest.loops), right = left, result = identity(nest.loops - 1);
  const auto last = static_cast<std::int8_t>(nest.loops - 1);
  if (nest.loops >= 2) {
    left.results = right.results = nest.loops - 1;
    left.dim[static_cast<std::size_t>(nest.loops - 2)] = last;  // [.., m, k]
    const auto k = static_cast<std::size_t>(std::max(nest.loops - 3, 0));
    right.dim[k] = last;  // [.., k, n]
    right.dim[static_cast<std::size_t>(nest.loops - 2)] = static_cast<std::int8_t>(nest.loops - 2);
  }
  nest.work.operations = nest.work.expanded = nest.work.floats = 2;
  nest.loads = {left, right, result};
  nest.stores = {result};
}

// What a line adds to the body it stands in, in operations on vector registers.
void LineScanner::own_work(const OpGroup& group) {
  if (role_ == Role::kConstant || role_ == Role::kLoop || role_ == Role::kGeneric) return;
  if (group.name == "function" || group.name == "yield" || group.name == "return") return;
  Work& own = p_.regions_.back().own;
  double pieces = 1.0;
  if (!line_.types().empty() && line_.types().back().shape == Shape::kVector) {
    const Type& type = line_.types().back();
    const double row = std::max(1.0, std::ceil(type.last_dim * type.bits / 512.0));
    const double rows = type.elements / std::max(type.last_dim, 1.0);
    const double sum = role_ == Role::kContraction ? points() / std::max(type.elements, 1.0) : 1.0;
    pieces = std::min(rows * row * std::max(sum, 1.0), 1e6);
  }
  ++own.operations;
  const bool accesses = role_ == Role::kLoad || role_ == Role::kStore;
  own.expanded += accesses ? 0.0 : pieces;
  own.selects += group.name == "select";
  own.math += is_math(group_) ? pieces : 0.0;
  own.divisions += is_division(group_) ? pieces : 0.0;
  if (role_ == Role::kFloat || role_ == Role::kFma || role_ == Role::kContraction) own.floats += pieces;
  if (accesses) (role_ == Role::kStore ? own.stores : own.loads) += pieces;
  pieces_ = pieces;
}

}  // namespace costmodel
