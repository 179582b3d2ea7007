"""The questions that the lottery answers, as Markdown with 95 % intervals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from archgym.report import interval, percent
from archgym.stats import (
    EQUIVALENCE_MARGIN,
    SIGNIFICANCE,
    SOURCES,
    Estimate,
    bootstrap,
    equivalence,
    probability_of_improvement,
    rank_agents,
    tuned_scores,
)
from archgym.sweep import Sweep
from archgym.sweep.tables import FrontRow, LotteryRow, ticket

Floats = NDArray[np.float64]

PORTFOLIO = "portfolio"
SHOWN_TICKETS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equality:
    """How many pairs of agents are equally good, differ, or are neither for sure."""

    what: str
    agents: int
    equivalent: int
    different: int
    largest: float
    """Largest mean difference of a pair."""

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return self.agents * (self.agents - 1) // 2


def equality(what: str, scores: Mapping[str, Floats]) -> Equality:
    """Compare all pairs of agents: equivalence by two t-tests, difference by signed ranks."""
    ranking = rank_agents(scores)
    same, gaps = 0, []
    for left, right in combinations(scores, 2):
        found = equivalence(scores[left] - scores[right], EQUIVALENCE_MARGIN)
        same += found.equivalent
        gaps.append(abs(found.difference.value))
    different = sum(pair.p_holm < SIGNIFICANCE for pair in ranking.pairs)
    return Equality(
        what=what,
        agents=len(scores),
        equivalent=same,
        different=different,
        largest=max(gaps),
    )


def equalities(sweep: Sweep) -> list[Equality]:
    """Return how equal agents are with defaults, one random ticket each, and tuned."""
    found = []
    for budget in sweep.budgets:
        cubes = sweep.scores[budget]
        drawn = cubes.drawn
        if len(drawn) < 2:
            continue
        defaults = {name: values for name, values in cubes.of_setting().items() if name in drawn}
        tuned = {name: tuned_scores(cube)[0] for name, cube in drawn.items()}
        best = {name: cube.max(axis=1) for name, cube in drawn.items()}
        cases = {"defaults": defaults, "tuned on each problem": tuned, "best ticket of all": best}
        for what, scores in cases.items():
            if len(scores) > 1:
                found.append(equality(f"{budget:,} evaluations, {what}", scores))
    return found


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is left-aligned."""
    lines = [headers, ["---", *["---:"] * (len(headers) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tickets_table(rows: Sequence[LotteryRow]) -> str:
    """Return the expected best score of k tickets for each agent."""
    counts = [k for k in SHOWN_TICKETS if all(k in row.curve.counts for row in rows)]
    return markdown_table(
        ["agent", *(f"k = {k}" for k in counts)],
        [[row.agent, *(interval(ticket(row, k)) for k in counts)] for row in rows],
    )


def settings_table(rows: Sequence[LotteryRow]) -> str:
    """Return how drawn settings compare with random search and with the defaults."""
    return markdown_table(
        [
            "agent",
            "settings that beat random search",
            "tuned",
            "defaults",
            "settings below defaults",
        ],
        [
            [
                row.agent,
                percent(row.beat_random),
                interval(row.tuned),
                interval(row.defaults),
                "-"
                if np.isnan(row.beaten_by_defaults)
                else f"{100 * row.beaten_by_defaults:.0f} %",
            ]
            for row in rows
        ],
    )


def variance_table(sweep: Sweep) -> str:
    """Return what explains the differences between runs, a column per budget."""
    return markdown_table(
        ["source", *(f"{budget:,} evaluations" for budget in sweep.variance)],
        [
            [source, *(percent(shares[i].share) for shares in sweep.variance.values())]
            for i, source in enumerate(SOURCES)
        ],
    )


def equality_table(found: Sequence[Equality]) -> str:
    """Return the counts of equal, different and undecided pairs."""
    return markdown_table(
        ["agents compared", "pairs", "equivalent", "different", "undecided", "largest difference"],
        [
            [
                *(e.what, str(e.pairs), str(e.equivalent), str(e.different)),
                str(max(0, e.pairs - e.equivalent - e.different)),
                f"{e.largest:.3f}",
            ]
            for e in found
        ],
    )


def defaults_table(sweep: Sweep, budget: int) -> str:
    """Return scores and regret of every agent with its defaults, over all problems."""
    rows = sweep.agents[budget]
    cells = [
        [row.agent, interval(row.score), interval(row.regret), percent(row.beats_random)]
        for row in rows
    ]
    headers = ["agent", "score (interquartile mean)", "regret (octaves)", "beats random search"]
    return markdown_table(headers, cells)


def problems_table(sweep: Sweep, budget: int) -> str:
    """Return the mean score of every agent's defaults on each problem, at equal budgets."""
    cubes = sweep.scores[budget]
    scores = cubes.of_setting()
    order = sorted(scores, key=lambda name: -float(scores[name].mean()))
    return markdown_table(
        ["agent", *cubes.problems],
        [[name, *(interval(_mean(row)) for row in scores[name])] for name in order],
    )


def fronts_table(rows: Sequence[FrontRow]) -> str:
    """Return how much of a problem's front every agent finds with its defaults."""
    return markdown_table(
        ["agent", "share of hypervolume", "hypervolume difference", "ADRS"],
        [[row.agent, *map(interval, (row.share, row.missing, row.adrs))] for row in rows],
    )


def _mean(seeds: Floats) -> Estimate:
    return _mean_of(seeds[None, :])


def _mean_of(scores: Floats) -> Estimate:
    return bootstrap(scores, lambda sample: np.asarray(sample.mean(axis=(-2, -1))))


def portfolio_table(sweep: Sweep, budget: int) -> str | None:
    """Return how the portfolio fares against every other agent's defaults; None if it did not run.

    The strongest of the others is on top.
    """
    scores = sweep.scores[budget].of_setting()
    ours = scores.pop(PORTFOLIO, None)
    if ours is None or not scores:
        return None
    return markdown_table(
        ["against", "mean difference in score", "chance that a run of the portfolio is better"],
        [
            [
                name,
                interval(_mean_of(ours - scores[name])),
                percent(probability_of_improvement(ours, scores[name])),
            ]
            for name in sorted(scores, key=lambda name: -float(scores[name].mean()))
        ],
    )


def verdict(sweep: Sweep) -> list[str]:
    """Return one sentence per question, with its numbers."""
    budget = sweep.budgets[-1]
    rows = sweep.lottery[budget]
    if not rows:
        return []
    shares = {share.source: share.share for share in sweep.variance.get(budget, [])}
    lines = []
    beating = [row for row in rows if row.beat_random is not None]
    if beating:
        low, high = (f(beating, key=lambda r: r.beat_random.value) for f in (min, max))  # type: ignore[union-attr]
        lines.append(
            f"**Does a random setting beat random search?** At {budget:,} evaluations "
            f"{percent(high.beat_random)} of the settings of {high.agent} do, and "
            f"{percent(low.beat_random)} of those of {low.agent}."
        )
    first = max(rows, key=lambda row: row.curve.best[0])
    last = min(rows, key=lambda row: row.curve.best[0])
    lines.append(
        f"**What is a ticket worth?** One random setting of {first.agent} scores "
        f"{interval(ticket(first, 1))}, of {last.agent} {interval(ticket(last, 1))}; the best of "
        f"eight {interval(ticket(first, 8))} and {interval(ticket(last, 8))}."
    )
    drawing = {row.agent for row in rows}
    ranked = [row for row in sweep.agents[budget] if row.agent in drawing]
    if ranked:
        lines.append(
            f"**What do the defaults miss?** Regret in octaves: "
            f"{', '.join(f'{row.agent} {interval(row.regret)}' for row in ranked)}."
        )
    if shares:
        listed = ", ".join(f"{name} {percent(share)}" for name, share in shares.items())
        lines.append(f"**What explains the differences between runs?** {listed}.")
    lines += [_claim(found) for found in equalities(sweep) if found.what.startswith(f"{budget:,}")]
    return lines


def _claim(found: Equality) -> str:
    undecided = max(0, found.pairs - found.equivalent - found.different)
    return (
        f"**Are all agents equally good: {found.what}?** Of {found.pairs} pairs "
        f"{found.equivalent} are equivalent within {EQUIVALENCE_MARGIN}, {found.different} differ "
        f"significantly, {undecided} are neither; the largest mean difference is "
        f"{found.largest:.3f}."
    )
