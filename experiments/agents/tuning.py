"""Choose the agents' defaults by random search, on problems and seeds that are reported nowhere.

    python -m experiments.agents.tuning genetic local_search
    python -m experiments.agents.tuning --settings 16 simulated_annealing ant_colony ...

Memory controllers in the largest space (227 million designs) of DDR4-1866 under four workloads of
500 requests; the reported problems have other workloads, memories and spaces, and seeds below
1000. First stage: ``settings`` draws from the agent's search ranges, and its present defaults, with
the seeds 1000, 1001, ... Second stage: the best few of the first and the defaults again, with
seeds from 2000, as the best of many draws owes part of its rank to luck. The table holds both;
the defaults became the best of the second stage if it is a quarter of a rank ahead of them.
"""

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from archgym.agents import AGENTS
from archgym.envs import make_problem
from archgym.problem import Problem
from archgym.search import search

Floats = NDArray[np.float64]

WORKLOADS = ("kv-cache", "zipf-embedding", "mixed-streams", "fft")
MEMORY, REQUESTS = "DDR4-1866", 500
FIRST_SEED, SECOND_SEED = 1000, 2000

MARKS = (0.1, 0.3, 1.0)
"""Shares of the budget at which the best reward so far is ranked."""

FINALISTS = 4

Setting = dict[str, Any]
COLUMNS = ("agent", "stage", "setting", "mean_rank", "mean_reward", "runs", "hyperparameters")


@cache
def problem(workload: str) -> Problem:
    """Return one of the problems to tune on."""
    return make_problem(
        "archgym/DRAM-v0",
        workload=workload,
        memory=MEMORY,
        space="full",
        requests=REQUESTS,
        threads=1,
    )


def draw_settings(agent: str, count: int) -> list[Setting]:
    """Return the defaults, as an empty setting, and ``count`` draws from the search ranges."""
    ranges = AGENTS[agent].Config.search_ranges()
    rng = np.random.default_rng(0)
    return [{}, *(dict(ranges.sample(rng)) for _ in range(count))]


def rewards(agent: str, setting: Setting, workload: str, seed: int, budget: int) -> list[float]:
    """Return the best reward so far at every mark of one search."""
    trials = search(problem(workload), agent, budget, seed, hyperparameters=setting).trials
    spent = [t for t in trials if not t.cached]
    marks = [spent[: max(1, round(budget * mark))] for mark in MARKS]
    return [max((t.reward for t in part if t.feasible), default=-np.inf) for part in marks]


def measure(
    agent: str, settings: Sequence[Setting], seeds: Sequence[int], budget: int
) -> tuple[Floats, Floats]:
    """Return every setting's mean rank, 1 is best, and mean reward at the end of the budget."""
    blocks = [(workload, seed) for workload in WORKLOADS for seed in seeds]
    table = np.array(
        [[rewards(agent, setting, *block, budget) for block in blocks] for setting in settings]
    )
    ranks = rankdata(-table, axis=0)
    return ranks.mean(axis=(1, 2)), table[:, :, -1].mean(axis=1)


def tune(agent: str, settings: int, seeds: int, budget: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table: every setting of both stages."""
    drawn = draw_settings(agent, settings)
    numbers = list(range(len(drawn)))
    for stage, first, count in ((1, FIRST_SEED, seeds), (2, SECOND_SEED, 2 * seeds)):
        chosen = [drawn[number] for number in numbers]
        ranks, means = measure(agent, chosen, range(first, first + count), budget)
        for number, rank, mean in zip(numbers, ranks, means, strict=True):
            yield {
                "agent": agent,
                "stage": stage,
                "setting": number,
                "mean_rank": round(float(rank), 2),
                "mean_reward": round(float(mean), 4),
                "runs": count * len(WORKLOADS),
                "hyperparameters": json.dumps(
                    AGENTS[agent].Config.from_dict(drawn[number]).to_dict()
                ),
            }
        best = [numbers[i] for i in np.argsort(ranks)[:FINALISTS]]
        numbers = sorted({0, *best})


def main() -> None:
    """Tune the agents named on the command line, and add the rows to the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("agents", nargs="+", choices=list(AGENTS), metavar="AGENT")
    parser.add_argument("--settings", type=int, default=24, help="draws per agent")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the first stage")
    parser.add_argument("--budget", type=int, default=300, help="evaluations per search")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("tuning.csv"))
    options = parser.parse_args()
    new = not options.out.exists()
    with options.out.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        for agent in options.agents:
            for row in tune(agent, options.settings, options.seeds, options.budget):
                writer.writerow(row)
                print(*(row[name] for name in COLUMNS), flush=True)
            file.flush()


if __name__ == "__main__":
    main()
