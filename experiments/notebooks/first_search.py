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
# # A first search
#
# A memory controller stands between a program and its memory. Which one suits *this* program? We
# ask a simulator, 200 times, and let a genetic algorithm choose the questions. All of it takes a
# few seconds.

# %%
# ruff: noqa: D100
import os
import tempfile

import gymnasium
import pandas as pd

import archgym
from archgym import plots
from archgym.stats import convergence, parameter_importance

# Designs to simulate.
BUDGET = int(os.environ.get("ARCHGYM_NOTEBOOK_BUDGET", "200"))
SEED = 0

# %% [markdown]
# ## 1. An environment
#
# Every problem is a Gymnasium environment. An action is a whole design, a step simulates it, and
# the next step has no memory of it: this is a search, not a game.

# %%
env = gymnasium.make("archgym:archgym/DRAM-v0", workload="bzip2", memory="DDR4-2400")
env.action_space.seed(SEED)
env.reset(seed=SEED)
_, reward, _, _, info = env.step(env.action_space.sample())
print(f"reward {reward:.3f}, mean latency {info['metrics']['latency_mean_ns']:.1f} ns")
print(info["design"])

# %% [markdown]
# ## 2. The design space
#
# Behind the environment is a *problem*: a design space, a workload and a simulator. Some parameters
# exist only together with a value of another one: without refresh there is nothing to postpone.
# (In a notebook, `space` alone shows this as a table; `space.table()` is a data frame.)

# %%
problem = env.get_wrapper_attr("problem")
space = problem.space
print(space)

# %% [markdown]
# ## 3. Where we start
#
# The default design needs no search: it is the zero point. A reward is log2 of how many times
# better the objective is than the default's: 0 is as good, 1 twice as good, -1 half as good.

# %%
default = problem.default_design
reference = problem.evaluate([default])[0]
print(problem.describe(default, reference))
print("\nobjective:", problem.objective().spec)

# %% [markdown]
# ## 4. Search
#
# An agent, a budget of simulations, a seed: the same three give the same result anywhere. Repeats
# of a design are answered from a cache and cost nothing.

# %%
result = archgym.search(problem, "genetic", BUDGET, SEED)
trials = result.to_frame()
print(f"{result.evaluations} designs simulated in {result.evaluate_seconds:.1f} s", end="; ")
print(f"the agent took {result.ask_seconds:.2f} s; best reward {result.best_reward:.3f}")
plots.convergence_figure(convergence(trials), default_reward=0.0)

# %% [markdown]
# ## 5. What it found, and why it is better

# %%
best = result.best
assert best is not None  # noqa: S101 - random designs of this space are feasible
comparison = pd.DataFrame(
    {"default": pd.Series(reference.metrics), "found": pd.Series(best.metrics)}
)
comparison["found / default"] = comparison["found"] / comparison["default"]
comparison["better is"] = [
    "lower" if problem.metrics[name].direction == "min" else "higher" for name in comparison.index
]
print(comparison.to_string(float_format=lambda value: f"{value:,.4g}"))

# %% [markdown]
# Which of its choices matter? Take the found design and put one parameter after another back to its
# default: what is lost is what the choice was worth, next to all the others. A negative number is a
# choice that does harm: the search was not finished.

# %%
start, end = space.encode(default), space.encode(best.design)
changed = [i for i, name in enumerate(space.names) if start[i] != end[i]]
reverted = []
for i in changed:
    vector = end.copy()
    vector[i] = start[i]
    reverted.append(space.decode(vector))
objective = problem.objective()
choices = pd.DataFrame(
    {
        "parameter": space.names[i],
        "default": str(default.get(space.names[i], "-")),
        "found": str(best.design.get(space.names[i], "-")),
        "reward lost without it": best.reward - objective.reward(evaluation),
    }
    for i, evaluation in zip(changed, problem.evaluate(reverted), strict=True)
).sort_values("reward lost without it", ascending=False)
print(choices.round(3).to_string(index=False))

# %% [markdown]
# Where the energy goes, part by part:

# %%
energy = {
    name: problem.breakdown(design)
    for name, design in (("default", default), ("best", best.design))
}
label = "energy (nJ)"
plots.comparison_figure(energy["default"][label], energy["best"][label], label=label)

# %% [markdown]
# And over all designs that were tried, not just the two: which parameters does the reward depend
# on?

# %%
importance = parameter_importance(trials)
if importance is not None:  # it takes 30 different designs
    print(f"a model of the trials explains {importance.r_squared:.0%} of the variance of new ones")
plots.importance_figure(importance) if importance is not None else None

# %% [markdown]
# ## 6. Keep it
#
# With `out=` a search is recorded as it goes on. Started again it reads what is there, and goes on
# if it was killed. Trials are a data frame, one row each, with units in the column names.

# %%
with tempfile.TemporaryDirectory() as folder:
    recorded = archgym.search(problem, "genetic", BUDGET, SEED, out=f"{folder}/genetic")
    again = archgym.search(problem, "genetic", BUDGET, SEED, out=f"{folder}/genetic")  # only read
    trials = archgym.load_trials(folder)
    trials.to_csv(f"{folder}/trials.csv", index=False)
assert again.best_reward == recorded.best_reward == result.best_reward  # noqa: S101
columns = ["index", "reward", "design.page_policy", "design.scheduler", "metric.latency_mean_ns"]
print(trials.sort_values("reward", ascending=False)[columns].head().to_string(index=False))

# %% [markdown]
# ## 7. The same without Python
#
# ```sh
# archgym envs archgym/DRAM-v0                    # parameters, metrics, workloads, memories
# archgym evaluate --workload bzip2 --explain     # the default design
# archgym search --workload bzip2 --agents genetic --seeds 1 --budget 200 --out runs/first
# archgym report runs/first                       # a page with these pictures and more
# archgym replay runs/first                       # simulates the best design again, and compares
# ```
#
# One agent with one seed is an anecdote: `compare_agents_honestly.py` goes on from here.
