r"""Run agents on COCO's mixed-integer functions: an outside check, on nothing like hardware.

    pip install coco-experiment
    python -m experiments.agents.coco random_walk sobol genetic ant_colony policy_gradient \
        simulated_annealing local_search tree_search cmaes portfolio bayesian --seeds 1

The 24 functions of ``bbob-mixint`` in 5 dimensions (four whole numbers with 2 to 16 values, one
real number, here on a grid of 1001): Tusar, Brockhoff and Hansen, "Mixed-integer benchmark problems
for single- and bi-objective optimization", GECCO 2019. Optima are not told, so agents are ranked: 1
is the best of those named, on each function and seed.
"""

import argparse
import csv
import math
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from scipy.stats import rankdata

from archgym.agents import AGENTS
from archgym.problem import Evaluation, MetricSpec, Problem
from archgym.search import search
from archgym.space import Design, DesignSpace, Integer, Parameter, Real

GRID = 1001

SHIFT = 1100.0
"""Makes every value positive: optima are at least -1000 (Hansen et al., "Real-parameter black-box
optimization benchmarking 2009: noiseless functions definitions", section 0.1)."""


class CocoProblem(Problem):
    """One function of the suite; its metric is the value, shifted to be positive."""

    workload = "bbob-mixint"
    default_objective = "value"
    metrics = {
        "value": MetricSpec(name="value", unit="", direction="min", description="To minimise.")
    }

    def __init__(self, function: Any) -> None:
        self.name = f"coco/{function.id}"
        self._function = function
        integers = function.number_of_integer_variables
        bounds = zip(function.lower_bounds, function.upper_bounds, strict=True)
        parameters: list[Parameter] = [
            Integer(name=f"x{i}", low=int(low), high=int(high))
            if i < integers
            else Real(name=f"x{i}", low=float(low), high=float(high), steps=GRID)
            for i, (low, high) in enumerate(bounds)
        ]
        self.space = DesignSpace(parameters)
        self.default_design = self.space.decode(self.space.nvec // 2)

    def simulate(self, designs: Sequence[Design]) -> list[Evaluation]:
        """Return every design's value."""
        return [
            Evaluation(metrics={"value": float(self._function(list(design.values()))) + SHIFT})
            for design in designs
        ]


def best_values(agent: str, dimension: int, budget: int, seeds: Sequence[int]) -> list[float]:
    """Return the lowest value found, one per function and seed."""
    suite = import_module("cocoex").Suite(
        "bbob-mixint", "", f"dimensions: {dimension} instance_indices: 1"
    )
    found = []
    for function in suite:
        problem = CocoProblem(function)
        for seed in seeds:
            best = search(problem, agent, budget, seed).best
            found.append(math.inf if best is None else best.metrics["value"])
    return found


def main() -> None:
    """Measure the agents named on the command line, and write a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("agents", nargs="+", choices=list(AGENTS), metavar="AGENT")
    parser.add_argument("--dimension", type=int, default=5, help="5, 10, 20, 40, 80 or 160")
    parser.add_argument("--budget", type=int, default=200, help="evaluations per search")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("coco.csv"))
    options = parser.parse_args()
    seeds = range(options.seeds)
    table = [
        best_values(agent, options.dimension, options.budget, seeds) for agent in options.agents
    ]
    ranks = rankdata(table, axis=0)
    with options.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["agent", "budget", "mean_rank", "standard_error", "runs"])
        for agent, row in zip(options.agents, ranks, strict=True):
            error = row.std() / math.sqrt(len(row))
            cells = [agent, options.budget, f"{row.mean():.2f}", f"{error:.2f}", len(row)]
            writer.writerow(cells)
            print(*cells)


if __name__ == "__main__":
    main()
