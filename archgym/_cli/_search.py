"""``archgym search``: agents on a problem, recorded and resumable."""

import inspect
import json
import os
import re
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from archgym._cli import _search_proxy
from archgym._cli._problem import ProblemOptions, parse_assignments, typed
from archgym._text import change, duration, number, quantity
from archgym.errors import FailedRunsError, InvalidConfigError, did_you_mean
from simulators._terminal import Output, grid

if TYPE_CHECKING:
    import pandas as pd

    from archgym.problem import Problem
    from archgym.report import Section
    from archgym.study import RunOutcome, StudyResult

DEFAULT_AGENTS = ("random_walk", "genetic", "ant_colony", "bayesian")


@dataclass(frozen=True, kw_only=True)
class Search(ProblemOptions):
    """Search a problem with agents x seeds; the same command again goes on where it stopped."""

    agents: Annotated[tuple[str, ...], arg(metavar="AGENT...")] = DEFAULT_AGENTS
    """Names of agents."""
    seeds: int = 3
    """Runs of each agent, with the seeds 0, 1, ..."""
    budget: int = 500
    """Simulator evaluations of each run; repeated designs are free."""
    out: Path | None = None
    """Folder to record the runs in; by default runs/PROBLEM-WORKLOAD-MEMORY."""
    jobs: int = os.cpu_count() or 1
    """Runs at the same time."""
    hyperparameter: Annotated[tuple[str, ...], arg(metavar="AGENT.NAME=VALUE...")] = ()
    """Hyperparameters that differ from an agent's defaults, e.g. genetic.population=80."""
    evaluator: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Search on a proxy, see `archgym proxy train`, in place of the simulator."""
    verify: Annotated[int, arg(metavar="TOP_K")] = 10
    """Of a search on a proxy: best designs to simulate in the end, of different predictions if it
    made so many; 0 for none."""
    report: bool = False
    """Also write report.html."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Search, then write the table of agents and what to do next."""
        from archgym.agents import resolve_agent
        from archgym.study import run_study

        for name, value in (("seeds", self.seeds), ("budget", self.budget), ("jobs", self.jobs)):
            if value < 1:
                raise InvalidConfigError(f"--{name} {value} is not allowed. Use at least 1.")
        if self.verify < 0:
            raise InvalidConfigError(f"--verify {self.verify} is not allowed. Use at least 0.")
        problem, factory, config = self._searched()
        problem.objective(self.objective)
        out = self.out or default_folder(problem, on_proxy=self.evaluator is not None)
        hyperparameters = _hyperparameters(self.hyperparameter, self.agents)
        for agent in self.agents:
            resolve_agent(agent, hyperparameters.get(agent))
        _check_writable(out)
        _announce(output, problem, self, out)
        if self.evaluator is not None:
            _search_proxy.announce(output, problem)
        started = time.monotonic()
        try:
            with self._progress(output) as progress:
                result = run_study(
                    factory,
                    config,
                    self.agents,
                    self.seeds,
                    self.budget,
                    self.objective,
                    out,
                    self.jobs,
                    progress,
                    hyperparameters=hyperparameters,
                )
        except KeyboardInterrupt:
            output.note("Interrupted. Nothing is lost: the same command goes on from here.")
            raise
        except FailedRunsError as error:
            result = error.result
        return _finish(output, self, problem, result, time.monotonic() - started)

    def _searched(self) -> "tuple[Problem, str | Callable[..., Problem], dict[str, Any]]":
        """Return the problem to search, and what makes it in another process."""
        if self.evaluator is None:
            problem = self.make()
            return problem, self.problem, self._study_config(problem)
        from archgym.proxy._verify import proxied_problem

        config = {"name": self.problem, "evaluator": str(self.evaluator.resolve()), **self.config}
        return proxied_problem(**config), proxied_problem, config

    def _progress(self, output: Output) -> Any:
        from archgym.progress import StudyProgress

        runs = len(dict.fromkeys(self.agents)) * self.seeds
        return StudyProgress(output.stderr, runs=runs, budget=self.budget)

    def _study_config(self, problem: "Problem") -> dict[str, Any]:
        """The problem's arguments; processes share the cores, so that each takes one thread."""
        if self.jobs > 1 and "threads" in problem.config:
            return {**self.config, "threads": 1}
        return self.config


def default_folder(problem: "Problem", *, on_proxy: bool = False) -> Path:
    """Return ``runs/PROBLEM-WORKLOAD-MEMORY`` in lower case, on a proxy with ``-on-proxy``."""
    memory = problem.config.get("memory")
    parts = [problem.name.rpartition("/")[2], problem.workload]
    parts += [memory] if isinstance(memory, str) else []
    parts += ["on-proxy"] if on_proxy else []
    return Path("runs") / re.sub(r"[^a-z0-9.]+", "-", "-".join(parts).lower())


def _hyperparameters(texts: tuple[str, ...], agents: Sequence[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for key, value in parse_assignments(texts, "--hyperparameter").items():
        agent, dot, name = key.partition(".")
        if not (agent and dot and name):
            raise InvalidConfigError(
                f"--hyperparameter {key!r} names no agent. Write AGENT.NAME=VALUE, "
                f"as in {agents[0]}.NAME=VALUE."
            )
        if agent not in agents:
            raise InvalidConfigError(
                f"--hyperparameter {key!r} is of an agent that does not search. Searching: "
                f"{', '.join(agents)}.{did_you_mean(agent, agents)}"
            )
        found.setdefault(agent, {})[name] = typed(value)
    return found


def _check_writable(out: Path) -> None:
    """Fail once and early, before every run of the study fails."""
    out.mkdir(parents=True, exist_ok=True)
    if not os.access(out, os.W_OK):
        raise PermissionError(13, "Permission denied", str(out))


def _announce(output: Output, problem: "Problem", options: Search, out: Path) -> None:
    agents = list(dict.fromkeys(options.agents))
    memory = problem.config.get("memory")
    where = f" and {memory}" if isinstance(memory, str) else ""
    output.note(
        f"{problem.name} on {problem.workload}{where}: {problem.space.size:,} designs, objective "
        f"{problem.objective(options.objective).spec}\n"
        f"{', '.join(agents)} x {options.seeds} seed{'s' if options.seeds > 1 else ''} x "
        f"{options.budget} evaluations -> {out}"
    )


def _finish(
    output: Output, options: Search, problem: "Problem", result: "StudyResult", elapsed_s: float
) -> int:
    from archgym.report import sections_of

    for failure in result.failures:
        output.note(f"{failure.label} failed: {failure.error}")
    if len(result.failures) == len(result.outcomes):
        return _failed(result)
    complete = [outcome for outcome in result.outcomes if outcome.status == "complete"]
    (section,) = sections_of({outcome.label: outcome.folder for outcome in complete})
    rates = {
        agent: _rate(result.outcomes, agent, problem) for agent in set(section.trials["agent"])
    }
    summary = _summary(section)
    page = _page(result.folder) if options.report else None
    output.show(
        _table(section, summary, rates, problem.work[1]), *_verdict(section, elapsed_s, result)
    )
    payload = _payload(section, summary, rates, problem, result, page, elapsed_s)
    if options.evaluator is not None and options.verify:
        folders = [outcome.folder for outcome in complete]
        payload["verification"] = _search_proxy.verify(
            output, options.make(), folders, options.verify
        )
    output.show(*_next_steps(section, result.folder, page, simulated=options.evaluator is None))
    output.result(payload)
    return _failed(result) if result.failures else 0


def _failed(result: "StudyResult") -> int:
    """A folder or file that does not fit is the caller's to mend: 2; anything else is 1."""
    return 2 if all(f.error.startswith("RecordError") for f in result.failures) else 1


def _summary(section: "Section") -> "pd.DataFrame":
    from archgym.stats import summarize_agents

    return summarize_agents(
        section.trials, section.headline_metrics, default_reward=section.default_reward
    )


def _rate(outcomes: "Sequence[RunOutcome]", agent: str, problem: "Problem") -> float | None:
    """Return what was simulated per second of simulation, in the problem's unit of work."""
    mine = [outcome for outcome in outcomes if outcome.agent == agent]
    seconds = sum(outcome.evaluate_seconds for outcome in mine)
    work = problem.work[0] * sum(outcome.evaluations for outcome in mine)
    return work / seconds if seconds > 0 else None


def _table(
    section: "Section", summary: "pd.DataFrame", rates: Mapping[str, float | None], work: str
) -> Any:
    from archgym.report import ALWAYS_SHOWN

    names = section.headline_metrics
    always = [name for name in ALWAYS_SHOWN if name in names]
    shown = list(dict.fromkeys([*names[:1], *always, *names[1:]]))[:2]
    axes = [section.axis(name) for name in shown]
    headers = ["agent", ">mean reward", ">best reward"]
    headers += [f">{axis.label.split(' (')[0]}" for axis in axes]
    headers += [">to 95 %", f">{work}/s", ">cached", ">failed"]
    rows = [
        [
            row["agent"],
            _spread(row["best_mean"], row["best_std"]),
            number(row["best"]),
            *[quantity(row[axis.name], axis.unit) for axis in axes],
            "-" if row["to_95"] == float("inf") else number(row["to_95"]),
            _rounded(rates[row["agent"]]),
            row["cached"],
            row["failed"],
        ]
        for _, row in summary.iterrows()
    ]
    return grid(headers, rows)


def _rounded(rate: float | None) -> str:
    return "-" if rate is None else f"{round(rate, -3):,.0f}" if rate >= 10_000 else number(rate, 3)


def _spread(mean: float, spread: float) -> str:
    return number(mean) if spread != spread else f"{number(mean)} ± {number(round(spread, 9), 2)}"


def _verdict(section: "Section", elapsed_s: float, result: "StudyResult") -> list[str]:
    best, reference = section.best, section.reference
    spent = sum(outcome.evaluations for outcome in result.outcomes)
    lines = [
        "\nMetrics are those of the agent's best design. To 95 %: evaluations until a run had 95 % "
        "of\nthe best improvement of all, median over seeds; - is never.",
        f"\n{spent:,} evaluations in {duration(elapsed_s)}.",
    ]
    if best is None:
        return [*lines, "No feasible design was found. Raise --budget, or relax the problem."]
    if reference is not None:
        changes = ", ".join(
            f"{section.axis(name).label.split(' (')[0]} "
            + change(best[f"metric.{name}"], reference.metrics[name], section.axis(name).direction)
            for name in section.headline_metrics
        )
        lines.append(f"The best design against the default one: {changes}.")
    return lines


def _next_steps(
    section: "Section", folder: Path, page: Path | None, *, simulated: bool
) -> list[str]:
    steps = [
        (f"open {page}", "all of this as a page")
        if page is not None
        else (f"archgym report {folder}", "all of this as a page"),
    ]
    if simulated:
        again = "simulate the best design again, compare every number"
        steps.append((f"archgym replay {folder}", again))
    command = _evaluate_command(section)
    if command:
        steps.append((command, "the best design in full"))
    return ["\nNext:", *[f"  {step}\n      {remark}" for step, remark in steps]]


def _evaluate_command(section: "Section") -> str:
    """Return the command that evaluates the best design, with what differs from the default one."""
    if section.best is None or section.problem is None:
        return ""
    default = section.problem.default_design
    changed = [
        f"{name}={value}"
        for name, value in section.design(section.best).items()
        if default.get(name) != value
    ]
    options: list[str] = []
    others: list[str] = []
    for name, value in section.problem.config.items():
        if name in ProblemOptions.ARGUMENTS and isinstance(value, str | int):
            options += [f"--{name}", str(value)]
        elif name not in ("objective", "threads", "seed") and _is_given(section.problem, name):
            others.append(f"{name}={value if isinstance(value, str) else json.dumps(value)}")
    options += ["--set", *others] if others else []
    command = ["archgym", "evaluate", section.text("problem"), *options]
    return shlex.join([*command, "--design", *changed] if changed else command)


def _is_given(problem: "Problem", name: str) -> bool:
    """Return whether the problem's argument ``name`` differs from its default."""
    default = inspect.signature(type(problem)).parameters[name].default
    return bool(problem.config[name] != default)


def _page(folder: Path) -> Path:
    from archgym.report import write_report

    return write_report(folder)


def _payload(
    section: "Section",
    summary: "pd.DataFrame",
    rates: Mapping[str, float | None],
    problem: "Problem",
    result: "StudyResult",
    page: Path | None,
    elapsed_s: float,
) -> dict[str, Any]:
    best, reference = section.best, section.reference
    agents = [
        {
            "agent": row["agent"],
            "seeds": row["runs"],
            "best_reward_mean": row["best_mean"],
            "best_reward_std": row["best_std"],
            "best_reward": row["best"],
            "evaluations_to_95_percent": row["to_95"],
            "evaluations": row["evaluations"],
            "cached": row["cached"],
            "infeasible": row["infeasible"],
            "failed": row["failed"],
            f"{problem.work[1]}_per_s": rates[row["agent"]],
            "metrics": {name: row[name] for name in section.headline_metrics},
        }
        for _, row in summary.iterrows()
    ]
    found = None
    if best is not None:
        found = {
            "agent": best["agent"],
            "seed": best["seed"],
            "trial": best["index"],
            "reward": best["reward"],
            "design": section.design(best),
            "metrics": {name: best[f"metric.{name}"] for name in section.metric_names},
        }
    default = None
    if reference is not None:
        default = {"reward": section.default_reward, "metrics": reference.metrics}
    return {
        "out": str(result.folder),
        "problem": section.text("problem"),
        "workload": section.text("workload"),
        "objective": section.text("objective"),
        "elapsed_s": elapsed_s,
        "agents": agents,
        "best": found,
        "default": default,
        "failures": {failure.label: failure.error for failure in result.failures},
        "report": None if page is None else str(page),
    }
