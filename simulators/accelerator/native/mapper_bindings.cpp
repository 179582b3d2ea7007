// Python bindings of the mapping space and of the search.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <memory>

#include "mapper.hpp"
#include "model.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

namespace mapper = accelerator::mapper;
using mapper::Candidate;
using mapper::PackedMapping;
using mapper::Space;

// fixed, most, axes of each dimension; dimensions of fixed order, innermost first
using Rules = std::tuple<std::vector<std::int64_t>, std::vector<std::int64_t>, std::vector<int>,
                         std::vector<int>>;
// capacity (-1: unlimited), fan-outs along X and Y, kept, free to keep, temporal, spatial
using Level = std::tuple<std::int64_t, std::int64_t, std::int64_t, int, int, Rules, Rules>;

mapper::LoopRules make_rules(const Rules& from) {
  const auto& [fixed, most, axes, inner] = from;
  mapper::LoopRules rules;
  for (std::size_t d = 0; d < fixed.size(); ++d) {
    rules.fixed[d] = fixed.at(d);
    rules.most[d] = most.at(d);
    rules.axes[d] = static_cast<std::uint8_t>(axes.at(d));
  }
  rules.inner = inner;
  return rules;
}

void make_space(Space* self, const std::vector<std::int64_t>& sizes,
                const std::vector<std::vector<mapper::Axis>>& tensors,
                const std::vector<Level>& levels) {
  new (self) Space();
  self->dims = static_cast<int>(sizes.size());
  self->tensors = static_cast<int>(tensors.size());
  self->levels = static_cast<int>(levels.size());
  if (self->dims > accelerator::kMaxDims || self->tensors > accelerator::kMaxTensors ||
      self->levels > accelerator::kMaxLevels)
    throw nb::value_error("too many dimensions, tensors or levels");
  std::copy(sizes.begin(), sizes.end(), self->size.begin());
  self->axes = tensors;
  for (const auto& [capacity, x, y, keep, keep_free, temporal, spatial] : levels) {
    mapper::LevelRules level;
    level.capacity = capacity < 0 ? mapper::kUnlimited : capacity;
    level.fanout_x = x;
    level.fanout_y = y;
    level.keep = static_cast<std::uint8_t>(keep);
    level.keep_free = static_cast<std::uint8_t>(keep_free);
    level.temporal = make_rules(temporal);
    level.spatial = make_rules(spatial);
    self->level.push_back(level);
  }
  self->prepare();
}

template <typename T, int Dimensions>
using Array = nb::ndarray<nb::numpy, T, nb::ndim<Dimensions>>;
// What a MappingBatch is made of: bounds, dims, levels, kinds, keep.
using Columns = std::tuple<Array<std::int32_t, 2>, Array<std::int8_t, 2>, Array<std::int8_t, 2>,
                           Array<std::int8_t, 2>, Array<std::uint8_t, 3>>;

template <typename T, int Dimensions>
Array<T, Dimensions> array(std::vector<T> values,
                           const std::array<std::size_t, Dimensions>& shape) {
  auto owned = std::make_unique<std::vector<T>>(std::move(values));
  T* data = owned->data();
  nb::capsule owner(owned.release(), [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return Array<T, Dimensions>(data, Dimensions, shape.data(), owner);
}

// Mappings as the columns of a MappingBatch.
class Rows {
 public:
  explicit Rows(const Space& space) : space_(space) {
    for (int d = 0; d < space.dims; ++d)
      for (std::int64_t n = space.size[d], p = 2; n > 1; ++p) {
        if (p * p > n) p = n;
        for (; n % p == 0; n /= p) ++width_;
      }
    if (width_ == 0) width_ = 1;
  }

  void add(const Candidate& c) {
    space_.pack(c, packed_);
    for (int i = 0; i < width_; ++i) {
      const bool used = i < packed_.count;
      bounds_.push_back(used ? packed_.loops[i].bound : 1);
      dims_.push_back(used ? packed_.loops[i].dim : std::int8_t{0});
      levels_.push_back(used ? packed_.loops[i].level : static_cast<std::int8_t>(space_.levels - 1));
      kinds_.push_back(used ? static_cast<std::int8_t>(packed_.loops[i].kind) : std::int8_t{2});
    }
    keep_.insert(keep_.end(), packed_.keep.begin(),
                 packed_.keep.begin() + space_.levels * space_.tensors);
    ++count_;
  }

  std::size_t count() const { return count_; }

  Columns release() {
    const std::size_t slots = static_cast<std::size_t>(width_);
    const auto grid = [&]<typename T>(std::vector<T>& from) {
      return array<T, 2>(std::move(from), {count_, slots});
    };
    return {grid(bounds_), grid(dims_), grid(levels_), grid(kinds_),
            array<std::uint8_t, 3>(std::move(keep_),
                                   {count_, static_cast<std::size_t>(space_.levels),
                                    static_cast<std::size_t>(space_.tensors)})};
  }

 private:
  const Space& space_;
  int width_ = 0;
  std::size_t count_ = 0;
  PackedMapping packed_{};
  std::vector<std::int32_t> bounds_;
  std::vector<std::int8_t> dims_, levels_, kinds_;
  std::vector<std::uint8_t> keep_;
};

Columns next_rows(mapper::Walk& walk, const Space& space, std::size_t most) {
  Rows rows(space);
  {
    nb::gil_scoped_release release;
    Candidate c;
    while (rows.count() < most && walk.next(c)) rows.add(c);
  }
  return rows.release();
}

Columns sample(const Space& space, std::size_t count, std::uint64_t seed, std::uint64_t tries) {
  Rows rows(space);
  {
    nb::gil_scoped_release release;
    mapper::Random random(seed);
    const Candidate blank = space.blank();
    for (Candidate c = blank; rows.count() < count && tries > 0; c = blank, --tries)
      if (mapper::draw(space, random, c)) rows.add(c);
  }
  return rows.release();
}

// Status; what stands in the way, at which level, what it needs and what there is.
std::tuple<int, int, int, double, double> first_legal(const Space& space) {
  const mapper::Outcome found = mapper::first_legal(space);
  const mapper::Obstacle& o = found.obstacle;
  return {static_cast<int>(found.status), o.what, o.level, o.needed, o.limit};
}

// What is left of a dimension's bound for the free places, and the most that each takes.
std::pair<std::int64_t, std::vector<std::int64_t>> places(const Space& space, int dim) {
  std::vector<std::int64_t> most;
  for (const mapper::Slot& slot : space.slots[dim]) most.push_back(slot.most);
  return {space.to_place[dim], most};
}

class CostModel : public mapper::Scorer {
 public:
  explicit CostModel(const accelerator::Model& model)
      : evaluator_(model.hierarchy, model.problem, model.options) {}

  mapper::Figures score(const PackedMapping& m) override {
    if (!evaluator_.evaluate(m.loops.data(), m.count, m.keep.data(), result_).ok()) return {};
    return {true, result_.cycles, result_.energy_pj};
  }

 private:
  accelerator::Evaluator evaluator_;
  accelerator::Result result_;
};

// Status, the mapping, its value, the lower bound, evaluations, whether it is optimal.
std::tuple<int, Columns, double, double, std::uint64_t, bool> search(
    const Space& space, const accelerator::Model& model, int objective, std::uint64_t budget,
    std::uint64_t seed, int threads, double least_energy_pj) {
  mapper::Outcome out;
  {
    nb::gil_scoped_release release;
    const auto make = [&] { return std::make_unique<CostModel>(model); };
    out = mapper::search(space, make,
                         {static_cast<mapper::Objective>(objective), budget, seed, threads,
                          model.problem.macs, least_energy_pj});
  }
  Rows rows(space);
  if (out.status == mapper::Status::kFound) rows.add(out.best);
  return {static_cast<int>(out.status), rows.release(), out.value, out.bound, out.evaluations,
          out.optimal};
}

}  // namespace

void bind_mapper(nb::module_& m) {
  nb::class_<Space>(m, "MappingSpace", "Constraints on mappings, packed.")
      .def("__init__", &make_space, "sizes"_a, "tensors"_a, "levels"_a)
      .def("places", &places, "dim"_a,
           "What is left of a bound for the free places, and the most that each takes.")
      .def("sample", &sample, "count"_a, "seed"_a, "tries"_a,
           "Legal mappings drawn at random, as the columns of a MappingBatch.")
      .def("first_legal", &first_legal,
           "Status (0 found, 1 none, 2 gave up), obstacle, level, needed, available.");
  nb::class_<mapper::Walk>(m, "MappingWalk", "All legal mappings, one after the other.")
      .def(nb::init<const Space&, std::size_t>(), "space"_a, "limit"_a, nb::keep_alive<1, 2>())
      .def("complete", &mapper::Walk::complete, "Whether no dimension has too many factorisations.")
      .def("count", &mapper::Walk::count, "limit"_a, nb::call_guard<nb::gil_scoped_release>())
      .def("next_rows", &next_rows, "space"_a, "most"_a,
           "The next mappings, as the columns of a MappingBatch.");
  m.def("search_mapping", &search, "space"_a, "model"_a, "objective"_a, "budget"_a, "seed"_a,
        "threads"_a, "least_energy_pj"_a,
        "Status, columns of the mapping, its value, lower bound, evaluations, optimal.");
}
