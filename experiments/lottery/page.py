"""Write the page about the lottery from the runs of its sweeps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from archgym import plots
from archgym.stats import EQUIVALENCE_MARGIN
from archgym.sweep import Sweep, tables
from experiments.lottery import answers
from experiments.lottery.figures import write_svgs

DEFAULTS = ("slow", "tpe")
"""Sweeps of slow agents with their defaults."""


def write_page(fast: Sweep, others: Mapping[str, Sweep], out: Path, facts: Sequence[str]) -> Path:
    """Write ``README.md``, ``figures/*.svg`` and ``tables/*.csv``.

    Args:
        fast: The lottery of the fast agents.
        others: Other sweeps by name: `DEFAULTS` of slow agents, "slow_lottery" for a lottery.
        out: Folder of the page.
        facts: Lines about how long what took.

    Returns:
        The page.
    """
    every = joined([fast, *(others[name] for name in DEFAULTS if name in others)])
    drawn = _figures(fast, every)
    out.mkdir(parents=True, exist_ok=True)
    written = {path.stem for path in write_svgs(drawn, out / "figures")}
    _write_tables(fast, every, out / "tables")
    parts = [_head(fast, facts)]
    for budget in reversed(fast.budgets):
        parts += _lottery(fast, budget, written)
    parts += _variance(fast, written)
    parts += _claim(fast)
    if "slow_lottery" in others:
        parts += _slow(others["slow_lottery"])
    parts += _comparison(every, written)
    page = out / "README.md"
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return page


def joined(sweeps: Sequence[Sweep]) -> Sweep:
    """Return the runs of several sweeps on the same problems as one."""
    optima: dict[str, Any] = {}
    for sweep in sweeps:
        optima |= sweep.optima
    runs = pd.concat([sweep.every_run for sweep in sweeps], ignore_index=True)
    return Sweep(runs.drop_duplicates("run"), {**sweeps[0].description, "optima": optima})


def _figures(fast: Sweep, every: Sweep) -> dict[str, go.Figure]:
    found: dict[str, go.Figure] = {}
    for budget in fast.budgets:
        rows = fast.lottery[budget]
        if not rows:
            continue
        most = max(max(row.curve.counts) for row in rows)
        found[f"lottery_{budget}"] = plots.lottery_figure(
            {row.agent: row.curve for row in rows},
            tables.random_tickets(fast.scores[budget], most),
            every.styles,
        )
    if fast.variance:
        named = {f"{budget:,} evaluations": shares for budget, shares in fast.variance.items()}
        found["variance"] = plots.variance_figure(named)
    for budget in every.budgets:
        scores = every.scores[budget].of_setting()
        if scores:
            found[f"profile_{budget}"] = plots.profile_figure(tables.profiles(scores), every.styles)
        if budget in every.rankings:
            found[f"ranks_{budget}"] = plots.ranking_figure(every.rankings[budget], every.styles)
    for i, (problem, goal) in enumerate(every.goals.items()):
        mine = every.runs[every.runs["problem"] == problem]
        label = "share of the front's hypervolume" if goal.several else "regret (octaves)"
        found[f"progress_{i}"] = plots.progress_figure(
            tables.progress(mine, goal, every.budgets[-1]),
            label=label,
            log=not goal.several,
            styles=every.styles,
        )
    return found


def _write_tables(fast: Sweep, every: Sweep, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    keys = ["problem", "agent", "setting", "budget"]
    values = fast.runs.groupby(keys)[["score", "regret"]].agg(["mean", "std"])
    values.columns = pd.Index(["_".join(name) for name in values.columns])
    values.round(6).to_csv(folder / "settings.csv")
    agents = [
        {
            **{"budget": budget, "agent": row.agent},
            **{f"score_{end}": getattr(row.score, end) for end in ("value", "low", "high")},
            **{f"regret_{end}": getattr(row.regret, end) for end in ("value", "low", "high")},
        }
        for budget in every.budgets
        for row in every.agents[budget]
    ]
    pd.DataFrame(agents).round(6).to_csv(folder / "agents.csv", index=False)
    tickets = [
        {
            **{"budget": budget, "agent": row.agent, "tickets": k},
            **{"best": row.curve.best[i], "low": row.curve.low[i], "high": row.curve.high[i]},
        }
        for budget in fast.budgets
        for row in fast.lottery[budget]
        for i, k in enumerate(row.curve.counts)
    ]
    pd.DataFrame(tickets).round(6).to_csv(folder / "tickets.csv", index=False)


def _head(fast: Sweep, facts: Sequence[str]) -> str:
    runs = fast.every_run
    settings = {agent: mine["setting"].nunique() for agent, mine in runs.groupby("agent")}
    drawn = sorted(agent for agent, count in settings.items() if count > 1)
    lines = [
        "# The hyperparameter lottery",
        "Made by `python -m experiments.lottery`; do not edit.",
        "The 2023 ArchGym paper claims that with enough samples and tuning every agent is equally "
        "likely to find the best design. Its agents searched different spaces with different "
        "budgets; here all see the same space, seeds and number of evaluations, and the optimum is "
        "known because every design was simulated.",
        f"**{len(runs):,} runs**: {', '.join(drawn)}, each with its defaults and "
        f"{max(settings.values()) - 1} settings drawn from its search ranges, "
        f"{runs['seed'].nunique()} seeds, {runs['problem'].nunique()} problems, "
        f"{' and '.join(f'{budget:,}' for budget in fast.budgets)} evaluations; "
        "held against random search (random_walk) and Sobol points.",
        "A **score** is the share of the possible improvement over the default design that a run "
        "reached (1: the optimum; 0: the default design); with two objectives, the hypervolume as "
        "a share of the exact front's. A **ticket** is a random setting, run once. In brackets are "
        "95 % bootstrap intervals over settings and seeds: nothing is said of other problems.",
        "## Answers",
        *(f"- {line}" for line in answers.verdict(fast)),
        "## Remake it",
        "```\npython -m experiments.lottery --out runs/lottery --jobs 2\n```",
        *(f"- {fact}" for fact in facts),
    ]
    return "\n\n".join(lines)


def _picture(name: str, text: str, written: set[str]) -> list[str]:
    return [f"![{text}](figures/{name}.svg)"] if name in written else []


def _lottery(fast: Sweep, budget: int, written: set[str]) -> list[str]:
    rows = fast.lottery[budget]
    if not rows:
        return []
    return [
        f"## Tickets at {budget:,} evaluations",
        "Expected best score of k tickets, that is for k times the budget:",
        answers.tickets_table(rows),
        *_picture(f"lottery_{budget}", f"Expected best score by tickets at {budget}", written),
        "Settings against random search at the same budget, the setting chosen for each "
        "problem on half the seeds and judged on the other half (tuned), and the defaults:",
        answers.settings_table(rows),
    ]


def _variance(fast: Sweep, written: set[str]) -> list[str]:
    if not fast.variance:
        return []
    return [
        "## What explains the differences between runs",
        "Nested analysis of variance of the drawn settings' scores, corrected for chance "
        "(epsilon squared). Setting: hyperparameters within an agent. Seed: all else the same.",
        answers.variance_table(fast),
        *_picture("variance", "Shares of the variance", written),
    ]


def _claim(fast: Sweep) -> list[str]:
    return [
        "## Are all agents equally good?",
        f"Equivalent: two one-sided paired t-tests, mean difference in score within "
        f"{EQUIVALENCE_MARGIN}. Different: Wilcoxon's signed ranks over problems and seeds, "
        "corrected by Holm, 5 %. A pair can be both, if the difference is certain and too small to "
        "matter.",
        answers.equality_table(answers.equalities(fast)),
    ]


def _slow(slow: Sweep) -> list[str]:
    parts = [
        "## Agents that think longer than a simulation takes",
        "Fewer settings and seeds, so that intervals are wider.",
    ]
    for budget in slow.budgets:
        rows = slow.lottery[budget]
        if rows:
            parts += [answers.tickets_table(rows), answers.settings_table(rows)]
    return parts


def _comparison(every: Sweep, written: set[str]) -> list[str]:
    parts = ["## All agents with their defaults, at equal numbers of evaluations"]
    for budget in every.budgets:
        parts += [
            f"### {budget:,} evaluations",
            answers.defaults_table(every, budget),
            *_picture(f"ranks_{budget}", f"Mean ranks at {budget} evaluations", written),
            *_picture(f"profile_{budget}", f"Performance profiles at {budget}", written),
            "Mean score on each problem:",
            answers.problems_table(every, budget),
        ]
        parts += _fronts(every, budget)
        against = answers.portfolio_table(every, budget)
        if against is not None:
            parts += ["Is an agent that shares its budget among others better than each?", against]
    parts.append("### Progress")
    for i, problem in enumerate(every.goals):
        parts += [f"{problem}:", *_picture(f"progress_{i}", f"Progress on {problem}", written)]
    return parts


def _fronts(every: Sweep, budget: int) -> list[str]:
    found = {problem: rows for problem, rows in every.fronts[budget].items() if rows}
    text = (
        "How much of the exact front is found with several objectives, means over seeds? The "
        "hypervolume difference is what is missing to 1. ADRS, the average distance from the "
        "reference set, is the share by which the closest design found is worse than one of the "
        "front in its worst metric, averaged over the front (Palermo et al., IEEE TCAD 2009)."
    )
    tables_of = [f"{problem}:\n\n{answers.fronts_table(rows)}" for problem, rows in found.items()]
    return [text, *tables_of] if found else []
