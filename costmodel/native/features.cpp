#include "features.hpp"

#include <cmath>

#include "scan.hpp"
#include "writer.hpp"

namespace costmodel {
namespace {

double share(double part, double whole) { return whole > 0 ? part / whole : 0.0; }

void write_totals(Writer& w, const Scanner& s, double bytes) {
  const Totals& t = s.totals;
  w.log("text_bytes", bytes);
  w.log("lines", t.lines);
  w.log("lexemes", t.lexemes);
  w.log("operations", t.operations);
  w.log("functions", t.functions);
  w.log("blocks", t.blocks);
  w.log("unbalanced_braces", t.unbalanced);
  w.log("longest_line_bytes", t.longest_line);
  w.log("dense_digits", t.blobs);
  w.log("quotes", t.strings);
  w.log("flops", t.flops);
  w.log("access_bytes", t.access_bytes);
  w.log("tensor_bytes", t.tensor_bytes);
  w.log("iteration_points", t.points);
  w.log("max_iteration_points", t.max_points);
  w.raw("log_flops_per_argument_byte",
        std::log2(1.0 + t.flops) - std::log2(1.0 + s.arguments.bytes));
  w.raw("log_access_bytes_per_flop", std::log2(1.0 + t.access_bytes) - std::log2(1.0 + t.flops));
  w.log("parallel_iterators", t.parallel);
  w.log("reduction_iterators", t.reduction);
  w.log("iter_args", t.iter_args);
  w.log("plus_signs", t.plus);
  w.log("times_signs", t.times);
  w.log("divisions_in_maps", t.divisions);
  w.log("dense_constants", t.dense);
  w.log("numbers", t.numbers);
  w.log("largest_number", t.largest_number);
  w.log("values", s.values);
  w.log("values_unused", s.unused);
  w.log("values_used_far_away", s.far_uses);
  w.log("max_uses_of_a_value", s.max_uses);
  w.log("longest_chain", s.max_chain);
}

void write_loops(Writer& w, const Scanner& s) {
  const LoopTotals& l = s.loops;
  w.log("loops", l.count);
  w.log("innermost_loops", l.innermost);
  w.log("dynamic_loops", l.dynamic);
  w.log("streaming_loops", l.streaming);
  w.log("reducing_loops", l.reducing);
  w.log("loops_of_one_trip", l.single);
  w.log("loops_with_step", l.stepped);
  w.log("innermost_iterations", l.iterations);
  w.log("max_trip", l.max_trip);
  w.log("min_innermost_trip", l.innermost > 0 ? l.min_inner_trip : 0);
  w.log("max_innermost_trip", l.max_inner_trip);
  w.log("max_step", l.max_step);
  w.raw("max_depth", l.max_depth);
  w.raw("mean_innermost_depth", share(l.sum_inner_depth, l.innermost));
}

void write_types(Writer& w, const Scanner& s, const Named& named) {
  const TypeTotals& t = s.types;
  constexpr const char* kElements[] = {"f8", "f16", "tf32", "f32", "f64", "i1",
                                       "i8", "i16", "i32", "i64", "index", "other"};
  for (std::size_t i = 0; i < t.elements.size(); ++i)
    w.log(named("elements_", kElements[i]), t.elements[i]);
  w.log("tensor_types", t.tensors);
  w.log("memref_types", t.memrefs);
  w.log("vector_types", t.vectors);
  w.log("dynamic_dimensions", t.dynamic);
  w.raw("max_rank", t.max_rank);
  w.log("max_elements", t.max_elements);
  w.log("max_vector_elements", t.max_vector_elements);
  w.log("max_vector_bits", t.max_vector_bits);
  w.raw("max_vector_rank", t.max_vector_rank);
  const double shaped = t.tensors + t.memrefs;
  w.log("min_last_dimension", shaped > 0 && t.max_last > 0 ? t.min_last : 0);
  w.log("max_last_dimension", t.max_last);
  w.raw("last_dimensions_by_16", share(t.last_by_16, shaped));
  w.raw("last_dimensions_by_8", share(t.last_by_8, shaped));
}

void write_arguments(Writer& w, const Scanner& s, const Named& named) {
  const Arguments& a = s.arguments;
  w.log("arguments", a.count);
  w.log("argument_bytes", a.bytes);
  w.log("max_argument_bytes", a.max_bytes);
  w.log("results", a.results);
  w.log("result_bytes", a.result_bytes);
  constexpr const char* kEach[] = {"0", "1", "2", "3"};
  for (std::size_t i = 0; i < a.each_bytes.size(); ++i) {
    w.log(named("argument_bytes_", kEach[i]), a.each_bytes[i]);
    w.log(named("argument_last_dimension_", kEach[i]), a.each_last[i]);
    w.raw(named("argument_rank_", kEach[i]), a.each_rank[i]);
  }
}

void write_live(Writer& w, const Live& l, const char* prefix, const Named& named) {
  w.log(named(prefix, "live_values"), l.all);
  w.log(named(prefix, "live_floats"), l.floats);
  w.log(named(prefix, "live_integers"), l.integers);
  w.log(named(prefix, "live_buffers"), l.buffers);
  w.log(named(prefix, "live_tensors"), l.tensors);
  w.log(named(prefix, "live_128_bit_registers"), l.registers_128);
  w.log(named(prefix, "live_256_bit_registers"), l.registers_256);
  w.log(named(prefix, "live_512_bit_registers"), l.registers_512);
}

void write_body(Writer& w, const Body& b, const char* prefix, const Named& named) {
  w.log(named(prefix, "operations"), b.operations);
  w.log(named(prefix, "float_operations"), b.floats);
  w.log(named(prefix, "loads"), b.loads);
  w.log(named(prefix, "stores"), b.stores);
  w.log(named(prefix, "selects"), b.selects);
  w.log(named(prefix, "contiguous_accesses"), b.contiguous);
  w.log(named(prefix, "strided_accesses"), b.strided);
  w.log(named(prefix, "invariant_accesses"), b.invariant);
  w.log(named(prefix, "strided_stores"), b.strided_stores);
  w.log(named(prefix, "invariant_stores"), b.invariant_stores);
  w.log(named(prefix, "distinct_accesses"), b.distinct);
  w.log(named(prefix, "buffers"), b.buffers);
  w.log(named(prefix, "largest_subscript"), b.subscript);
  w.log(named(prefix, "vector_bits"), b.vector_bits);
  w.log(named(prefix, "chain"), b.chain);
  w.log(named(prefix, "unrolled_operations"), b.unrolled);
  w.log(named(prefix, "unrolled_float_operations"), b.unrolled_floats);
  w.log(named(prefix, "unrolled_accesses"), b.unrolled_accesses);
  w.log(named(prefix, "trip"), b.trip);
  w.log(named(prefix, "outer_trip"), b.outer_trip);
  w.log(named(prefix, "iterations"), b.weight);
  w.log(named(prefix, "step"), b.step);
  w.raw(named(prefix, "depth"), b.depth);
  w.raw(named(prefix, "trip_by_16"), std::fmod(b.trip, 16.0) == 0.0);
  w.raw(named(prefix, "trip_by_4"), std::fmod(b.trip, 4.0) == 0.0);
}

void write_effective(Writer& w, const EffectiveLoop& l, const char* prefix, const Named& named) {
  const Work& k = l.work;
  w.log(named(prefix, "size"), k.size());
  w.log(named(prefix, "operations"), k.operations);
  w.log(named(prefix, "registers_of_operations"), k.expanded);
  w.log(named(prefix, "float_operations"), k.floats);
  w.log(named(prefix, "math_calls"), k.math);
  w.log(named(prefix, "divisions"), k.divisions);
  w.log(named(prefix, "selects"), k.selects);
  w.log(named(prefix, "loads"), k.loads);
  w.log(named(prefix, "stores"), k.stores);
  w.log(named(prefix, "buffers"), k.buffers);
  constexpr const char* kLoads[] = {"contiguous_loads", "strided_loads", "invariant_loads"};
  constexpr const char* kStores[] = {"contiguous_stores", "strided_stores", "invariant_stores"};
  for (std::size_t stride = 0; stride < kStrides; ++stride) {
    w.log(named(prefix, kLoads[stride]), k.loads_by[0][stride]);
    w.log(named(prefix, kStores[stride]), k.stores_by[0][stride]);
  }
  w.log(named(prefix, "contiguous_loads_outside"), k.loads_by[1][kContiguous]);
  w.log(named(prefix, "trip"), l.trip);
  w.log(named(prefix, "outer_trip"), l.outer_trip);
  w.log(named(prefix, "iterations"), l.iterations);
  w.log(named(prefix, "unrolled"), l.unrolled);
  w.raw(named(prefix, "depth"), l.depth);
  w.raw(named(prefix, "trip_by_16"), std::fmod(l.trip, 16.0) == 0.0);
  w.raw(named(prefix, "trip_by_8"), std::fmod(l.trip, 8.0) == 0.0);
  w.raw(named(prefix, "trip_by_4"), std::fmod(l.trip, 4.0) == 0.0);
}

void write_operations(Writer& w, const Scanner& s, const Named& named) {
  const auto groups = op_groups();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    w.log(named("count_", groups[i].name), s.counts[i]);
    w.log(named("executed_", groups[i].name), s.weights[i]);
  }
  for (int i = 0; i < kNameBuckets; ++i)
    w.log(named("name_bucket_", named.wanted ? std::to_string(i) : ""), s.names[static_cast<std::size_t>(i)]);
  for (int i = 0; i < kDialectBuckets; ++i)
    w.raw(named("dialect_bucket_", named.wanted ? std::to_string(i) : ""),
          share(s.dialects[static_cast<std::size_t>(i)], s.totals.operations));
  w.raw("unknown_share", share(s.counts[groups.size() - 1], s.totals.operations));
}

void write_all(Writer& w, const Scanner& s, double bytes, bool names) {
  const Named named{names};
  write_totals(w, s, bytes);
  write_loops(w, s);
  write_types(w, s, named);
  write_arguments(w, s, named);
  write_live(w, s.live, "", named);
  write_live(w, s.live_inner, "innermost_", named);
  write_body(w, s.hot, "hot_", named);
  write_body(w, s.largest, "largest_", named);
  write_body(w, s.most, "most_", named);
  w.raw("hot_share", s.hot_share);
  write_effective(w, s.effective.hot, "effective_hot_", named);
  write_effective(w, s.effective.largest, "effective_largest_", named);
  w.log("effective_loops", s.effective.count);
  w.log("effective_code_size", s.effective.code_size);
  write_operations(w, s, named);
}

}  // namespace

const std::vector<std::string>& feature_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    Writer writer(&out, nullptr);
    write_all(writer, Scanner(""), 0, true);
    return out;
  }();
  return names;
}

void features(std::string_view text, float* out) {
  const Scanner scanner(text.substr(0, kMaxBytes));
  Writer writer(nullptr, out);
  write_all(writer, scanner, static_cast<double>(text.size()), false);
}

}  // namespace costmodel
