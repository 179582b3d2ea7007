#include "mapper.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <thread>

#include "annealing.hpp"

namespace accelerator::mapper {

namespace {

constexpr std::size_t kMostWays = 200'000;     // per dimension, for an exact enumeration
constexpr std::size_t kEnoughWays = 2'000;     // per dimension, for a first legal mapping
constexpr std::uint64_t kRunLength = 1'000;    // evaluations of one annealing run
constexpr std::uint64_t kMostRuns = 32;
constexpr std::uint64_t kMostDraws = 25;       // random mappings before each run
constexpr int kStages = 4;
constexpr double kHot = 1, kCold = 0.003;      // in units of the objective's logarithm
constexpr std::uint64_t kMostSteps = 5'000'000;  // towards a first legal mapping
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Lanes that a mapping needs to come below `value`.
double lanes_for(const Settings& s, double value) {
  if (s.objective == Objective::kCycles) return s.operations / value;
  if (s.objective == Objective::kEdp) return s.operations * s.least_energy_pj / value;
  return 0;
}

double lower_bound(const Settings& s, double most_lanes) {
  const double cycles = std::ceil(s.operations / most_lanes * (1 - 1e-12));
  return objective_value(s.objective, {true, cycles, s.least_energy_pj});
}

// Evaluate every mapping that may be better than out.value. False: the budget ran out.
bool enumerate(Walk& walk, const Space& space, Scorer& scorer, const Settings& s, Outcome& out) {
  walk.restart();
  Candidate c;
  PackedMapping packed;
  while (walk.next(c)) {
    if (out.evaluations >= s.budget) return false;
    space.pack(c, packed);
    ++out.evaluations;
    const Figures figures = scorer.score(packed);
    if (!figures.valid) continue;
    const double value = objective_value(s.objective, figures);
    if (value >= out.value) continue;
    out.value = value;
    out.best = c;
    walk.require_lanes(lanes_for(s, value) * (1 - 1e-9));
  }
  return true;
}

// Call work(0) to work(n - 1) from `threads` threads.
template <typename Work>
void in_parallel(std::size_t n, int threads, const Work& work) {
  std::vector<std::exception_ptr> failures(n);
  std::atomic<std::size_t> next{0};
  const auto loop = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < n;) {
      try {
        work(i);
      } catch (...) {
        failures[i] = std::current_exception();
      }
    }
  };
  std::vector<std::thread> others;
  for (std::size_t t = 1; t < std::min<std::size_t>(threads, n); ++t) others.emplace_back(loop);
  loop();
  for (std::thread& thread : others) thread.join();
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

struct Run {
  std::unique_ptr<Scorer> scorer;
  std::unique_ptr<Annealing> annealing;
};

// Annealing runs that cool down together; after each stage the worse half goes on from where the
// better half is, and the best quarter descends at the end. `round` makes their random numbers differ from other rounds'.
void anneal(const Space& space, const MakeScorer& make_scorer, const Settings& s,
            std::uint64_t budget, std::uint64_t round, Outcome& out) {
  const std::uint64_t fewest = std::clamp<std::uint64_t>(budget / 250, 1, 4);
  const std::uint64_t count = std::clamp(budget / kRunLength, fewest, kMostRuns);
  const std::uint64_t share = budget / count, draws = std::min(share / 20, kMostDraws);
  const std::uint64_t descent = share / 10, stage = (share - draws - descent) / kStages;
  std::vector<Run> runs(count);
  in_parallel(count, s.threads, [&](std::size_t i) {
    runs[i].scorer = make_scorer();
    const std::uint64_t seed = s.seed * 0x9e3779b97f4a7c15ULL + round * kMostRuns + i;
    runs[i].annealing =
        std::make_unique<Annealing>(space, *runs[i].scorer, s.objective, out.bound, seed);
    runs[i].annealing->begin(out.best, draws);
  });
  const double fall = std::pow(kCold / kHot, 1.0 / kStages);
  double hot = kHot;
  for (int k = 0; k < kStages; ++k, hot *= fall) {
    in_parallel(count, s.threads,
                [&](std::size_t i) { runs[i].annealing->cool(stage, hot, hot * fall); });
    std::stable_sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) {
      return a.annealing->current() < b.annealing->current();
    });
    for (std::size_t i = 0; i < count / 2 && k + 1 < kStages; ++i)
      runs[count - 1 - i].annealing->follow(*runs[i].annealing);
  }
  std::stable_sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) {
    return a.annealing->value() < b.annealing->value();
  });
  const std::uint64_t best = std::max<std::uint64_t>(count / 4, 1);
  in_parallel(best, s.threads,
              [&](std::size_t i) { runs[i].annealing->descend(descent * count / best); });
  for (const Run& run : runs) {
    out.evaluations += run.annealing->evaluations();
    if (run.annealing->value() >= out.value) continue;
    out.value = run.annealing->value();
    out.best = run.annealing->best();
  }
}

// Enumerate what may be better than out.value, if that fits the rest of the budget.
bool finish(Walk& walk, const Space& space, Scorer& scorer, const Settings& s, Outcome& out) {
  if (out.value <= out.bound) return true;
  walk.require_lanes(lanes_for(s, out.value) * (1 - 1e-9));
  const std::uint64_t left = s.budget - std::min(s.budget, out.evaluations);
  if (!walk.complete() || walk.count(left + 1) > left) return false;
  return enumerate(walk, space, scorer, s, out);
}

}  // namespace

double objective_value(Objective objective, const Figures& f) {
  if (objective == Objective::kCycles) return f.cycles;
  if (objective == Objective::kEnergy) return f.energy_pj;
  return f.cycles * f.energy_pj;
}

Outcome first_legal(const Space& space) {
  Outcome out;
  for (const std::size_t limit : {kEnoughWays, 1'000 * kEnoughWays}) {
    Walk walk(space, limit);
    walk.limit_steps(kMostSteps);
    if (walk.next(out.best)) {
      out.status = Status::kFound;
      return out;
    }
    out.obstacle = walk.obstacle();
    const bool sure = walk.complete() && !walk.out_of_steps();
    out.status = sure ? Status::kNoMapping : Status::kGaveUp;
    if (sure) break;
  }
  return out;
}

Outcome search(const Space& space, const MakeScorer& make_scorer, const Settings& s) {
  Outcome out = first_legal(space);
  if (out.status != Status::kFound) return out;
  out.value = kInfinity;
  Walk walk(space, std::min<std::size_t>(kMostWays, s.budget));
  out.bound = lower_bound(s, walk.most_lanes());
  const auto scorer = make_scorer();
  out.optimal = finish(walk, space, *scorer, s, out);
  if (!out.optimal && walk.complete()) {
    anneal(space, make_scorer, s, s.budget / 8, 0, out);
    out.optimal = finish(walk, space, *scorer, s, out);
  }
  if (!out.optimal) {
    anneal(space, make_scorer, s, s.budget - out.evaluations, 1, out);
    out.optimal = finish(walk, space, *scorer, s, out);
  }
  if (out.value == kInfinity) out.status = Status::kGaveUp;
  if (out.optimal) out.bound = out.value;
  return out;
}

}  // namespace accelerator::mapper
