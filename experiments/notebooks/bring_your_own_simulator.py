# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Bring your own simulator in 30 lines
#
# Whatever maps a design to numbers can be searched. Here it is a blocked matrix product on an
# accelerator: how many PEs, how large a buffer, which tiles? A function of 11 lines says what a
# design costs, a class of 30 makes it a problem, and every agent, table, plot and test of the gym
# works on it.

# %%
# ruff: noqa: D100, D101, D102, D103, S101
import os
import tempfile
from collections.abc import Sequence

import optuna
import pandas as pd

import archgym
from archgym import Constraint, DesignSpace, Evaluation, MetricSpec, Ordinal, Problem, plots
from archgym.agents import OptunaAgent
from archgym.charts import Roofline, RooflinePoint
from archgym.env import ArchGymEnv
from archgym.ground_truth import GroundTruth, enumerate_problem
from archgym.sampler import AgentSampler
from archgym.space import Design
from archgym.stats import convergence
from archgym.testing import ProblemConformance

# Designs to evaluate in each search, and searches with each agent.
BUDGET = int(os.environ.get("ARCHGYM_NOTEBOOK_BUDGET", "200"))
SEEDS = int(os.environ.get("ARCHGYM_NOTEBOOK_SEEDS", "5"))

# %% [markdown]
# ## 1. The simulator
#
# A plain function that knows nothing of searches. C = A B is computed tile by tile; a tile of C
# stays in the buffer until it is done, so that A is read once for every column of tiles and B once
# for every row. Compute and memory overlap: the slower of the two decides (the roofline: Williams
# et al., CACM 2009). Energies of 16-bit words in 45 nm are those of Horowitz, "Computing's energy
# problem", ISSCC 2014; the buffer's grows with the square root of its size, as in his table. The
# areas are made up.

# %%
M = N = K = 1024
WORD_BYTES, BYTES_PER_CYCLE = 2, 16
FILL_CYCLES = 20  # of the pipeline, for every pair of tiles
MAC_PJ, DRAM_PJ, BUFFER_8_KIB_PJ = 1.5, 500.0, 2.5  # per operation, per word
PES_PER_READ = 8  # so many PEs in a row share a word


def simulate(pes: int, buffer_kib: int, m: int, n: int, k: int) -> dict[str, float]:
    rows, columns, steps = -(-M // m), -(-N // n), -(-K // k)
    compute_cycles = rows * columns * steps * (-(-m * n // pes) * k + FILL_CYCLES)
    words = M * K * columns + K * N * rows + M * N
    buffer_pj = BUFFER_8_KIB_PJ * (buffer_kib / 8) ** 0.5
    macs = M * N * K
    return {
        "cycles": max(compute_cycles, words * WORD_BYTES / BYTES_PER_CYCLE),
        "energy_pj": macs * (MAC_PJ + 2 * buffer_pj / PES_PER_READ) + words * DRAM_PJ,
        "traffic_bytes": float(words * WORD_BYTES),
    }


def unbuffered_kib(design: Design) -> float:
    size = integers(design)
    # The next tiles of A and B are loaded while these are used.
    words = 2 * size["k"] * (size["m"] + size["n"]) + size["m"] * size["n"]
    return words * WORD_BYTES / 1024 - size["buffer_kib"]


def area_mm2(design: Design) -> float:
    size = integers(design)
    return 0.002 * size["pes"] + 0.01 * size["buffer_kib"]


def integers(design: Design) -> dict[str, int]:
    return {name: int(value) for name, value in design.items()}


# %% [markdown]
# ## 2. The problem
#
# What can be chosen, what is measured, what is not allowed, and where a search starts. Agents know
# the constraints before they ask (at most 0 is allowed), and ask for legal designs only. What only
# a simulator can find out, it says with `Evaluation.failed("why")`.


# %%
class BlockedProduct(Problem):
    name = "example/BlockedProduct-v0"
    workload = f"{M} x {N} x {K}"
    default_objective = "product:cycles*energy_pj"
    default_design: Design = {"pes": 64, "buffer_kib": 32, "m": 32, "n": 32, "k": 32}
    metrics = {
        name: MetricSpec(name=name, unit=unit, direction="min", description=description)
        for name, unit, description in (
            ("cycles", "cycles", "Time of the product."),
            ("energy_pj", "pJ", "Energy of arithmetic, buffer and DRAM."),
            ("traffic_bytes", "bytes", "Data moved to and from DRAM."),
        )
    }
    space = DesignSpace(
        [
            Ordinal(name="pes", values=(16, 32, 64, 128, 256, 512, 1024)),
            Ordinal(name="buffer_kib", values=(8, 16, 32, 64, 128, 256), unit="KiB"),
            *(Ordinal(name=tile, values=(8, 16, 32, 48, 64, 96, 128, 192, 256)) for tile in "mnk"),
        ],
        [
            Constraint("fits", unbuffered_kib, "The tiles fit in the buffer."),
            Constraint("area", lambda design: area_mm2(design) - 3, "At most 3 mm2."),
        ],
    )

    def simulate(self, designs: Sequence[Design]) -> list[Evaluation]:
        return [Evaluation(metrics=simulate(**integers(design))) for design in designs]


problem = BlockedProduct()
print(problem.space, end="\n\n")
print(problem.describe(problem.default_design, problem.reference))

# %% [markdown]
# ## 3. Does it keep the contract?
#
# The package ships the tests that its own problems have to pass: that batches equal single
# evaluations, metrics are finite, typos are refused, an equal problem gives equal numbers. With
# pytest the class alone is the test; here we call what it inherits.


# %%
class TestBlockedProduct(ProblemConformance):
    def make_problem(self) -> Problem:
        return BlockedProduct()


tests = [name for name in dir(TestBlockedProduct) if name.startswith("test_")]
for name in tests:
    getattr(TestBlockedProduct(), name)()
print(f"{len(tests)} tests passed, for example: {tests[0].replace('_', ' ')}")

# %% [markdown]
# And what you know about your hardware: one PE needs a cycle for each multiplication, and a single
# tile moves every matrix once.

# %%
one_pe = simulate(pes=1, buffer_kib=8, m=M, n=N, k=K)
assert one_pe["cycles"] == M * N * K + FILL_CYCLES
assert one_pe["traffic_bytes"] == WORD_BYTES * (M * K + K * N + M * N)

# %% [markdown]
# ## 4. Search it
#
# Any agent, by name. So does any Optuna sampler: as an agent it takes five lines.


# %%
class NSGA2(OptunaAgent):
    name = "Optuna's NSGA-II"

    def sampler(self) -> optuna.samplers.BaseSampler:
        return optuna.samplers.NSGAIISampler(population_size=20, seed=self.seed)


results = [
    archgym.search(problem, agent, BUDGET, seed)
    for agent in ("random_walk", "genetic", NSGA2)
    for seed in range(SEEDS)
]
trials = pd.concat([result.to_frame() for result in results], ignore_index=True)
plots.convergence_figure(convergence(trials), default_reward=0.0)

# %% [markdown]
# ## 5. How good is that?
#
# The space is small enough to evaluate every legal design. The table then answers in place of the
# simulator, and regret is exact: what is missing to the optimum, in octaves.

# %%
with tempfile.TemporaryDirectory() as folder:
    path = enumerate_problem(problem, f"{folder}/truth.parquet")
    truth = GroundTruth.load(path, problem)
optimum, optimal_reward = truth.best(problem.objective())
print(f"{len(truth):,} legal designs; the best is {2**optimal_reward:.1f} times better: {optimum}")
regret = pd.DataFrame(
    {"agent": result.identity["agent"], "regret": optimal_reward - (result.best_reward or 0.0)}
    for result in results
)
print(regret.groupby("agent")["regret"].describe()[["count", "min", "50%", "max"]].round(3))

# %% [markdown]
# ## 6. Why it is good
#
# The roofline: below the slope a design waits for memory, below the flat part for its PEs. Larger
# tiles move a design to the right, more PEs raise the roof.


# %%
def roofline(design: Design) -> Roofline:
    metrics = problem.evaluate([design])[0].metrics
    macs = float(M * N * K)
    point = RooflinePoint(
        intensity=macs / metrics["traffic_bytes"], performance=macs / metrics["cycles"]
    )
    return Roofline(
        title="Roofline",
        points={"product": point},
        peak=float(integers(design)["pes"]),
        bandwidth=float(BYTES_PER_CYCLE),
        intensity_label="operational intensity (MACs per byte)",
    )


best = max(results, key=lambda result: result.best_reward or 0.0)
found = best.best_design or problem.default_design
print(best.identity["agent"], found, f"{area_mm2(found):.2f} mm2")
plots.roofline_figure({"default": roofline(problem.default_design), "found": roofline(found)})

# %% [markdown]
# ## 7. The other way round: our agents in Optuna
#
# If you have an Optuna study already, keep it: every agent that asks and tells is a sampler too.

# %%
optuna.logging.set_verbosity(optuna.logging.WARNING)
sampler = AgentSampler("genetic", problem.space, budget=BUDGET, seed=0)
study = optuna.create_study(sampler=sampler, direction="maximize")
objective = problem.objective()


def measure(trial: optuna.Trial) -> float:
    return objective.reward(problem.evaluate([problem.space.suggest(trial)])[0])


study.optimize(measure, n_trials=BUDGET)
print(f"reward {study.best_value:.3f}: {problem.space.from_optuna(study.best_params)}")

# %% [markdown]
# ## 8. And as an environment
#
# For reinforcement learning, `ArchGymEnv(problem)` is a Gymnasium environment. Registered with
# `archgym.envs.register`, the problem has a name for `gymnasium.make` and the command line.

# %%
env = ArchGymEnv(problem)
env.reset(seed=0)
env.action_space.seed(0)
observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
print(f"reward {reward:.3f}, violations {info['violations']}")
