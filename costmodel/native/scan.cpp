#include "scan.hpp"

#include <cmath>

#include "line_scanner.hpp"
#include "unfold.hpp"

namespace costmodel {
namespace {

constexpr double kUnrollLimit = 300.0;  // operations up to which compilers unroll a loop wholly
constexpr double kUnrollTrip = 16.0;

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

// What stands in a region that is no loop stands in its parent.
void merge(Body& a, const Body& b) {
  for (double Body::* field :
       {&Body::operations, &Body::floats, &Body::loads, &Body::stores, &Body::selects,
        &Body::contiguous, &Body::strided, &Body::invariant, &Body::strided_stores,
        &Body::invariant_stores, &Body::distinct, &Body::buffers})
    a.*field += b.*field;
  for (double Body::* field : {&Body::subscript, &Body::vector_bits, &Body::chain})
    a.*field = std::max(a.*field, b.*field);
}

void keep_larger(Body& a, const Body& b) {
  const auto larger = [&](double Body::* field) { a.*field = std::max(a.*field, b.*field); };
  for (double Body::* field :
       {&Body::operations, &Body::floats, &Body::loads, &Body::stores, &Body::selects,
        &Body::contiguous, &Body::strided, &Body::invariant, &Body::strided_stores,
        &Body::invariant_stores, &Body::distinct, &Body::buffers, &Body::subscript,
        &Body::vector_bits, &Body::chain, &Body::trip, &Body::outer_trip, &Body::weight,
        &Body::step, &Body::depth})
    larger(field);
}

}  // namespace

Scanner::Scanner(std::string_view text) {
  regions_.push_back({});  // what stands outside of any region
  region_end_.push_back(0);
  fates_.emplace_back();
  Lexer lexer(text);
  Line line;
  const char* line_start = lexer.at();
  for (bool more = true; more;) {
    const Lexeme lexeme = lexer.next();
    more = lexeme.kind != Kind::kEnd;
    if (more && lexeme.kind != Kind::kNewline) {
      ++totals.lexemes;
      line.add(lexeme);
      continue;
    }
    read(line);
    totals.longest_line = std::max(totals.longest_line, static_cast<double>(lexer.at() - line_start));
    line_start = lexer.at();
    line.clear();
    ++line_;
  }
  finish();
}

void Scanner::read(Line& line) {
  if (line.size() == 0) return;
  find_cuts(line, cuts_);
  if (cuts_.empty()) return LineScanner(*this, line).run();
  cuts_.push_back(line.size());
  Line part;
  for (std::size_t i = 0, k = 0; k < cuts_.size(); ++k) {
    part.clear();
    line_ += k > 0;
    for (; i < cuts_[k]; ++i) part.add(line[i]);
    LineScanner(*this, part).run();
  }
}

void Scanner::close_region() {
  if (regions_.size() <= 1) {
    ++totals.unbalanced;
    return;
  }
  const Region region = regions_.back();
  regions_.pop_back();
  region_end_[static_cast<std::size_t>(region.id)] = line_;
  Region& parent = regions_.back();
  const Body& inner = region.body;
  const bool unrolls = region.loop && inner.trip <= kUnrollTrip && inner.trip * inner.unrolled <= kUnrollLimit;
  const double times = unrolls ? std::max(inner.trip, 1.0) : 1.0;
  parent.body.unrolled += times * inner.unrolled;
  parent.body.unrolled_floats += times * inner.unrolled_floats;
  parent.body.unrolled_accesses += times * inner.unrolled_accesses;
  dissolve(region, parent);
  if (region.loop) {
    parent.has_inner = true;
    close_loop(region);
    if (region.nest.loops == 0) loop_site(region);
    parent.inner_size = std::min(parent.inner_size + settle_fates(region), kHuge);
  } else {
    parent.has_inner = parent.has_inner || region.has_inner;
    parent.code.add(region.code);
    parent.inner_size += region.inner_size;
    merge(parent.body, inner);
  }
  for (double Body::* field : {&Body::unrolled, &Body::unrolled_floats, &Body::unrolled_accesses})
    most.*field = std::max(most.*field, inner.*field);
}

// Which of a region's loops are unrolled wholly; returns the instructions that are left of it.
double Scanner::settle_fates(const Region& region) {
  double size = region.code.size(region.id) + region.inner_size;
  for (int d = 0; d < std::max(region.dim_count, 1); ++d) {
    const double trip = region.dim_count > 0 ? region.dims[static_cast<std::size_t>(d)] : region.body.trip;
    const bool whole = trip <= 1 || costmodel::unrolls(size + 1.0, trip);
    fates_[static_cast<std::size_t>(region.id)][static_cast<std::size_t>(d)] = {size + 1.0, whole};
    size = whole ? (size + 1.0) * std::max(trip, 1.0) : size + 3.0;
  }
  return size;
}

void Scanner::dissolve(const Region& region, Region& parent) {
  Work work = region.own;
  work.add(region.absorbed, 1.0, false);
  if (region.nest.loops > 0) {
    Nest nest = region.nest;
    nest.work.add(work, 1.0, false);
    effective.record(nest, parent.body.weight, parent.body.depth);
    tensor_site(nest, region.code, region.result, region.operands);
    parent.has_effective_inner = true;
    return;
  }
  if (!region.loop || (!region.has_effective_inner && EffectiveLoops::unrolls(work, region.body.trip))) {
    parent.absorbed.add(work, region.loop ? region.body.trip : 1.0, region.loop);
    parent.has_effective_inner = parent.has_effective_inner || region.has_effective_inner;
    parent.unrolled = std::max(parent.unrolled, region.unrolled * (region.loop ? region.body.trip : 1.0));
    return;
  }
  parent.has_effective_inner = true;
  if (region.has_effective_inner) {
    effective.code_size += work.size() + 3.0;
    return;
  }
  effective.record({work, region.body.trip, region.body.outer_trip, region.body.weight,
                    region.body.depth, region.unrolled});
}

void Scanner::close_loop(const Region& region) {
  const Body& body = region.body;
  if (region.has_inner) return;
  ++loops.innermost;
  loops.sum_inner_depth += body.depth;
  loops.min_inner_trip = std::min(loops.min_inner_trip, body.trip);
  loops.max_inner_trip = std::max(loops.max_inner_trip, body.trip);
  loops.iterations = std::min(loops.iterations + body.weight, kHuge);
  inner_.emplace_back(region.start, line_);
  loops.streaming += body.stores > 0 && body.strided_stores + body.invariant_stores == 0;
  loops.reducing += body.invariant_stores > 0;
  keep_larger(most, body);
  if (body.operations >= largest.operations) largest = body;
  const double work = body.weight * (body.operations + 1);
  all_work_ += work;
  if (work >= hot_work_) {
    hot_work_ = work;
    hot = body;
  }
}

void Scanner::finish() {
  totals.unbalanced += static_cast<double>(regions_.size() - 1);
  while (regions_.size() > 1) close_region();
  Work rest = regions_[0].own;
  rest.add(regions_[0].absorbed, 1.0, false);
  effective.code_size += rest.size();
  region_end_[0] = line_;
  if (regions_[0].code.works() || sites.empty()) {
    Region whole = regions_[0];
    whole.has_inner = true;
    loop_site(whole);
  }
  fuse_sites();
  totals.lines = line_;
  hot_share = ratio(hot_work_, all_work_);
  values = static_cast<double>(values_.size());
  for (const Value& value : values_) {
    max_uses = std::max(max_uses, static_cast<double>(value.uses));
    unused += value.uses == 0;
    far_uses += value.last - value.defined > 16;
    max_chain = std::max(max_chain, static_cast<double>(value.chain));
  }
  measure_lives();
}

// The most values alive at once: each from its definition to its last use, or to the end of the
// loop that uses it from outside.
void Scanner::measure_lives() {
  constexpr std::size_t kClasses = kLiveClasses;
  const std::size_t n = static_cast<std::size_t>(line_) + 2;
  std::vector<std::array<float, kClasses>> change(n);
  for (const Value& value : values_) {
    int end = value.last;
    if (value.region >= 0) end = std::max(end, region_end_[static_cast<std::size_t>(value.region)]);
    if (end <= value.defined) continue;
    std::array<float, kClasses> one{1};
    const Type& type = value.type;
    if (type.in_memory()) {
      one[type.shape == Shape::kMemref ? 3 : 4] = 1;
    } else if (type.element == Element::kFloat || type.shape == Shape::kVector) {
      one[1] = 1;
      const double bits = type.elements * type.bits;
      const double rows = std::max(1.0, type.elements / std::max(type.last_dim, 1.0));
      const bool broadcast = type.shape == Shape::kVector && type.last_dim == 1 && rows > 1;
      for (std::size_t k = 0; k < (broadcast ? 1 : 3); ++k)
        one[5 + k] = static_cast<float>(
            std::min(rows * std::max(1.0, std::ceil(bits / rows / (128 << k))), 1e6));
    } else {
      one[2] = 1;
    }
    for (std::size_t k = 0; k < kClasses; ++k) {
      change[static_cast<std::size_t>(value.defined)][k] += one[k];
      change[static_cast<std::size_t>(end)][k] -= one[k];
    }
  }
  std::vector<char> inside(n, 0);
  for (const auto& [start, stop] : inner_)
    std::fill(inside.begin() + start, inside.begin() + std::min<int>(stop + 1, static_cast<int>(n)), 1);
  std::array<double, kClasses> now{}, top{}, top_inner{};
  for (std::size_t at = 0; at < n; ++at)
    for (std::size_t k = 0; k < kClasses; ++k) {
      now[k] += change[at][k];
      top[k] = std::max(top[k], now[k]);
      if (inside[at] != 0) top_inner[k] = std::max(top_inner[k], now[k]);
    }
  measure_sites(change);
  const auto as_live = [](const std::array<double, kClasses>& t) {
    return Live{t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]};
  };
  live = as_live(top);
  live_inner = as_live(top_inner);
}

}  // namespace costmodel
