"""The page about a sweep: who is best, how sure that is, and what hyperparameters do to it."""

import shlex
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from archgym import plots
from archgym._text import number
from archgym.report._fronts import fronts
from archgym.report._numbers import interval, percent
from archgym.report._page import element, facts, figure, page, table, tiles
from archgym.stats import EQUIVALENCE_MARGIN, REGRET_FLOOR, SOURCES, equivalence
from archgym.stats._bootstrap import Floats
from archgym.sweep import Goal, Sweep, tables

SHOWN_PAIRS = 8
"""Pairs of equally good agents that are named; of more only their number is given."""

WHAT_A_SCORE_IS = (
    "A score is the share of the possible improvement over the default design that a run reached: "
    "1 is the optimum, 0 no better than the default. With several objectives it is the hypervolume "
    "as a share of that of the exact front."
)


def build_sweep_report(sweep: Sweep) -> str:
    """Return the page about a sweep as HTML."""
    body = [
        element("h1", f"Sweep: {len(sweep.every_run):,} runs"),
        element("p", _subtitle(sweep), class_="soft"),
        element("p", _headline(sweep), class_="lead"),
        _tiles(sweep),
        element("p", WHAT_A_SCORE_IS, class_="soft"),
        *_doubts(sweep),
    ]
    for budget in reversed(sweep.budgets):
        body += _of_budget(sweep, budget)
    body += _lottery(sweep)
    for i, problem in enumerate(sweep.goals):
        body += _problem(sweep, problem, f"problem-{i}")
    return page("Sweep - ArchGym report", [*body, *_what_was_run(sweep)])


def _subtitle(sweep: Sweep) -> str:
    runs = sweep.every_run
    settings = runs.groupby("agent")["setting"].nunique().max()
    parts = [
        (runs["agent"].nunique(), "agent"),
        (settings, "setting" if settings == 1 else "setting at most"),
        (runs["problem"].nunique(), "problem"),
        (runs["seed"].nunique(), "seed"),
    ]
    words = [f"{count:,} {_plural(noun, count)}" for count, noun in parts]
    budgets = " and ".join(f"{budget:,}" for budget in sweep.budgets)
    return f"{' x '.join(words)}, at {budgets} evaluations."


def _plural(noun: str, count: int) -> str:
    first, space, rest = noun.partition(" ")
    return f"{first}{'' if count == 1 else 's'}{space}{rest}"


def _headline(sweep: Sweep) -> str:
    budget = sweep.budgets[-1]
    rows = sweep.agents[budget]
    if not rows:
        return f"No agent ran with its default hyperparameters at {budget:,} evaluations."
    best = rows[0]
    text = (
        f"With default hyperparameters and {budget:,} evaluations, {best.agent} scores best: "
        f"{interval(best.score)}, the interquartile mean with its 95 % interval."
    )
    ranking = sweep.rankings.get(budget)
    group = next((g for g in ranking.groups if best.agent in g), ()) if ranking else ()
    others = [agent for agent in group if agent != best.agent]
    return f"{text} The ranks do not tell it from {', '.join(others)}." if others else text


def _tiles(sweep: Sweep) -> str:
    runs = sweep.every_run
    failed = int((runs["status"] == "failed").sum())
    spent = runs["evaluations"].sum() + runs["cached"].sum()
    seconds = runs["ask_s"].sum() + runs["evaluate_s"].sum()
    return tiles(
        [
            ("runs", f"{len(runs):,}", f"{failed:,} failed" if failed else "none failed"),
            ("evaluations", f"{int(runs['evaluations'].sum()):,}", "repeats are free"),
            ("designs asked for", f"{int(spent):,}", f"{number(1e6 * seconds / spent, 3)} µs each"),
            ("problems", f"{len(sweep.goals)}", _known(sweep)),
        ]
    )


def _known(sweep: Sweep) -> str:
    exact = sum(goal.exact for goal in sweep.goals.values())
    return "all optima known" if exact == len(sweep.goals) else f"{exact} optima known"


def _doubts(sweep: Sweep) -> list[str]:
    texts = [sweep.unfinished] if sweep.unfinished else []
    unknown = [problem for problem, goal in sweep.goals.items() if not goal.exact]
    if unknown:
        texts.append(
            f"The optimum of {', '.join(unknown)} is not known: the best of this sweep stands for "
            "it, which flatters every agent."
        )
    left_out = max(scores.left_out for scores in sweep.scores.values())
    if left_out:
        texts.append(
            f"{left_out} settings have not run on every problem and seed and are left out of all "
            "comparisons."
        )
    return [element("p", text, class_="note") for text in texts]


def _of_budget(sweep: Sweep, budget: int) -> list[str]:
    rows = sweep.agents[budget]
    if not rows:
        return []
    key = f"b{budget}"
    body: list[str] = [
        element("h2", f"Default hyperparameters at {budget:,} evaluations", id=key),
        element(
            "p",
            "Best interquartile mean of the scores first; in brackets 95 % intervals of a "
            "bootstrap stratified by problem. Optimality gap: mean score missing to 1. Regret: "
            "octaves below the optimum, over the problems with one objective. Beats random: chance "
            "that a run beats one of random search.",
            class_="soft",
        ),
        table(
            ["agent", "score", "optimality gap", "regret", "beats random"],
            [
                [
                    row.agent,
                    *map(interval, (row.score, row.gap, row.regret)),
                    percent(row.beats_random),
                ]
                for row in rows
            ],
        ),
        element("h3", "Speed and effort"),
        element(
            "p",
            "Area: mean log10 regret over the logarithm of evaluations, the lower the better at "
            "any time. Unique: share of designs asked for that were new. Asking: the agent's own "
            "time per design.",
            class_="soft",
        ),
        table(
            ["agent", "area", "feasible", "unique", "asking"],
            [
                [
                    *(row.agent, interval(row.area), f"{100 * row.feasible:.0f} %"),
                    *(f"{100 * row.unique:.0f} %", f"{number(row.ask_ms, 2)} ms"),
                ]
                for row in rows
            ],
        ),
    ]
    text = (
        "Share of runs, over all problems and seeds, with at least a score; bands hold 95 % of the "
        "resamples. A line above another everywhere is better throughout."
    )
    drawn = plots.profile_figure(tables.profiles(sweep.defaults[budget]), sweep.styles)
    body += [element("h3", "Performance profile"), figure(f"{key}-profile", drawn, text)]
    return body + _ranks(sweep, budget, key) + fronts(sweep, budget)


def _ranks(sweep: Sweep, budget: int, key: str) -> list[str]:
    ranking = sweep.rankings.get(budget)
    if ranking is None:
        return []
    p_value = "p < 0.0001" if ranking.p_value < 1e-4 else f"p = {ranking.p_value:.2g}"
    text = (
        f"Mean rank over {ranking.blocks} pairs of problem and seed. Friedman's test that all "
        f"agents are the same: {p_value}. A thick bar joins agents of which no pair differs "
        "significantly (Wilcoxon's signed ranks, corrected by Holm, 5 %): they could not be told "
        "apart, which is not to say that they are equal. "
        f"{_equal(sweep.defaults[budget])}"
    )
    drawn = plots.ranking_figure(ranking, sweep.styles)
    return [element("h3", "Critical differences"), figure(f"{key}-ranks", drawn, text)]


def _equal(scores: Mapping[str, Floats]) -> str:
    """Return which agents are equally good for sure."""
    pairs = list(combinations(scores, 2))
    if scores[pairs[0][0]].size < 2:
        return ""
    same = [
        f"{one} and {other}"
        for one, other in pairs
        if equivalence(scores[one] - scores[other], EQUIVALENCE_MARGIN).equivalent
    ]
    listed = f" ({'; '.join(same)})" if 0 < len(same) <= SHOWN_PAIRS else ""
    return (
        f"Equivalent, mean difference in score within {EQUIVALENCE_MARGIN} by two one-sided paired "
        f"t-tests at 5 %, uncorrected: {len(same)} of {len(pairs)} pairs{listed}."
    )


def _lottery(sweep: Sweep) -> list[str]:
    if not any(sweep.lottery.values()):
        return []
    body: list[str] = [
        element("h2", "The hyperparameter lottery", id="lottery"),
        element(
            "p",
            "A ticket is a setting of hyperparameters drawn at random from an agent's ranges and "
            "run once; the best of k tickets is kept, which costs k budgets. Scores are means over "
            "problems and seeds. Beat random: share of settings whose mean score is above that of "
            "random search. Below defaults: share of settings below the agent's defaults.",
            class_="soft",
        ),
    ]
    for budget in reversed(sweep.budgets):
        rows = sweep.lottery[budget]
        if not rows:
            continue
        body += [
            element("h3", f"Tickets at {budget:,} evaluations"),
            _lottery_table(rows),
            _lottery_figure(sweep, budget, rows),
        ]
    return body + _variance(sweep)


def _lottery_table(rows: Sequence[tables.LotteryRow]) -> str:
    headers = ["agent", "beat random", "one ticket", "best of 8", "tuned"]
    headers += ["defaults", "below defaults"]
    cells = [
        [
            *(row.agent, percent(row.beat_random)),
            *(
                interval(tables.ticket(row, 1)),
                interval(tables.ticket(row, 8)),
                interval(row.tuned),
            ),
            interval(row.defaults),
            "-" if np.isnan(row.beaten_by_defaults) else f"{100 * row.beaten_by_defaults:.0f} %",
        ]
        for row in rows
    ]
    return table(headers, cells)


def _lottery_figure(sweep: Sweep, budget: int, rows: Sequence[tables.LotteryRow]) -> str:
    most = max(max(row.curve.counts) for row in rows)
    drawn = plots.lottery_figure(
        {row.agent: row.curve for row in rows if row.agent != tables.RANDOM},
        tables.random_tickets(sweep.scores[budget], most),
        sweep.styles,
    )
    text = (
        "Mean over problems and seeds of the best of k tickets, drawn without replacement, with "
        "95 % bands from resampling settings and seeds. Random search (dashed grey) needs no "
        "tuning: its tickets are seeds. “Tuned” in the table is the setting chosen for each "
        "problem on half the seeds, judged on the other half."
    )
    return figure(f"b{budget}-lottery", drawn, text)


def _variance(sweep: Sweep) -> list[str]:
    if not sweep.variance:
        return []
    named = {f"{budget:,} evaluations": shares for budget, shares in sweep.variance.items()}
    text = (
        "Nested analysis of variance of the scores of drawn settings, corrected for chance. "
        "“Setting” are an agent's hyperparameters; “seed” is what is left when problem, agent and "
        "setting are the same."
    )
    headers = ["source", *named]
    cells = [
        [source, *[percent(shares[i].share) for shares in named.values()]]
        for i, source in enumerate(SOURCES)
    ]
    return [
        element("h3", "What explains the differences between runs"),
        figure("variance", plots.variance_figure(named), text),
        table(headers, cells),
    ]


def _problem(sweep: Sweep, problem: str, key: str) -> list[str]:
    goal, budget = sweep.goals[problem], sweep.budgets[-1]
    mine = sweep.runs[sweep.runs["problem"] == problem]
    curves = tables.progress(mine, goal, budget)
    body: list[str] = [element("h2", problem, id=key), element("p", _goal(goal), class_="soft")]
    if len(curves):
        if goal.several:
            label, text = "share of the front's hypervolume", "Higher is better."
        else:
            label = f"regret in octaves (at least {REGRET_FLOOR})"
            text = "Lower is better; one octave is a factor of two."
        drawn = plots.progress_figure(
            curves, label=label, log=not goal.several, styles=sweep.styles
        )
        caption = (
            f"Default hyperparameters, median over seeds and the band between quartiles. {text}"
        )
        body.append(figure(f"{key}-progress", drawn, caption))
    scores = {row.agent: row.score for row in tables.agent_rows(mine, {problem: goal}, budget)}
    if scores:
        drawn = plots.interval_figure(
            scores, label=f"score at {budget:,} evaluations", baseline=1.0
        )
        body.append(
            figure(f"{key}-scores", drawn, "Interquartile mean with 95 % intervals over seeds.")
        )
    if problem == list(sweep.goals)[-1]:
        body += _targets(sweep, budget)
    return body


def _goal(goal: Goal) -> str:
    best = "Optimum" if goal.exact else "Best known"
    if goal.several:
        return f"{best}: a front of {len(goal.front)} reward vectors."
    return (
        f"{best}: reward {number(goal.reward)}, that is "
        f"{number(2.0**goal.reward, 3)} times better than the default design."
    )


def _targets(sweep: Sweep, budget: int) -> list[str]:
    shares = tables.ecdfs(sweep.runs, sweep.goals, sweep.optima, budget)
    if not shares:
        return []
    shown = ", ".join(f"{100 * share:.0f} %" for share in tables.TARGET_SHARES)
    quantiles = any((optimum or {}).get("quantiles") for optimum in sweep.optima.values())
    what = (
        "the best 10 %, 1 % and 0.1 % of all designs, and the optimum"
        if quantiles
        else f"{shown} of the possible improvement"
    )
    text = (
        "Share of pairs of run and target that were reached after so many evaluations, over all "
        f"problems with one objective, default hyperparameters. Targets: {what}."
    )
    drawn = plots.ecdf_figure(shares, tables.grid(budget), sweep.styles)
    return [
        element("h2", "Evaluations to targets", id="targets"),
        figure("targets-ecdf", drawn, text),
    ]


def _what_was_run(sweep: Sweep) -> list[str]:
    config = sweep.description.get("config", {})
    runs = sweep.every_run
    entries = [
        ("agents", ", ".join(map(str, runs["agent"].unique()))),
        ("problems", "; ".join(sweep.goals)),
        ("objectives", ", ".join(map(str, runs["objective"].dropna().unique()))),
        ("seeds", f"{runs['seed'].nunique()}, paired between agents"),
        ("seed of the settings", str(config.get("seed", "-"))),
        ("archgym", str(sweep.description.get("version", "-"))),
    ]
    body: list[str] = [element("h2", "What was run, and how to run it again"), facts(entries)]
    command = sweep.description.get("command")
    if isinstance(command, list) and command:
        body.append(
            element("pre", shlex.join([Path(str(command[0])).name, *map(str, command[1:])]))
        )
    errors = runs["error"].dropna()
    if len(errors):
        text = f"{len(errors)} runs failed. The first: {errors.iloc[0]}"
        body.append(element("p", text, class_="note"))
    return body
