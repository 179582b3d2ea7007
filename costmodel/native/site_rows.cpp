#include "site_rows.hpp"

#include <cmath>
#include <set>

#include "features.hpp"
#include "scan.hpp"
#include "site_groups.hpp"
#include "unrolled.hpp"
#include "writer.hpp"

namespace costmodel {
namespace {

constexpr const char* kDigits[] = {"0", "1", "2", "3", "4"};
constexpr double kNear = 64;  // trips between a write and a read that matter

// Accesses by how they move with a loop.
struct Moves {
  double contiguous = 0, strided = 0, invariant = 0, least = 1e30, most = 0;
  void add(double stride, double times) {
    const double size = std::abs(stride);
    (size == 0 ? invariant : size == 1 ? contiguous : strided) += times;
    least = std::min(least, size);
    most = std::max(most, size);
  }
};

class SiteWriter {
 public:
  SiteWriter(Writer& writer, const Named& named, const Scanner& program, const Site& site)
      : w_(writer), named_(named), p_(program), s_(site) {}

  void write() {
    loops();
    code();
    accesses();
    reductions();
    recurrences();
    unrolled();
    lives();
    context();
  }

 private:
  [[nodiscard]] double trip(int level) const {
    return level < s_.levels ? s_.trips[static_cast<std::size_t>(level)] : 0.0;
  }
  [[nodiscard]] double stride(const Access& access, int level) const {
    return level < s_.levels ? access.stride_of(s_.loops[static_cast<std::size_t>(level)]) : 0.0;
  }

  void loops() {
    w_.raw("levels", s_.levels);
    for (int i = 0; i < static_cast<int>(kSiteLoops); ++i) w_.log(named_("trip_", kDigits[i]), trip(i));
    w_.log("outer_trips", s_.outer);
    w_.log("iterations", s_.weight);
    w_.log("step", s_.step);
    w_.raw("innermost", s_.innermost);
    w_.raw("of_tensors", s_.of_tensors);
  }

  void code() {
    const SiteCode& c = s_.code;
    const auto names = site_group_names();
    for (std::size_t i = 0; i < names.size(); ++i) w_.log(named_("count_", names[i]), c.counts[i]);
    w_.log("lines", c.lines);
    w_.log("conditions", c.conditions);
    w_.log("pieces_128", c.pieces_128);
    w_.log("pieces_256", c.pieces_256);
    w_.log("pieces_512", c.pieces_512);
    w_.log("vector_bits", c.vector_bits);
    w_.log("last_dimension", c.last_dim);
    w_.raw("last_dimension_mod_16", std::fmod(c.last_dim, 16.0));
    w_.raw("least_bits", c.most_bits > 0 ? c.least_bits : 0);
    w_.raw("most_bits", c.most_bits);
    w_.log("contraction_rows", c.rows);
    w_.log("contraction_columns", c.columns);
    w_.log("contraction_depth", c.depth);
    for (const double bits : {128.0, 256.0, 512.0}) {
      const std::string_view width = bits == 128 ? "128" : bits == 256 ? "256" : "512";
      const double row = std::ceil(c.columns * c.most_bits / bits);
      // Between blocks, vectors of odd lengths are kept in scalars.
      const bool fits = row <= 1 || std::exp2(std::round(std::log2(c.columns))) == c.columns;
      const double kept = c.rows * (fits ? row : c.columns);
      w_.log(named_("accumulators_", width), c.rows * row);
      w_.log(named_("kept_accumulators_", width), kept);
      w_.log(named_("accumulators_and_rows_", width), kept + c.depth * row);
      w_.log(named_("accumulators_and_all_rows_", width), kept + c.summed * row);
      w_.log(named_("accumulators_and_row_", width), c.rows * row + row);
      w_.log(named_("multiplied_rows_", width), c.depth * row);
    }
    w_.log("scalars_multiplied", c.rows * c.depth);
  }

  void accesses() {
    double count[2]{}, own[2]{}, pieces[2]{};
    Moves moves[2][3];
    std::set<std::uint64_t> places[2];
    std::set<int> buffers[2];
    std::set<std::pair<int, double>> streams;
    double collapsible = 0, narrow = 1024, wide = 0;
    for (const Access& a : s_.code.accesses) {
      const int k = a.store ? 1 : 0;
      ++count[k];
      own[k] += a.own_buffer;
      pieces[k] += a.pieces;
      places[k].insert(a.place);
      buffers[k].insert(a.buffer);
      double all = 0;
      for (int level = 0; level < 3; ++level) {
        if (level < s_.levels) moves[k][level].add(stride(a, level), 1.0);
        all = all * 8191.0 + stride(a, level);
      }
      streams.emplace(a.buffer, all);
      collapsible += a.store && s_.levels > 1 && stride(a, 1) == trip(0) * stride(a, 0);
      narrow = std::min(narrow, static_cast<double>(a.bits));
      wide = std::max(wide, static_cast<double>(a.bits));
    }
    double checks = 0;  // pairs of buffers that may overlap
    std::set<int> open_stores, open;
    for (const Access& a : s_.code.accesses)
      if (!a.own_buffer) (a.store ? open_stores : open).insert(a.buffer);
    for (const int one : open_stores) {
      open.erase(one);
      checks += static_cast<double>(open.size());
    }
    checks += static_cast<double>(open_stores.size() * (open_stores.size() - std::min<std::size_t>(open_stores.size(), 1)) / 2);
    constexpr const char* kKinds[] = {"load_", "store_"};
    for (int k = 0; k < 2; ++k) {
      w_.log(named_(kKinds[k], "count"), count[k]);
      w_.log(named_(kKinds[k], "own"), own[k]);
      w_.log(named_(kKinds[k], "pieces"), pieces[k]);
      w_.log(named_(kKinds[k], "places"), static_cast<double>(places[k].size()));
      w_.log(named_(kKinds[k], "buffers"), static_cast<double>(buffers[k].size()));
      for (int level = 0; level < 3; ++level) {
        const Moves& m = moves[k][level];
        w_.log(named_(kKinds[k], named_("contiguous_", kDigits[level])), m.contiguous);
        w_.log(named_(kKinds[k], named_("strided_", kDigits[level])), m.strided);
        w_.log(named_(kKinds[k], named_("invariant_", kDigits[level])), m.invariant);
        w_.log(named_(kKinds[k], named_("least_stride_", kDigits[level])), m.least < 1e30 ? m.least : 0);
        w_.log(named_(kKinds[k], named_("most_stride_", kDigits[level])), m.most);
      }
    }
    w_.log("streams", static_cast<double>(streams.size()));
    w_.log("overlap_checks", checks);
    w_.log("collapsible_stores", collapsible);
    w_.raw("least_access_bits", wide > 0 ? narrow : 0);
    w_.raw("most_access_bits", wide);
  }

  // Places that are read and written again.
  void reductions() {
    double updates = 0, kept[3]{}, own = 0;
    for (const Access& a : s_.code.accesses) {
      if (!a.store) continue;
      bool read = false;
      for (const Access& b : s_.code.accesses) read = read || (!b.store && b.place == a.place);
      updates += read;
      for (int level = 0; level < 3; ++level)
        kept[level] += read && level < s_.levels && stride(a, level) == 0;
      own += read && a.own_buffer;
      if (s_.code.accesses.size() > 256) break;
    }
    w_.log("updates", updates);
    w_.log("updates_of_own", own);
    for (int level = 0; level < 3; ++level) w_.log(named_("sums_", kDigits[level]), kept[level]);
  }

  // What a trip takes over from one before: in registers, or by reading what that one wrote.
  void recurrences() {
    const SiteCode& c = s_.code;
    w_.log("carried_floats", c.carried_floats);
    w_.log("carried_integers", c.carried_integers);
    w_.log("carried_vectors", c.carried_vectors);
    double count = 0, least = 0, overwritten = 0;
    for (const Access& a : c.accesses) {
      if (!a.store || a.buffer < 0 || stride(a, 0) == 0) continue;
      for (const Access& b : c.accesses) {
        if (b.store || b.buffer != a.buffer || b.place == a.place) continue;
        bool along = true;
        for (int level = 0; level < s_.levels; ++level) along = along && stride(a, level) == stride(b, level);
        const double trips = (a.offset - b.offset) / (stride(a, 0) * std::max(s_.step, 1.0));
        if (!along || std::abs(trips) > kNear) continue;
        ++(trips > 0 ? count : overwritten);
        if (trips > 0) least = least > 0 ? std::min(least, trips) : trips;
      }
      if (c.accesses.size() > 256) break;
    }
    double ordered = 0, free = 0;  // what stays in place while the innermost loop goes on
    for (const Access& a : c.accesses) {
      if (!a.store || s_.levels == 0 || stride(a, 0) != 0) continue;
      ++((s_.of_tensors ? c.ordered_yields > 0 : a.ordered) ? ordered : free);
    }
    w_.log("ordered_yields", c.ordered_yields);
    w_.log("ordered_sums", ordered);
    w_.log("free_sums", free);
    w_.log("recurrences", count);
    w_.log("recurrence_trips", least);
    w_.log("overwritten_reads", overwritten);
  }

  void unrolled() {
    const Unrolled u(s_);
    w_.raw("unrolled_levels", u.level);
    w_.raw("loops_left", u.left);
    w_.log("unrolled_times", u.times);
    w_.log("unrolled_copies", u.copies);
    const double one = s_.code.pieces_512 + static_cast<double>(s_.code.accesses.size()) + 1.0;
    w_.log("work", std::min(s_.weight * one, kHuge));
    w_.log("unrolled_code", std::min(u.copies * one, kHuge));
    const auto size = [&](int l) { return l < s_.levels ? s_.size[static_cast<std::size_t>(l)] : 0.0; };
    for (int l = 0; l < 4; ++l) w_.log(named_("size_", kDigits[l]), size(l));
    w_.log("unrolled_size", size(u.level));
    w_.log("unrolled_trip", trip(u.level));
    w_.log("unrolled_next_trip", trip(u.next));
    Moves moves[2];
    double distinct[2]{}, kept = 0;
    for (const Access& a : s_.code.accesses) {
      double times = 1;
      for (int level = 0; level < u.level; ++level)
        if (stride(a, level) != 0) times *= trip(level);
      distinct[a.store ? 1 : 0] += times;
      moves[a.store ? 1 : 0].add(stride(a, u.level), times);
      kept += a.store && stride(a, u.level) == 0 ? times : 0;
    }
    constexpr const char* kKinds[] = {"unrolled_load_", "unrolled_store_"};
    for (int k = 0; k < 2; ++k) {
      w_.log(named_(kKinds[k], "places"), distinct[k]);
      w_.log(named_(kKinds[k], "contiguous"), moves[k].contiguous);
      w_.log(named_(kKinds[k], "strided"), moves[k].strided);
      w_.log(named_(kKinds[k], "invariant"), moves[k].invariant);
    }
    w_.log("unrolled_sums", kept);
    constexpr const char* kMoves[] = {"stays", "next", "jumps"};
    for (std::size_t move = 0; move < kMotions; ++move) {
      w_.log(named_("distinct_loads_", kMoves[move]), u.places[0][move]);
      w_.log(named_("distinct_stores_", kMoves[move]), u.places[1][move]);
    }
    w_.log("offset_vectors", u.offset_vectors);
    w_.log("whole_groups", u.whole_groups);
    w_.log("gaps", std::min(u.gaps, kHuge));
    w_.log("lanes", u.lanes);
    w_.log("vector_trips", u.vector_trips);
    w_.raw("even_lanes", u.even_lanes);
    w_.log("even_trips", trip(u.level) / u.even_lanes);
    w_.log("kept_vectors", std::min(u.kept_vectors, kHuge));
    w_.log("offsets_of_all_trips", std::min(u.places[0][kJumps] + u.places[1][kJumps], u.copies) * trip(u.level) / u.even_lanes);
    w_.raw("trips_left_over", u.rest);
    w_.log("runs", u.runs);
    w_.log("longest_run", u.longest_run);
    w_.log("registers_that_stay", u.live);
  }

  void lives() {
    constexpr const char* kClasses[] = {"values", "floats", "integers", "buffers",
                                        "tensors", "128", "256", "512"};
    for (std::size_t k = 0; k < kLiveClasses; ++k) {
      w_.log(named_("live_", kClasses[k]), s_.live[k]);
      w_.log(named_("live_through_", kClasses[k]), s_.live_through[k]);
    }
  }

  void context() {
    double lines = 0, calls = 0, inner = 0;
    for (const Site& one : p_.sites) {
      lines += one.code.lines;
      inner += one.innermost;
      for (std::size_t group = 8; group <= 15; ++group)
        calls += group == 11 ? 0.0 : static_cast<double>(one.code.counts[group]);
    }
    const double place = static_cast<double>(&s_ - p_.sites.data());
    const double count = static_cast<double>(p_.sites.size());
    w_.log("program_sites", count);
    w_.log("program_inner_sites", inner);
    w_.log("program_lines", lines);
    w_.log("program_calls", calls);
    w_.log("program_arguments", p_.arguments.count);
    const double bytes = std::min(p_.arguments.bytes + p_.arguments.result_bytes, kHuge);
    w_.log("program_bytes", bytes);
    w_.log("program_flops", p_.totals.flops);
    w_.log("program_intensity", p_.totals.flops / std::max(bytes, 1.0));
    w_.log("program_tensor_bytes", p_.totals.tensor_bytes);
    w_.log("program_iterations", p_.totals.points + p_.loops.iterations);
    w_.log("sites_before", place);
    w_.log("sites_behind", count - 1 - place);
  }

  Writer& w_;
  const Named& named_;
  const Scanner& p_;
  const Site& s_;
};

}  // namespace

const std::vector<std::string>& site_feature_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    Writer writer(&out, nullptr);
    const Scanner program("");
    const Named named{true};
    SiteWriter(writer, named, program, program.sites.front()).write();
    return out;
  }();
  return names;
}

std::size_t site_features(std::string_view text, std::vector<float>& rows) {
  const Scanner program(text.substr(0, kMaxBytes));
  const std::size_t width = site_feature_names().size();
  const Named named{false};
  for (const Site& site : program.sites) {
    rows.resize(rows.size() + width);
    Writer writer(nullptr, rows.data() + rows.size() - width);
    SiteWriter(writer, named, program, site).write();
  }
  return program.sites.size();
}

}  // namespace costmodel
