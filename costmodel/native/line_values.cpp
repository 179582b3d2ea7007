// Definitions, uses and loop bounds: the part of a line that speaks of values.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "line_scanner.hpp"

namespace costmodel {

constexpr std::size_t kMaxRegions = 1024;

namespace {

bool keeps_order(std::string_view group) {
  return group == "add_float" || group == "multiply_float" || group == "fma";
}

}  // namespace

void LineScanner::define_and_use(std::size_t from) {
  first_defined_ = p_.values_.size();
  const std::size_t list_end = [&] {  // (%i, %j) in ..., (%i, %j) = ...
    if (role_ != Role::kLoop) return std::size_t{0};
    std::size_t i = operation_at_;
    while (i < line_.size() && !line_.is(i, "in") && !line_.is(i, '=')) ++i;
    return i < line_.size() ? i : 0;
  }();
  Totals& totals = p_.totals;
  for (std::size_t i = from; i < line_.size(); ++i) {
    const Lexeme& one = line_[i];
    if (one.kind == Kind::kValue) {
      if (i >= definitions_ && i >= list_end && !defines(i)) use(i);
    } else if (one.kind == Kind::kWord) {
      totals.parallel += one.text == "parallel";
      totals.reduction += one.text == "reduction";
      totals.iter_args += one.text == "iter_args";
      totals.dense += one.text == "dense";
      totals.divisions += one.text == "floordiv" || one.text == "mod" || one.text == "ceildiv";
    } else if (one.kind == Kind::kPunct) {
      totals.plus += one.sigil == '+';
      totals.times += one.sigil == '*';
      totals.strings += one.sigil == '"';
    } else if (one.kind == Kind::kInteger || one.kind == Kind::kFloat || one.kind == Kind::kHex) {
      ++totals.numbers;
      totals.largest_number = std::max(totals.largest_number, static_cast<double>(one.number));
    } else if (one.kind == Kind::kBlob) {
      totals.blobs += static_cast<double>(one.number);
    }
  }
  for (std::size_t i = from; i < definitions_; ++i)
    if (line_[i].kind == Kind::kValue) define(i);
  const bool opens = line_.size() > 0 && line_.is(line_.size() - 1, '{') &&
                     p_.regions_.size() < kMaxRegions;
  if (opens) open_region();
  for (std::size_t i = std::max(from, definitions_); i < line_.size(); ++i)
    if (line_[i].kind == Kind::kValue && (i < list_end || defines(i))) define(i);
  carry();
  if (operation_ == "func.func" || operation_ == "func") function();
}

bool LineScanner::defines(std::size_t i) const {
  if (line_.is(i + 1, '=')) return true;
  const std::string_view name = line_[i].text;
  return line_.is(i + 1, ':') && line_[i + 1].text.data() == name.data() + name.size() &&
         line_[i + 2].kind != Kind::kInteger;
}

void LineScanner::define(std::size_t i) {
  Value value;
  value.defined = value.last = p_.line_;
  value.depth = static_cast<int>(p_.regions_.size()) - 1;
  value.chain = chain_;
  if (line_.is(i + 1, ':')) {
    for (const Type& type : line_.types())
      if (type.at == i + 2) value.type = type;
  } else {
    value.type = result_type();
  }
  const bool variable = role_ == Role::kLoop && i >= definitions_;
  if (variable && (line_.is(i + 1, '=') || line_.is(i + 1, ',') || line_.is(i + 1, ')')) &&
      i <= operation_at_ + 16 && (i == operation_at_ + 1 || line_.is(operation_at_ + 1, '('))) {
    value.loop = p_.regions_.back().id;
    // Of several variables the last is the innermost.
    const int outside = p_.regions_.back().dim_count - 1 - variables_++;
    if (outside > 0) value.loop |= std::min(outside, kParallelDims - 1) << kDimShift;
    value.type = Type{.element = Element::kIndex, .bits = 64};
  } else if (variable && line_.is(i + 1, '=')) {
    ++carried_;
  }
  const bool computed = i < definitions_ && group_ >= 0;
  value.ordered = computed && keeps_order(op_groups()[static_cast<std::size_t>(group_)].name);
  // What is computed from a loop's variable goes along with it.
  if (i < definitions_ && value.type.element == Element::kIndex && role_ == Role::kOther)
    value.loop = derived_loop_;
  if (role_ == Role::kConstant && i < definitions_) {
    const Lexeme& literal = line_[operation_at_ + 1];
    value.has_constant = literal.kind == Kind::kInteger;
    value.constant = static_cast<double>(literal.number);
  }
  if (value.type.in_memory()) follow_view(value);
  if (i < definitions_ && value.loop >= 0) {
    const Map* map = nullptr;
    if (line_[operation_at_ + 1].kind == Kind::kAlias)
      map = p_.maps_.find(hash_name(line_[operation_at_ + 1].text));
    if (map != nullptr) {
      value.scale = map->scale;
      value.shift = map->offset;
    } else {
      follow_index(value);
    }
  }
  p_.by_name_.put(hash_name(line_[i].text), static_cast<int>(p_.values_.size()));
  p_.values_.push_back(value);
}

// What each trip of a loop takes over from the one before; their types end the line.
void LineScanner::carry() {
  const std::vector<Type>& types = line_.types();
  SiteCode& code = p_.regions_.back().code;
  for (std::size_t i = types.size() - std::min(carried_, types.size()); i < types.size(); ++i) {
    const bool vector = types[i].shape == Shape::kVector, number = types[i].shape == Shape::kScalar;
    const bool is_float = types[i].element == Element::kFloat;
    code.carried_vectors += vector;
    code.carried_floats += number && is_float;
    code.carried_integers += number && !is_float;
  }
}

// An index plus, minus or times a constant.
void LineScanner::follow_index(Value& value) const {
  const bool sum = operation_ == "arith.addi", difference = operation_ == "arith.subi";
  if (!sum && !difference && operation_ != "arith.muli") return;
  std::array<const Value*, 2> operands{};
  std::size_t count = 0;
  for (std::size_t i = operation_at_; i < line_.size() && count < 2; ++i) {
    if (line_[i].kind != Kind::kValue) continue;
    operands[count] = known(i);
    if (operands[count++] == nullptr) return;
  }
  if (count < 2) return;
  if (operands[0]->has_constant && !difference) std::swap(operands[0], operands[1]);
  const Value& index = *operands[0];
  if (index.loop < 0 || !operands[1]->has_constant) return;
  const double constant = operands[1]->constant;
  const bool moved = sum || difference;
  value.scale = index.scale * (moved ? 1.0 : constant);
  value.shift = moved ? index.shift + (sum ? constant : -constant) : index.shift * constant;
}

// The value that a lexeme names, if it is one that was defined.
Value* LineScanner::known(std::size_t i) const {
  if (line_[i].kind != Kind::kValue) return nullptr;
  const int* at = p_.by_name_.find(hash_name(line_[i].text));
  return at != nullptr ? &p_.values_[static_cast<std::size_t>(*at)] : nullptr;
}

void LineScanner::use(std::size_t i) {
  Value* const found = known(i);
  if (found == nullptr) return;
  Value& value = *found;
  ++value.uses;
  if (value.loop >= 0) derived_loop_ = value.loop;
  value.last = p_.line_;
  const auto arithmetic = role_ == Role::kFloat || role_ == Role::kFma ||
                          role_ == Role::kContraction || role_ == Role::kReduction;
  chain_ = std::max(chain_, value.chain + (arithmetic ? 1 : 0));
  p_.body().chain = std::max(p_.body().chain, static_cast<double>(chain_));
  for (auto depth = static_cast<std::size_t>(value.depth) + 1; depth < p_.regions_.size(); ++depth) {
    if (!p_.regions_[depth].loop) continue;
    value.region = p_.regions_[depth].id;
    break;
  }
}

Type LineScanner::result_type() const {
  const std::vector<Type>& types = line_.types();
  if (operation_ == "affine.apply") return {.element = Element::kIndex, .bits = 64};
  if (types.empty()) return {};
  if (operation_ == "vector.extract") return types.front();
  Type type = types.back();
  if (role_ == Role::kLoad && type.in_memory()) {
    type.shape = Shape::kScalar;
    type.elements = 1.0;
    type.rank = 0;
  }
  return type;
}

void LineScanner::function() {
  if (p_.totals.functions > 1) return;  // helpers follow the function that is called first
  Arguments& a = p_.arguments;
  std::size_t arrow = line_.size();
  for (std::size_t i = 0; i < line_.size(); ++i)
    if (line_[i].kind == Kind::kArrow) arrow = i;
  for (std::size_t v = first_defined_; v < p_.values_.size(); ++v) {
    const Type& type = p_.values_[v].type;
    const auto n = static_cast<std::size_t>(a.count++);
    if (!type.in_memory()) continue;
    a.bytes = std::min(a.bytes + type.bytes(), kHuge);
    a.max_bytes = std::max(a.max_bytes, type.bytes());
    if (n >= a.each_bytes.size()) continue;
    a.each_bytes[n] = type.bytes();
    a.each_last[n] = type.last_dim;
    a.each_rank[n] = type.rank;
  }
  for (const Type& type : line_.types()) {
    if (type.at < arrow) continue;
    ++a.results;
    a.result_bytes = std::min(a.result_bytes + type.bytes(), kHuge);
  }
}

// A lower or upper bound: a number, %value, #map(...), affine_map<...>(...), min and max of those.
double LineScanner::loop_bound(std::size_t& i, bool& known) const {
  while (line_.is(i, "max") || line_.is(i, "min")) ++i;
  const Lexeme& one = line_[i];
  known = true;
  if (one.kind == Kind::kInteger) return static_cast<double>(line_[i++].number);
  if (one.kind == Kind::kValue) {
    ++i;
    const int* index = p_.by_name_.find(hash_name(one.text));
    const Value* value = index != nullptr ? &p_.values_[static_cast<std::size_t>(*index)] : nullptr;
    known = value != nullptr && value->has_constant;
    return known ? value->constant : 0.0;
  }
  Map map;
  if (one.kind == Kind::kAlias) {
    const Map* alias = p_.maps_.find(hash_name(one.text));
    if (alias != nullptr) map = *alias;
    ++i;
  } else if (line_.is(i, "affine_map")) {
    map = line_.map(i);
  } else {
    known = false;
    return 0.0;
  }
  if (line_.is(i, '(')) i = line_.skip_group(i);
  if (line_.is(i, '[')) i = line_.skip_group(i);
  known = !map.has_dims;
  return map.offset;
}

double LineScanner::trip_count(double& step) {
  bool known_lower = true, known_upper = true;
  double trip = 0.0;
  std::size_t i = operation_at_ + 1;
  if (line_.is(i, '(')) {
    trip = product_after(operation_ == "scf.forall" ? "in" : "to", known_upper);
    bool stepped = true;
    step = std::max(product_after("step", stepped), 1.0);
    trip = std::ceil(trip / step);
  } else {
    i += 2;
    const double lower = loop_bound(i, known_lower);
    if (line_.is(i, "to")) ++i;
    const double upper = loop_bound(i, known_upper);
    if (line_.is(i, "step")) {
      bool known = true;
      step = std::max(loop_bound(++i, known), 1.0);
    }
    trip = std::ceil((upper - lower) / step);
    if (!known_lower && known_upper) trip = std::ceil(trip / 2);  // a triangle
    // Both relative to an outer variable, as in a tile.
    if (!known_lower && !known_upper && upper > lower) known_lower = known_upper = true;
  }
  if (!known_upper || !(trip >= 0.0)) {
    ++p_.loops.dynamic;
    return kUnknownSize;
  }
  return std::min(trip, kHuge);
}

// The product of what stands in parentheses after a word, as in "in (4, %c8)".
double LineScanner::product_after(std::string_view word, bool& known) {
  std::size_t i = operation_at_;
  while (i < line_.size() && !line_.is(i, word)) ++i;
  known = line_.is(i + 1, '(');
  if (!known) return 0.0;
  const std::size_t stop = line_.skip_group(i + 1);
  double product = 1.0;
  for (i += 2; i + 1 < stop; ++i) {
    if (line_.is(i, ',')) continue;
    bool one = true;
    std::size_t next = i;
    const double bound = loop_bound(next, one);
    product *= bound;
    if (word == "in") trips_.push_back(bound);
    known = known && one;
    i = std::max(next, i + 1) - 1;
  }
  return product;
}

}  // namespace costmodel
