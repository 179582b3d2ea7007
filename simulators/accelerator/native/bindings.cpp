// Python bindings: models packed from plain lists, mappings as NumPy arrays that stay Python's.
// Batches run without the GIL.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "model.hpp"

namespace nb = nanobind;
using namespace nb::literals;

void bind_mapper(nb::module_& m);

namespace {

using namespace accelerator;

template <typename T>
using Matrix = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Keep = nb::ndarray<const std::uint8_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Counts = nb::ndarray<double, nb::ndim<4>, nb::c_contig, nb::device::cpu>;

constexpr int kCounts = 6;  // tile, partition, reads, updates, fills, energy

Level make_level(const nb::dict& d) {
  const auto real = [&](const char* key) { return nb::cast<double>(d[key]); };
  const auto whole = [&](const char* key) { return nb::cast<std::int64_t>(d[key]); };
  Level level;
  level.capacity_words = real("capacity_words");
  level.read_bandwidth = real("read_bandwidth");
  level.write_bandwidth = real("write_bandwidth");
  level.shared_bandwidth = real("shared_bandwidth");
  level.read_energy_pj = real("read_energy_pj");
  level.write_energy_pj = real("write_energy_pj");
  level.block_size = whole("block_size");
  level.mesh_x = whole("mesh_x");
  level.mesh_y = whole("mesh_y");
  level.clusters = whole("clusters");
  level.dram = nb::cast<bool>(d["dram"]);
  return level;
}

using Forms = std::vector<std::vector<std::vector<std::pair<int, std::int64_t>>>>;

void make_model(Model* self, const std::vector<nb::dict>& levels,
                std::tuple<std::int64_t, std::int64_t, double> compute,
                const std::vector<std::int64_t>& bounds, const Forms& tensors, int output,
                bool fills_of_2022) {
  if (levels.empty() || levels.size() > kMaxLevels) throw nb::value_error("too many levels");
  Hierarchy hierarchy;
  for (const nb::dict& level : levels) hierarchy.levels.push_back(make_level(level));
  std::tie(hierarchy.compute_mesh_x, hierarchy.compute_mesh_y, hierarchy.mac_energy_pj) = compute;
  new (self) Model(std::move(hierarchy), Problem(bounds, tensors, output), {fills_of_2022});
}

// What a result holds for one mapping, without the room for others.
struct Report {
  double cycles, compute_cycles, energy_pj, compute_energy_pj, utilization;
  int limiting_level, tensors;
  std::vector<std::tuple<double, double, double, double>> levels;
  std::vector<Traffic> traffic;  // by level and tensor
  std::vector<Ingress> ingress;

  Report(const Result& r, int levels_, int tensors_)
      : cycles(r.cycles), compute_cycles(r.compute_cycles), energy_pj(r.energy_pj),
        compute_energy_pj(r.compute_energy_pj), utilization(r.utilization),
        limiting_level(r.limiting_level), tensors(tensors_), ingress(r.ingress) {
    for (int l = 0; l < levels_; ++l) {
      levels.emplace_back(r.level_cycles[l], r.slowdown[l], r.instances[l], r.fanout[l]);
      traffic.insert(traffic.end(), r.traffic[l], r.traffic[l] + tensors);
    }
  }
};

// Single mappings: loops as a flat list (bound, dim, level, kind, bound, ...).
nb::object evaluate_one(Model& model, const std::vector<std::int32_t>& flat, nb::bytes keep) {
  std::vector<Loop> loops(flat.size() / 4);
  for (std::size_t i = 0; i < loops.size(); ++i)
    loops[i] = {flat[4 * i], static_cast<std::int8_t>(flat[4 * i + 1]),
                static_cast<std::int8_t>(flat[4 * i + 2]), static_cast<Kind>(flat[4 * i + 3])};
  if (keep.size() != model.hierarchy.levels.size() * static_cast<std::size_t>(model.problem.tensors))
    throw nb::value_error("keep needs one byte per level and tensor");
  thread_local Result result;
  const Failure failure = model.evaluator.evaluate_with_networks(
      loops.data(), static_cast<int>(loops.size()),
      reinterpret_cast<const std::uint8_t*>(keep.c_str()), result);
  if (!failure.ok())
    return nb::make_tuple(static_cast<int>(failure.reason), failure.level, failure.used,
                          failure.available);
  return nb::cast(Report(result, model.hierarchy.size(), model.problem.tensors));
}

nb::list traffic_rows(const Report& report, std::size_t level) {
  nb::list rows;
  for (int t = 0; t < report.tensors; ++t) {
    const Traffic& x = report.traffic.at(level * static_cast<std::size_t>(report.tensors) + t);
    nb::list ingress;
    for (int i = x.first_ingress; i < x.first_ingress + x.ingresses; ++i) {
      const Ingress& kind = report.ingress[i];
      ingress.append(nb::make_tuple(kind.multicast, kind.scatter, kind.words));
    }
    rows.append(nb::make_tuple(x.tile_size, x.partition_size, x.reads, x.updates, x.fills,
                               x.energy_pj, x.accesses, x.link_transfers, x.spatial_reductions,
                               x.hops, ingress));
  }
  return rows;
}

struct Batch {
  Matrix<std::int32_t> bounds;
  Matrix<std::int8_t> dims, levels, kinds;
  Keep keep;
};

struct Columns {
  double *cycles, *compute_cycles, *energy, *utilization, *used, *available;
  std::uint8_t* reason;
  std::int32_t* where;
  std::int8_t* limiting;
  double* counts;
};

void evaluate_rows(const Model& model, const Batch& batch, const Columns& out, std::size_t from,
                   std::size_t to) {
  Evaluator evaluator(model.hierarchy, model.problem, model.options);
  Result result;
  const std::size_t slots = batch.bounds.shape(1);
  const std::size_t levels = model.hierarchy.levels.size();
  const std::size_t tensors = static_cast<std::size_t>(model.problem.tensors);
  const std::size_t keep_stride = batch.keep.shape(0) == 1 ? 0 : levels * tensors;
  std::vector<Loop> loops(slots);
  for (std::size_t row = from; row < to; ++row) {
    const std::size_t base = row * slots;
    int count = 0;
    for (std::size_t i = base; i < base + slots; ++i)
      if (batch.bounds.data()[i] != 1)
        loops[count++] = {batch.bounds.data()[i], batch.dims.data()[i], batch.levels.data()[i],
                          static_cast<Kind>(batch.kinds.data()[i])};
    const Failure failure = evaluator.evaluate(loops.data(), count,
                                               batch.keep.data() + row * keep_stride, result);
    out.reason[row] = static_cast<std::uint8_t>(failure.reason);
    out.where[row] = failure.level;
    out.used[row] = failure.used;
    out.available[row] = failure.available;
    if (!failure.ok()) continue;
    out.cycles[row] = result.cycles;
    out.compute_cycles[row] = result.compute_cycles;
    out.energy[row] = result.energy_pj;
    out.utilization[row] = result.utilization;
    out.limiting[row] = static_cast<std::int8_t>(result.limiting_level);
    if (out.counts == nullptr) continue;
    double* counts = out.counts + row * levels * tensors * kCounts;
    for (std::size_t l = 0; l < levels; ++l)
      for (std::size_t t = 0; t < tensors; ++t) {
        const Traffic& x = result.traffic[l][t];
        for (const double value : {x.tile_size, x.partition_size, x.reads, x.updates, x.fills,
                                   x.energy_pj})
          *counts++ = value;
      }
  }
}

void check_shapes(const Model& model, const Batch& batch) {
  const auto same = [&](const auto& other) {
    return other.shape(0) == batch.bounds.shape(0) && other.shape(1) == batch.bounds.shape(1);
  };
  if (!same(batch.dims) || !same(batch.levels) || !same(batch.kinds))
    throw nb::value_error("bounds, dims, levels and kinds differ in shape");
  if ((batch.keep.shape(0) != 1 && batch.keep.shape(0) != batch.bounds.shape(0)) ||
      batch.keep.shape(1) != model.hierarchy.levels.size() ||
      batch.keep.shape(2) != static_cast<std::size_t>(model.problem.tensors))
    throw nb::value_error("keep is not (mappings or 1, levels, tensors)");
}

void evaluate_batch(const Model& model, Matrix<std::int32_t> bounds, Matrix<std::int8_t> dims,
                    Matrix<std::int8_t> levels, Matrix<std::int8_t> kinds, Keep keep, int threads,
                    Out<double> cycles, Out<double> compute_cycles, Out<double> energy,
                    Out<double> utilization, Out<std::uint8_t> reason, Out<std::int32_t> where,
                    Out<double> used, Out<double> available, Out<std::int8_t> limiting,
                    Counts counts) {
  const Batch batch{bounds, dims, levels, kinds, keep};
  check_shapes(model, batch);
  const std::size_t n = bounds.shape(0);
  for (const std::size_t size :
       {cycles.shape(0), compute_cycles.shape(0), energy.shape(0), utilization.shape(0),
        reason.shape(0), where.shape(0), used.shape(0), available.shape(0), limiting.shape(0)})
    if (size != n) throw nb::value_error("an output array differs in length");
  if (counts.shape(0) != 0 &&
      (counts.shape(0) != n || counts.shape(1) != model.hierarchy.levels.size() ||
       counts.shape(2) != static_cast<std::size_t>(model.problem.tensors) ||
       counts.shape(3) != kCounts))
    throw nb::value_error("counts is not (mappings, levels, tensors, 6)");
  const Columns out{cycles.data(),    compute_cycles.data(), energy.data(),
                    utilization.data(), used.data(),         available.data(),
                    reason.data(),    where.data(),          limiting.data(),
                    counts.shape(0) == 0 ? nullptr : counts.data()};
  nb::gil_scoped_release release;
  constexpr std::size_t kPiece = 256;
  const std::size_t workers =
      std::clamp<std::size_t>((n + kPiece - 1) / kPiece, 1, static_cast<std::size_t>(threads));
  if (workers == 1) return evaluate_rows(model, batch, out, 0, n);
  std::vector<std::thread> pool;
  for (std::size_t w = 0; w < workers; ++w)
    pool.emplace_back([&, w] {
      evaluate_rows(model, batch, out, n * w / workers, n * (w + 1) / workers);
    });
  for (std::thread& worker : pool) worker.join();
}

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "Timeloop's cost of mappings.";
  nb::class_<Report>(m, "Result", "The cost of one mapping; levels outermost first.")
      .def_ro("cycles", &Report::cycles)
      .def_ro("compute_cycles", &Report::compute_cycles)
      .def_ro("energy_pj", &Report::energy_pj)
      .def_ro("compute_energy_pj", &Report::compute_energy_pj)
      .def_ro("utilization", &Report::utilization)
      .def_ro("limiting_level", &Report::limiting_level)
      .def("level", [](const Report& r, std::size_t level) { return r.levels.at(level); },
           "level"_a, "Cycles, slowdown, instances in use, fan-out.")
      .def("traffic", &traffic_rows, "level"_a,
           nb::sig("def traffic(self, level: int) -> list[tuple[float, float, float, float, float, "
                   "float, float, float, float, float, list[tuple[float, float, float]]]]"),
           "Per tensor: tile, partition, reads, updates, fills, energy, ingresses, link transfers, "
           "spatial reductions, hops, ingress list.");
  nb::class_<Model>(m, "Model", "A hierarchy and a layer, packed.")
      .def("__init__", &make_model, "levels"_a, "compute"_a, "bounds"_a, "tensors"_a, "output"_a,
           "fills_of_2022"_a,
           nb::sig("def __init__(self, levels: list[dict[str, float]], compute: tuple[int, "
                   "int, float], bounds: list[int], tensors: "
                   "list[list[list[tuple[int, int]]]], output: int, fills_of_2022: "
                   "bool) -> None"))
      .def("evaluate", &evaluate_one, "loops"_a, "keep"_a,
           nb::sig("def evaluate(self, loops: list[int], keep: bytes) -> "
                   "Result | tuple[int, int, float, float]"),
           "Return the result for flat loops (bound, dim, level, kind, ...), or why there is none.")
      .def("evaluate_batch", &evaluate_batch, "bounds"_a.noconvert(), "dims"_a.noconvert(),
           "levels"_a.noconvert(), "kinds"_a.noconvert(), "keep"_a.noconvert(), "threads"_a,
           "cycles"_a.noconvert(), "compute_cycles"_a.noconvert(), "energy"_a.noconvert(),
           "utilization"_a.noconvert(), "reason"_a.noconvert(), "where"_a.noconvert(),
           "used"_a.noconvert(), "available"_a.noconvert(), "limiting"_a.noconvert(),
           "counts"_a.noconvert(), "Evaluate rows of loops into the output arrays.");
  bind_mapper(m);
}
