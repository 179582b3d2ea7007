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
# # The hyperparameter lottery
#
# "Our agent beats yours" often means "we tuned ours". An agent's hyperparameters are drawn like
# lottery tickets: some settings win, most do not, and who may buy more tickets wins more often. The
# 2023 ArchGym paper concludes that with enough of them all agents are equally good. Here a small
# lottery is played on problems whose optimum is known; the same cells then analyse the big one.

# %%
# ruff: noqa: D100
import os
import tempfile
import tomllib
from pathlib import Path

import pandas as pd

from archgym import plots
from archgym.stats import (
    expected_best,
    lottery_curve,
    share_beating,
    tuned_scores,
    variance_shares,
)
from archgym.sweep import Sweep, SweepConfig, run_sweep

# Settings drawn for each agent, seeds of each, and evaluations of each run.
SETTINGS = int(os.environ.get("ARCHGYM_NOTEBOOK_SETTINGS", "12"))
SEEDS = int(os.environ.get("ARCHGYM_NOTEBOOK_SEEDS", "5"))
BUDGET = int(os.environ.get("ARCHGYM_NOTEBOOK_BUDGET", "100"))
# Folder of a sweep to analyse in place of the small one.
SWEEP = os.environ.get("ARCHGYM_NOTEBOOK_SWEEP")

# %% [markdown]
# ## 1. Buy tickets
#
# A sweep file says what to run: agents, how many settings to draw from each agent's own search
# ranges (besides its defaults), seeds, problems. `archgym sweep FILE` runs one in parallel;
# `run_sweep` is the same from Python. Every run is content-addressed: once more, it adds what is
# missing and repeats nothing. The table of all designs stands in for the simulator, so that 500
# runs take seconds.
#
# The big lottery is `python -m experiments.lottery --out runs/lottery`: eight agents with 64
# settings each besides their defaults, 10 seeds, budgets of 100 and 1,000. To analyse it with the
# cells below, start this notebook with `ARCHGYM_NOTEBOOK_SWEEP=runs/lottery/fast`.

# %%
PROBLEM = """
[[problems]]
name = "archgym/DRAM-v0"
label = "{workload} on {memory}"
config = {{ workload = "{workload}", memory = "{memory}", space = "paper" }}
ground_truth = "dram-paper-{workload}-{memory}"
"""
AGENT = """
[[agents]]
name = "{name}"
settings = {settings}
"""
sweep_file = f"seeds = {SEEDS}\nbudgets = [{BUDGET}]\n"
for workload, memory in (("stream", "DDR4-2400"), ("bzip2", "DDR3-1600")):
    sweep_file += PROBLEM.format(workload=workload, memory=memory)
sweep_file += AGENT.format(name="random_walk", settings=0)  # it has no hyperparameters
for name in ("local_search", "simulated_annealing", "genetic", "ant_colony"):
    sweep_file += AGENT.format(name=name, settings=SETTINGS)
if SWEEP is None:
    print(sweep_file)

# %%
scratch = tempfile.TemporaryDirectory()
folder = Path(SWEEP or scratch.name)
if SWEEP is None:
    done = run_sweep(SweepConfig.from_dict(tomllib.loads(sweep_file)), folder)
    print(f"{done.runs} runs, {done.failed} of them failed")

# %% [markdown]
# ## 2. Scores
#
# `Sweep` reads the folder and turns runs into scores: the share of the possible improvement over
# the default design that a run reached, 1 being the optimum (with several objectives, the share of
# the exact front's hypervolume). Each agent's scores are an array of problems x settings x seeds.
# Setting 0 are the defaults; the others were drawn.

# %%
sweep = Sweep.load(folder)
scratch.cleanup()
budget = sweep.budgets[-1]
scores = sweep.scores[budget]
drawn, defaults = scores.drawn, scores.of_setting()
random = defaults["random_walk"]
print(f"{len(sweep.runs):,} runs on {len(scores.problems)} problems; at {budget} evaluations:")
for agent, cube in drawn.items():
    print(f"{agent:20} {cube.shape[1]} settings x {cube.shape[2]} seeds on each problem")

# %% [markdown]
# The spread of one agent over its settings is often larger than the difference between two agents:

# %%
spread = pd.DataFrame(
    {
        agent: pd.Series(cube.mean(axis=(0, 2))).describe()[["min", "25%", "50%", "75%", "max"]]
        for agent, cube in drawn.items()
    }
).T.round(3)
print("mean score of a setting\n" + spread.to_string())

# %% [markdown]
# ## 3. The best of k tickets
#
# Draw k settings, run each once, keep the best: what do you get? Mind the price: k tickets cost k
# times the evaluations. So random search, which has no settings, may also play k times: that is the
# line to beat.

# %%
fewest = min(cube.shape[1] for cube in drawn.values())
counts = [k for k in (1, 2, 4, 8, 16, 32, 64) if k <= fewest]
curves = {agent: lottery_curve(cube, counts) for agent, cube in drawn.items()}
random_counts = [k for k in counts if k <= random.shape[1]]
random_best = expected_best(random, random_counts).mean(axis=0)
print(pd.DataFrame({agent: curve.best for agent, curve in curves.items()}, counts).round(3).T)
plots.lottery_figure(curves, (random_counts, random_best))

# %% [markdown]
# ## 4. How many settings beat random search at all?

# %%
beating = {agent: share_beating(cube, random) for agent, cube in drawn.items()}
for agent, share in beating.items():
    print(f"{agent:20} {share.value:.0%} [{share.low:.0%}, {share.high:.0%}]")
plots.interval_figure(beating, label="share of settings better than random search", baseline=0.5)

# %% [markdown]
# ## 5. What explains the differences?
#
# An analysis of variance splits the differences between runs. If *setting* outweighs *agent*, a
# comparison of two agents with one setting each says little about the agents; if *seed* outweighs
# both, a comparison with one seed says nothing.

# %%
shares = variance_shares(drawn)
for source in shares:
    share = source.share
    print(f"{source.source:20} {share.value:.0%} [{share.low:.0%}, {share.high:.0%}]")
plots.variance_figure({f"{budget} evaluations": shares})

# %% [markdown]
# ## 6. Defaults, tuning, and the winner's curse
#
# Tuning picks the setting with the best mean score. On the very seeds it was picked by, it looks
# better than it is: some of it was luck. `tuned_scores` picks on one half of the seeds and judges
# on the other.

# %%
regrets = {row.agent: row.regret for row in sweep.agents[budget]}
table = pd.DataFrame(
    {
        "regret of the defaults (octaves)": {agent: str(regrets[agent]) for agent in drawn},
        "defaults": {agent: f"{defaults[agent].mean():.3f}" for agent in drawn},
        "a random setting": {agent: f"{cube.mean():.3f}" for agent, cube in drawn.items()},
        "tuned, as it looks": {
            agent: f"{cube.mean(axis=2).max(axis=1).mean():.3f}" for agent, cube in drawn.items()
        },
        "tuned, on other seeds": {
            agent: f"{tuned_scores(cube)[0].mean():.3f}" for agent, cube in drawn.items()
        },
    }
)
print(table.to_string())
print(f"random search: {random.mean():.3f}")

# %% [markdown]
# ## 7. So, are all agents equally good?
#
# Look at where the curves of section 3 end, and at their bands. A handful of settings and seeds
# cannot decide it: that is why the big lottery has more than 20,000 runs. `archgym report
# runs/lottery/fast` writes its page, and `experiments/lottery/README.md` holds the answers with
# their intervals.
