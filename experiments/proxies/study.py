"""Measure proxies: accuracy by model, by data set size, by diversity of agents; speed; regret.

    python -m experiments.proxies.study --out experiments/proxies/results
    python -m experiments.proxies.study --stages page --out experiments/proxies/results

Labels are exact: the table of all 442,368 designs of the 2023 paper's space on the trace `stream`
answers for the simulator. The stages `models`, `splits`, `size`, `agents` and `search` each write
a CSV; `page` makes the page and the figure from them. A second problem enters with ``--second``:
a data set of simulated designs (see `archgym dataset merge`).
"""

import csv
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from archgym.dataset import DataSet
from archgym.envs import make_problem
from archgym.problem import Problem
from archgym.proxy import MODELS, Examples, Proxy, fit_proxy
from archgym.search import search
from archgym.space import DesignSpace
from experiments.proxies._data import (
    AGENTS,
    CONFIG,
    TARGETS,
    Rows,
    everything,
    outcomes,
    pooled,
    recorded,
    some,
    truth_problem,
    without,
)
from experiments.proxies._page import write_page

PAPER_ROWS = 109_032
"""Rows of the 2023 paper's DRAM data set, of which a fifth was held out."""

PAPER_SIMULATOR_S = 0.040
"""What DRAMSys 4.0 takes for a design on 10,000 requests, with start-up, as the paper has it."""

STAGES = ("models", "splits", "size", "agents", "search", "page")


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Measure proxies and write CSV files, a figure and a page."""

    out: Path = Path("experiments/proxies/results")
    """Folder of the results."""
    work: Path = Path("runs/proxies")
    """Folder of the recorded searches; those that are there are only read."""
    stages: Annotated[tuple[str, ...], tyro.conf.arg(metavar="STAGE...")] = STAGES
    """What to do: models, splits, size, agents, search, page."""
    second: Path | None = None
    """A data set of another problem, for the stage models."""
    rows: int = PAPER_ROWS
    """Different designs of the stages models and splits; a fifth of them is held out."""
    test: int = 20_000
    """Designs of the whole space, drawn at random, on which the stages size and agents test."""
    seeds: int = 30
    """Runs of each agent."""
    budget: int = 700
    """Evaluations of each run."""
    repeats: int = 3
    """Draws of each training set."""


def main(study: Study) -> None:
    """Run the stages."""
    for name in study.stages:
        if name not in STAGES:
            raise SystemExit(f"There is no stage {name!r}. Stages: {', '.join(STAGES)}.")
    stages: dict[str, Callable[[Study], Iterable[Mapping[str, Any]]]] = {
        "models": _models,
        "splits": _splits,
        "size": _size,
        "agents": _agents,
        "search": _search,
    }
    for name in study.stages:
        if name == "page":
            print(f"wrote {write_page(study.out)}")
            continue
        started = time.monotonic()
        rows = [dict(row) for row in stages[name](study)]
        write_csv(study.out / f"{name}.csv", rows)
        print(f"{name}: {len(rows)} rows, {time.monotonic() - started:.0f} s", flush=True)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that have the same keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _space() -> DesignSpace:
    return make_problem("archgym/DRAM-v0", **CONFIG).space


def _sample(examples: Examples, count: int, seed: int) -> Examples:
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    return some(examples, np.sort(rng.permutation(len(examples))[:count]))


def _flat(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return scores as one row of columns, figures with six digits."""
    return {
        f"{target}.{name}": f"{row[name]:.6g}" if row[name] is not None else ""
        for target, row in scores.items()
        for name in ("rmse_percent", "spearman", "coverage", "agreed", "coverage_rest")
    }


# ---------------------------------------------------------------- models


def _models(study: Study) -> Iterable[dict[str, Any]]:
    truth, _ = truth_problem()
    problem = make_problem("archgym/DRAM-v0", **CONFIG)
    first = _sample(everything(truth), study.rows, 0)
    yield from _all_models(problem, first)
    if study.second is not None:
        dataset = DataSet.load(study.second)
        yield from _all_models(dataset.problem(), Examples.of(dataset, TARGETS))


def _all_models(problem: Problem, examples: Examples) -> Iterable[dict[str, Any]]:
    train, test = examples.split("design", 0.2, 0)
    own_s = _simulator_s(problem)
    for model in MODELS:
        started = time.process_time()
        proxy = fit_proxy(examples, train, problem.space, model, TARGETS)
        fit_s = time.process_time() - started
        tested = test[:2000] if model == "gaussian_process" else test
        design_s = _prediction_s(proxy, examples.vectors[tested])
        row = {
            "problem": f"{problem.workload} on {problem.config['memory']}",
            "model": model,
            "train": len(train),
            "test": len(tested),
            "fit_s": f"{fit_s:.1f}",
            "us_per_design": f"{1e6 * design_s:.3g}",
            "times_dramsys": f"{PAPER_SIMULATOR_S / design_s:.0f}",
            "own_simulator_us": f"{1e6 * own_s:.0f}",
            "times_own": f"{own_s / design_s:.0f}",
            **_flat(proxy.score(examples, tested)),
        }
        print(row, flush=True)
        yield row


def _simulator_s(problem: Problem, designs: int = 100) -> float:
    """Return processor seconds of our simulator per design, over random designs."""
    rng = np.random.default_rng(np.random.SeedSequence(1))
    chosen = [problem.space.sample(rng) for _ in range(designs)]
    started = time.process_time()
    problem.evaluate(chosen)
    return (time.process_time() - started) / designs


def _prediction_s(proxy: Proxy, vectors: Any) -> float:
    """Return processor seconds per design of predictions in one batch, the least of three."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

    times = []
    with threadpool_limits(1):
        for _ in range(3):
            started = time.process_time()
            proxy.predict(vectors)
            times.append(time.process_time() - started)
    return min(times) / len(vectors)


# ---------------------------------------------------------------- splits


def _splits(study: Study) -> Iterable[dict[str, Any]]:
    """How much easier is a split by row, or by design, than one by outcome?"""
    truth, _ = truth_problem()
    examples = _sample(everything(truth), study.rows, 0)
    for kind in ("design", "outcome"):
        for model in ("extra_trees", "boosted_trees"):
            train, test = examples.split(kind, 0.2, 0)
            proxy = fit_proxy(examples, train, _space(), model, TARGETS)
            yield {
                "split": kind,
                "model": model,
                "train": len(train),
                "test": len(test),
                "outcomes_train": outcomes(some(examples, train)),
                "outcomes_test": outcomes(some(examples, test)),
                **_flat(proxy.score(examples, test)),
            }


# ---------------------------------------------------------------- size and diversity


def _size(study: Study) -> Iterable[dict[str, Any]]:
    """RMSE against the number of designs, drawn from the space or asked for by 1, 2, ... agents."""
    truth, _ = truth_problem()
    whole = everything(truth)
    test = _sample(whole, study.test, 99)
    space = _space()
    own = Examples.of(recorded(study.work, AGENTS, study.seeds, study.budget), TARGETS)
    held = _sample(own, len(own) // 5, 98)
    left = without(without(own, test), held)
    uniform = without(whole, test)
    print(f"{len(own):,} different designs of {len(AGENTS)} agents", flush=True)
    mixes: list[tuple[str, Sequence[str]]] = [(agent, (agent,)) for agent in AGENTS]
    mixes += [("2 agents", AGENTS[:2]), ("4 agents", AGENTS[:4]), ("7 agents", AGENTS)]
    for repeat in range(study.repeats):
        for count in (500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000):
            for name, agents in [*mixes, ("uniform", ())]:
                rng = np.random.default_rng(np.random.SeedSequence([repeat, count]))
                source = left if agents else uniform
                rows = (
                    pooled(left, agents, count, rng)
                    if agents
                    else rng.permutation(len(uniform))[:count]
                )
                if len(rows) < count or count * repeat >= 2 * 32_000:
                    continue
                yield _curve_point(space, some(source, rows), test, held, name, repeat)


def _curve_point(
    space: DesignSpace, train: Examples, test: Examples, held: Examples, name: str, repeat: int
) -> dict[str, Any]:
    proxy = fit_proxy(train, np.arange(len(train)), space, "extra_trees", TARGETS, seed=repeat)
    anywhere = proxy.score(test, np.arange(len(test)))
    asked = proxy.score(held, np.flatnonzero(~np.isin(held.keys, train.keys)))
    return {
        "data": name,
        "train": len(train),
        "outcomes": outcomes(train),
        "repeat": repeat,
        **{f"anywhere.{n}": v for n, v in _flat(anywhere).items() if "rmse" in n},
        **{f"asked.{n}": v for n, v in _flat(asked).items() if "rmse" in n},
    }


def _agents(study: Study) -> Iterable[dict[str, Any]]:
    """Train on one agent's designs, test on those that only another one asked for."""
    own = Examples.of(recorded(study.work, AGENTS, study.seeds, study.budget), TARGETS)
    space = _space()
    size = min(int(own.agents[agent].sum()) for agent in AGENTS)
    for trained in AGENTS:
        rng = np.random.default_rng(np.random.SeedSequence(0))
        rows: Rows = pooled(own, (trained,), size, rng)
        proxy = fit_proxy(own, rows, space, "extra_trees", TARGETS)
        for tested in AGENTS:
            others = np.flatnonzero(own.agents[tested] & ~own.agents[trained])
            if tested == trained:
                others = np.setdiff1d(np.flatnonzero(own.agents[tested]), rows)
            if len(others) < 100:
                continue
            scores = proxy.score(own, others)
            yield {
                "trained_on": trained,
                "train": len(rows),
                "tested_on": tested,
                "test": len(others),
                **_flat(scores),
            }


# ---------------------------------------------------------------- search


def _search(study: Study) -> Iterable[dict[str, Any]]:
    """Search on proxies of more and more designs; simulate the best ten; how far from the best?"""
    truth, simulated = truth_problem()
    whole, space = everything(truth), _space()
    objective = simulated.objective()
    _, optimum = truth.best(objective)
    for count in (250, 500, 1000, 2000, 4000, 16_000, 64_000):
        for repeat in range(study.repeats):
            train = _sample(whole, count, 1000 + repeat)
            proxy = fit_proxy(
                train,
                np.arange(count),
                space,
                "extra_trees",
                TARGETS,
                seed=repeat,
                info={"fingerprint": "study"},
            )
            problem = make_problem("archgym/DRAM-v0", **CONFIG, evaluator=proxy)
            found = search(problem, "genetic", 2000, repeat)
            ranked = sorted(
                (trial for trial in found.trials if not trial.cached),
                key=lambda trial: (-trial.reward, trial.indices),
            )[:10]
            rewards = [objective.reward(e) for e in truth.evaluate([t.design for t in ranked])]
            seen = objective_rewards(simulated, train)
            direct = search(simulated, "genetic", count + 10, repeat)
            yield {
                "train": count,
                "repeat": repeat,
                "proxy_evaluations": found.evaluations,
                "proxy_ms_per_evaluation": f"{1e3 * found.evaluate_seconds / 2000:.3g}",
                "regret_first": f"{optimum - rewards[0]:.6g}",
                "regret_top_10": f"{optimum - max(rewards):.6g}",
                "regret_training_set": f"{optimum - seen:.6g}",
                "regret_simulator_same_simulations": f"{optimum - (direct.best_reward or 0):.6g}",
            }


def objective_rewards(problem: Problem, examples: Examples) -> float:
    """Return the best reward among designs that were simulated anyway."""
    objective = problem.objective()
    designs = [problem.space.decode(row) for row in examples.vectors]
    return max(objective.reward(found) for found in problem.evaluate(designs))


if __name__ == "__main__":
    main(tyro.cli(Study))
