"""What the proxies learn from: recorded searches, and the table of every design."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archgym.dataset import DataSet, merge_dataset
from archgym.envs import make_problem
from archgym.ground_truth import GroundTruth
from archgym.problem import Problem
from archgym.proxy import Examples
from archgym.search import search

TABLE = "dram-paper-stream-DDR4-2400"
CONFIG = {"workload": "stream", "memory": "DDR4-2400", "space": "paper"}
TARGETS = ("energy_pj", "power_mw", "latency_mean_ns", "time_ns")
AGENTS = (
    *("random_walk", "genetic", "ant_colony", "local_search"),
    *("simulated_annealing", "tree_search", "policy_gradient"),
)

Rows = NDArray[np.int64]


def truth_problem() -> tuple[GroundTruth, Problem]:
    """Return the table of every design, and the problem that is answered from it."""
    problem = make_problem("archgym/DRAM-v0", **CONFIG)
    truth = GroundTruth.load(TABLE, problem)
    return truth, make_problem("archgym/DRAM-v0", **CONFIG, evaluator=truth)


def recorded(folder: Path, agents: Sequence[str], seeds: int, budget: int) -> DataSet:
    """Return the trials of every agent and seed; what is recorded already is only read."""
    out = folder / "agents.parquet"
    _, problem = truth_problem()
    for agent in agents:
        for seed in range(seeds):
            search(problem, agent, budget, seed, out=folder / "runs" / agent / f"seed-{seed}")
    return merge_dataset([folder / "runs"], out, problems={problem.name: problem})


def everything(truth: GroundTruth) -> Examples:
    """Return every design of the table."""
    values = np.column_stack([truth.metrics[name] for name in TARGETS])
    return Examples(truth.vectors, values, truth.feasible, {})


def outcomes(examples: Examples) -> int:
    """Return how many different measurements there are."""
    return len(np.unique(examples.values, axis=0))


def pooled(examples: Examples, agents: Sequence[str], size: int, rng: np.random.Generator) -> Rows:
    """Return ``size`` different designs, as many from each agent as from every other.

    Returns:
        Rows; fewer where the agents have not asked for so many.
    """
    queues = [rng.permutation(np.flatnonzero(examples.agents[agent])) for agent in agents]
    taken: dict[int, None] = {}
    for turn in range(max(map(len, queues))):
        for queue in queues:
            if turn < len(queue) and len(taken) < size:
                taken.setdefault(int(queue[turn]))
    return np.array(list(taken), dtype=np.int64)


def without(examples: Examples, held: Examples) -> Examples:
    """Return the designs that ``held`` does not have."""
    kept = np.flatnonzero(~np.isin(examples.keys, held.keys))
    return some(examples, kept)


def some(examples: Examples, rows: Rows) -> Examples:
    """Return some of the designs."""
    return Examples(
        examples.vectors[rows],
        examples.values[rows],
        examples.feasible[rows],
        {agent: mask[rows] for agent, mask in examples.agents.items()},
    )


def joined(one: Examples, other: Examples) -> Examples:
    """Return the designs of two sets that share none."""
    return Examples(
        np.concatenate([one.vectors, other.vectors]),
        np.concatenate([one.values, other.values]),
        np.concatenate([one.feasible, other.feasible]),
        {},
    )
