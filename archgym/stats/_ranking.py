"""Tests: are several agents different, which pairs are, and are two of them equally good?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from archgym.errors import InvalidConfigError
from archgym.stats._bootstrap import Estimate, Floats

SIGNIFICANCE = 0.05
"""Level of a test: how often it may find what is not there."""

EQUIVALENCE_MARGIN = 0.02
"""Mean difference in score below which agents count as equally good: 2 % of what can be gained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two agents compared on the same blocks."""

    agents: tuple[str, str]
    p_value: float
    """Of the two-sided Wilcoxon signed-rank test, uncorrected."""

    p_holm: float
    """Corrected for the number of pairs (Holm 1979)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """What a critical-difference diagram shows (Demsar, JMLR 2006; Benavoli et al., JMLR 2016)."""

    ranks: Mapping[str, float]
    """Agent -> mean rank over the blocks, best (1) first."""

    blocks: int
    """Problems, or problems and seeds, on which all agents were run."""

    p_value: float
    """Of Friedman's test that all agents are the same; 1 if no agent ever differs."""

    pairs: tuple[Pair, ...]
    """Every pair of agents."""

    groups: tuple[tuple[str, ...], ...]
    """Longest runs of neighbouring ranks within which no pair differs significantly. That does
    not mean that they are equal; see `equivalence`."""


def rank_agents(scores: Mapping[str, ArrayLike], *, significance: float = SIGNIFICANCE) -> Ranking:
    """Rank agents over blocks: Friedman's test, then all pairs by Wilcoxon's, Holm-corrected.

    Pairs are compared by signed ranks rather than by Nemenyi's test, whose verdict on two agents
    depends on which others are in the pool (Benavoli et al. 2016).

    Args:
        scores: Agent -> its score on every block, higher is better, in the same order of blocks.
        significance: Corrected p-values below it count as a difference.

    Raises:
        InvalidConfigError: fewer than two agents, or not the same number of blocks for each.
    """
    from scipy.stats import friedmanchisquare, rankdata

    names = list(scores)
    columns = [np.ravel(np.asarray(scores[name], dtype=np.float64)) for name in names]
    if len(names) < 2 or len({len(column) for column in columns}) != 1 or not len(columns[0]):
        sizes = {name: len(column) for name, column in zip(names, columns, strict=True)}
        raise InvalidConfigError(
            f"Agents with blocks {sizes}. Give two agents or more, all on the same blocks."
        )
    table: Floats = np.column_stack(columns)
    means = rankdata(-table, axis=1).mean(axis=0)
    ranks = dict(sorted(zip(names, means.tolist(), strict=True), key=lambda item: item[1]))
    same = bool((table == table[:, :1]).all())
    if same:
        p_value = 1.0
    elif len(names) == 2:  # Friedman's needs three; with two it is the sign test, weaker than this
        p_value = _wilcoxon(table[:, 0], table[:, 1])
    else:
        p_value = float(friedmanchisquare(*columns).pvalue)
    pairs = _pairs(names, columns)
    return Ranking(
        ranks=ranks,
        blocks=len(table),
        p_value=p_value,
        pairs=pairs,
        groups=_groups(list(ranks), pairs, significance),
    )


def _pairs(names: Sequence[str], columns: Sequence[Floats]) -> tuple[Pair, ...]:
    found = list(combinations(range(len(names)), 2))
    p_values = [_wilcoxon(columns[i], columns[j]) for i, j in found]
    return tuple(
        Pair(agents=(names[i], names[j]), p_value=p, p_holm=corrected)
        for (i, j), p, corrected in zip(found, p_values, holm(p_values), strict=True)
    )


def _wilcoxon(left: Floats, right: Floats) -> float:
    """Return the two-sided p-value; blocks without a difference are split between the signs."""
    from scipy.stats import wilcoxon

    differences = left - right
    if not differences.any():
        return 1.0
    return float(wilcoxon(differences, zero_method="zsplit", method="approx").pvalue)


def holm(p_values: ArrayLike) -> Floats:
    """Return p-values corrected for their number (Holm, Scandinavian J. of Statistics, 1979)."""
    values: Floats = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    factors = len(values) - np.arange(len(values))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    return corrected


def _groups(
    ranked: Sequence[str], pairs: Sequence[Pair], significance: float
) -> tuple[tuple[str, ...], ...]:
    differ = {frozenset(pair.agents) for pair in pairs if pair.p_holm < significance}
    found: list[tuple[str, ...]] = []
    for start in range(len(ranked)):
        end = start + 1
        while end < len(ranked) and not any(
            frozenset((name, ranked[end])) in differ for name in ranked[start:end]
        ):
            end += 1
        group = tuple(ranked[start:end])
        if len(group) > 1 and not any(set(group) <= set(other) for other in found):
            found.append(group)
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """Whether a mean difference lies within a margin, for sure."""

    difference: Estimate
    """Mean of the paired differences; the interval is that of the test, 90 % for 0.05."""

    margin: float
    p_value: float
    equivalent: bool


def equivalence(
    differences: ArrayLike, margin: float, *, significance: float = SIGNIFICANCE
) -> Equivalence:
    """Test that two agents are equally good: two one-sided paired t-tests (Schuirmann 1987).

    They are equivalent if the mean difference is significantly above ``-margin`` and below
    ``margin``; not finding a difference is no such evidence.

    Args:
        differences: Regret of one agent minus that of the other, on the same problem and seed.
        margin: Largest mean difference that does not matter, in the unit of the differences.
        significance: Level of either test.

    Raises:
        InvalidConfigError: the margin is not above 0, or there are fewer than two differences.
    """
    from scipy.stats import t

    values = np.ravel(np.asarray(differences, dtype=np.float64))
    if not margin > 0 or len(values) < 2:
        raise InvalidConfigError(
            f"margin={margin}, {len(values)} differences. Use a margin above 0 and two or more."
        )
    mean = float(values.mean())
    error = float(values.std(ddof=1)) / len(values) ** 0.5
    if error == 0.0:
        p_value, half = float(abs(mean) >= margin), 0.0
    else:
        freedom = len(values) - 1
        p_value = float(t.sf((margin - abs(mean)) / error, freedom))
        half = float(t.isf(significance, freedom)) * error
    return Equivalence(
        difference=Estimate(value=mean, low=mean - half, high=mean + half),
        margin=margin,
        p_value=p_value,
        equivalent=p_value < significance,
    )
