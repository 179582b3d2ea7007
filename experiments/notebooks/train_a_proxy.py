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
# # Train a proxy
#
# A proxy learns from designs that were simulated to predict those that were not, and answers in
# place of the simulator. How far can it be trusted, and does it pay? Every design of this space was
# simulated once, so that both can be answered rather than hoped for. Needs `pip install
# 'archgym[proxy]'`.

# %%
# ruff: noqa: D100, D103
import os
import tempfile
import time

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

import archgym
from archgym import plots
from archgym.dataset import DataSet, merge_dataset
from archgym.ground_truth import GroundTruth
from archgym.proxy import Proxy, train_proxy, verify_winners
from archgym.space import Design
from archgym.stats import bootstrap

# Simulations of each agent, and evaluations of the search on the proxy.
BUDGET = int(os.environ.get("ARCHGYM_NOTEBOOK_BUDGET", "400"))
PROXY_BUDGET = 5 * BUDGET
SEEDS = int(os.environ.get("ARCHGYM_NOTEBOOK_SEEDS", "5"))
VERIFIED = 10  # designs to simulate in the end
SEED = 0
TARGETS = ("latency_mean_ns", "energy_pj", "time_ns", "power_mw")

# %% [markdown]
# ## 1. Data: the trials of searches
#
# Any recorded search is training data. One agent draws designs at random, one exploits what it
# finds; they see different parts of the space.

# %%
CONFIG = {"workload": "bzip2", "memory": "DDR3-1600", "space": "paper", "threads": 1}
problem = archgym.make_problem("archgym/DRAM-v0", **CONFIG)
with tempfile.TemporaryDirectory() as folder:
    for agent in ("random_walk", "genetic"):
        archgym.search(problem, agent, BUDGET, SEED, out=f"{folder}/{agent}")
    merge_dataset([folder], f"{folder}/trials.parquet")
    dataset = DataSet.load(f"{folder}/trials.parquet")
simulated = dataset.summary()
print(pd.DataFrame(simulated.agents).to_string(index=False))
print(f"{simulated.designs} different designs, {simulated.simulator_s:.1f} s of simulation")

# %% [markdown]
# ## 2. Train, and test on other designs
#
# The split is by *design*: a design that two agents asked for is on one side only. Intervals are
# calibrated on designs that were held back, and should cover 90 %.

# %%
started = time.perf_counter()
proxy = train_proxy(dataset, "extra_trees", TARGETS, seed=SEED)
trained_s = time.perf_counter() - started
print(f"learnt from {proxy.info['designs']['learnt']} designs in {trained_s:.1f} s")
columns = ["rmse_percent", "mape_percent", "spearman", "coverage", "width_percent"]
print(proxy.scores[columns].round(3).to_string())

# %% [markdown]
# Is that so everywhere? The table of all 442,368 designs knows. The test above drew from what the
# agents asked for; a design drawn from the whole space is less like the training data. RMSE is
# ruled by a few controllers that queue a hundred times longer than the others, the rank correlation
# is not.

# %%
truth = GroundTruth.load("dram-paper-bzip2-DDR3-1600", problem)
rows = np.random.default_rng(SEED).choice(len(truth), 20_000, replace=False)
actual = np.column_stack([truth.metrics[name][rows] for name in TARGETS])


def anywhere(proxy: Proxy) -> pd.DataFrame:
    found = proxy.predict(truth.vectors[rows])
    errors = np.sqrt(np.mean((found.mean - actual) ** 2, axis=0))
    return pd.DataFrame(
        {
            "rmse_percent": 100 * errors / actual.mean(axis=0),
            "spearman": [
                spearmanr(x, y).statistic for x, y in zip(found.mean.T, actual.T, strict=True)
            ],
            "coverage": np.mean((found.lower <= actual) & (actual <= found.upper), axis=0),
        },
        index=list(TARGETS),
    ).round(3)


print(anywhere(proxy).to_string())

# %%
column = TARGETS.index("latency_mean_ns")
found = proxy.predict(truth.vectors[rows]).mean[:, column]
axis = plots.Axis(name="latency_mean_ns", unit="ns")
plots.prediction_figure(actual[:, column], found, axis)

# %% [markdown]
# ## 3. Whose data?
#
# The other split is by *agent*: learn from one agent's designs, test on those that only the other
# asked for. Two things mix in such a score: what the teacher saw, and how hard the questions are
# (the good designs that an optimiser asks for differ little, and are hard to rank). The column
# "anywhere" asks both the same questions.

# %%
transfer = {}
for teacher in ("random_walk", "genetic"):
    taught = train_proxy(
        dataset, "extra_trees", TARGETS, split="agent", train_agents=[teacher], seed=SEED
    )
    transfer[teacher, "the other agent's"] = taught.scores["spearman"].round(3)
    transfer[teacher, "anywhere"] = anywhere(taught)["spearman"]
ranks = pd.DataFrame(transfer).T.rename_axis(["learnt from", "tested on designs"])
print("rank correlation\n" + ranks.to_string())

# %% [markdown]
# ## 4. Search on the proxy, and verify
#
# A proxy is an evaluator: the same search, several times the designs. What it returns are
# *predictions*, and the best of thousands is often the luckiest error. So the winners are simulated
# before anybody believes them: designs of different predictions, as those of which the same is
# predicted are most likely the same.

# %%
stand_in = archgym.make_problem("archgym/DRAM-v0", **CONFIG, evaluator=proxy)
on_proxy = archgym.search(stand_in, "genetic", PROXY_BUDGET, SEED)
checked = verify_winners(problem, [on_proxy], VERIFIED)
simulate_s = checked.simulator_design_s
verified = pd.DataFrame(
    {"predicted reward": winner.predicted_reward, "simulated reward": winner.reward}
    for winner in checked.winners
)
print(verified.round(3).to_string())
print(f"the optimum is {checked.optimum_reward:.3f}")

# %% [markdown]
# ## 5. Does it pay?
#
# Compare equals: the simulations that the training data and the verification cost could as well
# have been spent on a longer search. Both are repeated with several seeds (on the table, where they
# take no time). Then a second question is asked of the same space, where the proxy is there already
# and only the winners have to be simulated. Regret is in octaves; the best design of the training
# data counts, as it was paid for.


# %%
def regrets(seed: int, folder: str) -> dict[str, float]:
    exact = archgym.make_problem("archgym/DRAM-v0", **CONFIG, evaluator=truth)
    for agent in ("random_walk", "genetic"):
        archgym.search(exact, agent, BUDGET, seed, out=f"{folder}/{agent}")
    data = merge_dataset([folder], f"{folder}/trials.parquet")
    learnt = train_proxy(data, "extra_trees", TARGETS, seed=seed, problem=exact)
    stand_in = archgym.make_problem("archgym/DRAM-v0", **CONFIG, evaluator=learnt)
    found = {}
    for name, spec in QUESTIONS.items():
        bound, optimum = exact.objective(spec), OPTIMA[name]
        known = max(bound.reward(e) for e in exact.evaluate(designs_of(data)))
        promising = archgym.search(stand_in, "genetic", PROXY_BUDGET, seed, objective=spec)
        best = verify_winners(exact, [promising], VERIFIED).best.reward
        simulations = 2 * BUDGET + VERIFIED if name == "first question" else VERIFIED
        found[f"{name}: proxy, {simulations} simulations"] = optimum - max(best, known)
        for budget in sorted({simulations, 2 * BUDGET + VERIFIED}):
            direct = archgym.search(exact, "genetic", budget, seed, objective=spec)
            found[f"{name}: direct, {budget} simulations"] = optimum - (direct.best_reward or 0.0)
    return found


def designs_of(data: DataSet) -> list[Design]:
    return [problem.space.decode(vector) for vector in np.unique(data.vectors, axis=0)]


QUESTIONS = {
    "first question": problem.objective().spec,
    "second question": "product:time_ns*power_mw^2",
}
OPTIMA = {name: truth.best(problem.objective(spec))[1] for name, spec in QUESTIONS.items()}
repeated = []
for seed in range(SEEDS):
    with tempfile.TemporaryDirectory() as folder:
        repeated.append(regrets(seed, folder))
table = pd.DataFrame(repeated)
averages = {
    name: bootstrap([table[name]], lambda sample: sample.mean(axis=(-2, -1))) for name in table
}
for name, average in averages.items():
    print(f"{name:45} {average}")
plots.interval_figure(averages, label=f"mean regret over {SEEDS} seeds (octaves), 95 % interval")

# %% [markdown]
# ## 6. What it costs and saves
#
# A search that asks for one design at a time pays for a call each time; a batch is where a proxy is
# fast. Break-even is the number of evaluations from which on it saves time, training data included.

# %%
started = time.perf_counter()
proxy.predict(truth.vectors[rows])
batch_s = (time.perf_counter() - started) / len(rows)
call_s = on_proxy.evaluate_seconds / on_proxy.evaluations
paid_s = simulated.simulator_s + trained_s + VERIFIED * simulate_s
print(f"simulator: {1e3 * simulate_s:.2f} ms per design")
print(f"proxy: {1e3 * call_s:.3f} ms as the agent asked, {1e3 * batch_s:.4f} ms in one batch")
print(f"data, training and verification: {paid_s:.1f} s")
if simulate_s > call_s:
    print(f"break-even at {paid_s / (simulate_s - call_s):,.0f} evaluations")

# %%
needed = 2 * BUDGET + VERIFIED
slow = pd.DataFrame(
    {
        "a simulation takes": f"{seconds:g} s",
        f"with the proxy: {needed} of them": f"{needed * seconds / 3600:.2g} h",
        f"without: {PROXY_BUDGET:,}": f"{PROXY_BUDGET * seconds / 3600:.2g} h",
        f"second question: {VERIFIED}": f"{VERIFIED * seconds / 3600:.2g} h",
    }
    for seconds in (0.01, 1, 60)
)
print(slow.to_string(index=False))

# %% [markdown]
# This simulator answers in milliseconds, and for one question the simulations are as well spent on
# a longer search. A proxy pays where a simulation takes minutes, and where many questions are asked
# of the same data: the second one cost ten simulations. `experiments/proxies/` measures five models
# with much more data.
#
# On the command line:
#
# ```sh
# archgym search --workload bzip2 --memory DDR3-1600 --space paper \
#     --agents random_walk genetic --seeds 1 --budget 400 --out runs/data
# archgym dataset merge trials.parquet runs/data
# archgym proxy train trials.parquet --model extra_trees --out runs/proxy
# archgym search --workload bzip2 --memory DDR3-1600 --space paper \
#     --agents genetic --seeds 1 --budget 2000 --evaluator runs/proxy --verify 10
# ```
