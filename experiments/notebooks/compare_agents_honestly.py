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
# # Compare agents honestly
#
# Which agent is best? Run each once, and the answer is mostly luck. This notebook runs them many
# times on problems of which *every* design was simulated beforehand, so that we know how far each
# ended from the optimum, and says how sure it is.

# %%
# ruff: noqa: D100
import os

import numpy as np
import pandas as pd

import archgym
from archgym import plots
from archgym.ground_truth import GroundTruth, shipped
from archgym.stats import (
    Estimate,
    bootstrap,
    equivalence,
    interquartile_mean,
    performance_profile,
    probability_of_improvement,
    rank_agents,
)
from archgym.sweep import Sweep

# Evaluations per run, and runs of each agent on each problem.
BUDGET = int(os.environ.get("ARCHGYM_NOTEBOOK_BUDGET", "100"))
SEEDS = int(os.environ.get("ARCHGYM_NOTEBOOK_SEEDS", "30"))
AGENTS = (
    "random_walk",
    "local_search",
    "simulated_annealing",
    "genetic",
    "ant_colony",
    "tree_search",
)
TABLES = ("dram-paper-stream-DDR4-2400", "dram-paper-bzip2-DDR3-1600")

# %% [markdown]
# ## 1. Problems with a known answer
#
# The package ships tables of all 442,368 memory controllers of the 2023 paper's space. A table is
# an *evaluator*: it answers in place of the simulator, with the same numbers, in microseconds.
#
# How hard is such a problem? Chance alone tells: some designs share the optimum, and random search
# hits one of them sooner or later.

# %%
optima = {known.name: known for known in shipped("archgym/DRAM-v0") if known.name in TABLES}
problems = {
    f"{known.config['workload']} on {known.config['memory']}": archgym.make_problem(
        known.problem, **known.config, evaluator=GroundTruth.load(name)
    )
    for name, known in optima.items()
}
best = dict(zip(problems, (known.reward for known in optima.values()), strict=True))
for label, known in zip(problems, optima.values(), strict=True):
    chance = 1 - (1 - known.optimal_designs / known.designs) ** BUDGET
    print(
        f"{label}: {known.designs:,} designs, {known.optimal_designs} of them optimal, "
        f"{2**known.reward:.2f} times better than the default; {BUDGET} random designs "
        f"hold one of them with a chance of {chance:.0%}"
    )

# %% [markdown]
# ## 2. Equal conditions
#
# Every agent sees the same space and the same number of evaluations. Seeds are *paired*: run 7 of
# every agent has seed 7, and agents that begin with random designs begin with the same ones. What
# differs between two agents in a pair is then more the agents' doing.
#
# A score is the share of the possible improvement that a run reached: 1 is the optimum, 0 the
# default design.

# %%
results = {
    label: [
        archgym.search(problem, agent, BUDGET, seed) for agent in AGENTS for seed in range(SEEDS)
    ]
    for label, problem in problems.items()
}
sweep = Sweep.of_results(results, optima=best)
# Agent -> scores, one row per problem and one column per seed.
scores = sweep.scores[BUDGET].of_setting()
evaluations = sum(sweep.runs["evaluations"])
print(f"{len(sweep.runs)} runs, {evaluations:,} evaluations")

# %% [markdown]
# ## 3. What a single seed would have told us
#
# Suppose that each of us ran every agent once, with a seed of our own, and reported the winner (of
# a draw, all of them):

# %%
one_seed = pd.DataFrame({agent: scores[agent].mean(axis=0) for agent in AGENTS})
winners = one_seed.ge(one_seed.max(axis=1) - 1e-9, axis=0).sum()
print(f"times the winner, of {SEEDS} seeds\n" + winners.to_string())

# %% [markdown]
# The same fault, pair by pair: in which share of the seeds does the agent that is worse on average
# look better (or just as good)?

# %%
means = {agent: float(scores[agent].mean()) for agent in AGENTS}
ranked = sorted(AGENTS, key=lambda agent: -means[agent])
misled = pd.DataFrame(
    {
        worse: {
            better: float(np.mean(scores[worse].mean(axis=0) >= scores[better].mean(axis=0)))
            for better in ranked[: ranked.index(worse)]
        }
        for worse in ranked[1:]
    }
).reindex(ranked[:-1])
misled = misled.rename_axis(index="is better", columns="looks no worse")
print(misled.to_string(float_format=lambda share: f"{share:.0%}", na_rep=""))

# %% [markdown]
# ## 4. Averages with intervals
#
# The interquartile mean averages the middle half of all runs: robust against a lucky or an unlucky
# one, without throwing away as much as the median. The interval comes from drawing the runs again
# and again, problem by problem (the stratified bootstrap of [Agarwal et al.,
# 2021](https://arxiv.org/abs/2108.13264)).

# %%
averages = {agent: bootstrap(scores[agent], interquartile_mean) for agent in ranked}
for agent, average in averages.items():
    print(f"{agent:20} {average}")
plots.interval_figure(averages, label="score: interquartile mean, 95 % interval")

# %% [markdown]
# Intervals shrink with the square root of the number of runs. How many would *you* have needed?

# %%
leader = ranked[0]
for runs in [n for n in (3, 5, 10, 30, 100) if n <= SEEDS]:
    print(f"{runs:3} seeds: {leader} {bootstrap(scores[leader][:, :runs], interquartile_mean)}")

# %% [markdown]
# ## 5. Would it win?
#
# The probability of improvement: one run of this agent against one of random search, on a problem
# drawn at random. 50 % is a coin.

# %%
wins: dict[str, Estimate] = {
    agent: probability_of_improvement(scores[agent], scores["random_walk"])
    for agent in ranked
    if agent != "random_walk"
}
plots.interval_figure(wins, label="chance to beat random search", baseline=0.5)

# %% [markdown]
# ## 6. Not only the average: profiles
#
# Which share of an agent's runs reaches at least a score? An agent can be good on average and still
# fail one time in ten. A curve further to the upper right is better; curves that cross mean that
# the answer depends on what you need.

# %%
lowest = min(float(np.quantile(values, 0.05)) for values in scores.values())
thresholds = np.linspace(min(lowest, 0.9), 1.0, 101)
# The optimum is reached up to rounding.
profiles = {agent: performance_profile(scores[agent] + 1e-9, thresholds) for agent in ranked}
plots.profile_figure(profiles)

# %% [markdown]
# ## 7. Not only the end: regret
#
# Regret is what is still missing to the optimum, in octaves: 1 is half as good as possible. Here on
# the first problem, by evaluations: the median over seeds, and the band between the quartiles.

# %%
label = next(iter(problems))
regret = sweep.progress(label)
plots.progress_figure(regret, label=f"regret on {label} (octaves)", log=True)

# %% [markdown]
# ## 8. Different, or not?
#
# Friedman's test asks whether the agents differ at all; then every pair is tested, and corrected
# for the number of pairs. A bar joins agents that these runs cannot tell apart. That does **not**
# mean that they are equal: equality has to be shown, by a test that the difference is smaller than
# what we care about (here 0.02 of what can be gained).

# %%
ranking = rank_agents(scores)
print(f"all the same? p = {ranking.p_value:.2g}")
plots.ranking_figure(ranking)

# %%
for agent in ranked[1:]:
    pair = next(pair for pair in ranking.pairs if set(pair.agents) == {leader, agent})
    gap = equivalence(scores[leader] - scores[agent], margin=0.02)
    verdict = (
        "equally good" if gap.equivalent else "different" if pair.p_holm < 0.05 else "cannot say"
    )
    print(f"{leader} against {agent}: {gap.difference}, p = {pair.p_holm:.2g}: {verdict}")

# %% [markdown]
# ## 9. What may be said
#
# These are two problems of one simulator at one budget, with the agents' default hyperparameters.
# Another budget can turn the order round (try `BUDGET = 1000`), and so can tuning: that is what
# `lottery.py` is about. As a sweep, resumable and in parallel, with the same statistics on one
# page:
#
# ```toml
# # sweep.toml
# seeds = 30
# budgets = [100, 1000]
#
# [[problems]]
# name = "archgym/DRAM-v0"
# label = "stream"
# config = { workload = "stream", memory = "DDR4-2400", space = "paper" }
# ground_truth = "dram-paper-stream-DDR4-2400"
#
# [[agents]]
# name = "random_walk"
#
# [[agents]]
# name = "genetic"
# ```
#
# ```sh
# archgym sweep sweep.toml --out runs/sweep
# archgym report runs/sweep
# ```
