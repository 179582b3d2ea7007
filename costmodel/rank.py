"""Ordering candidates by predicted cost, and what such an order is worth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from costmodel._dataset import Dataset
from costmodel.errors import DatasetError
from costmodel.models import Model

__all__ = ["NEAR", "RankingScore", "order_of", "random_score", "score_orders", "score_ranking"]

NEAR = 0.95
"""Share of the oracle's performance that is enough."""

LEAST_CANDIDATES = 3
_RANDOM_ORDERS = 20

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingScore:
    """What orders of the candidates of several programs are worth, on average over programs."""

    programs: int
    """Programs with enough candidates that differ."""
    candidates: float
    """Candidates of a program, mean."""
    top1_regret_pct: float
    """By how much the first candidate is worse than the best, in percent of the best."""
    top5_regret_pct: float
    """The same for the best of the first five."""
    measurements_to_near: float
    """Candidates to be measured in this order until one has 95 % of the best's performance."""
    found_first_pct: float
    """How often the first candidate has 95 % of the best's performance, in percent."""


def order_of(values: Values, direction: str) -> npt.NDArray[np.int64]:
    """Return indices from the best to the worst value."""
    return np.argsort(-values if direction == "max" else values, kind="stable")


def score_ranking(
    model: Model, dataset: Dataset, target: str, least: int = LEAST_CANDIDATES
) -> RankingScore:
    """Return what a model's order of each program's schedules is worth.

    Args:
        model: Has learnt the target.
        dataset: Labelled schedules.
        target: What to order by.
        least: Schedules that a program must have to count.

    Raises:
        DatasetError: If no program has several schedules whose labels differ.
    """
    predicted = model.predict(dataset.texts, [target]).mean[:, 0]
    direction = next(t.direction for t in model.targets if t.name == target)
    return score_orders(dataset, target, [predicted], direction, least)


def score_orders(
    dataset: Dataset,
    target: str,
    scores: Sequence[Values],
    direction: str = "min",
    least: int = LEAST_CANDIDATES,
) -> RankingScore:
    """Return what orders by scores are worth, on average over programs and several scores."""
    regrets, first_five, needed, sizes = [], [], [], []
    for rows in _programs(dataset, target, least):
        actual = dataset.labels[target][rows]
        loss = _losses(actual, direction)
        for score in scores:
            losses = loss[order_of(score[rows], direction)]
            regrets.append(losses[0])
            first_five.append(losses[:5].min())
            needed.append(1 + int(np.argmax(losses <= 1 / NEAR - 1 + 1e-12)))
        sizes.append(len(rows))
    if not sizes:
        raise DatasetError(
            f"No program has {least} schedules whose '{target}' differs. Give labelled "
            "schedules of one program: rows with the same entry in column 'program'."
        )
    return RankingScore(
        programs=len(sizes),
        candidates=float(np.mean(sizes)),
        top1_regret_pct=float(100 * np.mean(regrets)),
        top5_regret_pct=float(100 * np.mean(first_five)),
        measurements_to_near=float(np.mean(needed)),
        found_first_pct=float(100 * np.mean(np.array(needed) == 1)),
    )


def random_score(
    dataset: Dataset, target: str, direction: str, seed: int = 0, least: int = LEAST_CANDIDATES
) -> RankingScore:
    """Return what random orders are worth."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    scores = [rng.random(len(dataset)) for _ in range(_RANDOM_ORDERS)]
    return score_orders(dataset, target, scores, direction, least)


def _losses(actual: Values, direction: str) -> Values:
    """Return by what share each value is worse than the best; counts of zero are one too few."""
    shifted = actual + (1.0 if np.any(actual == 0) else 0.0)
    best = shifted.max() if direction == "max" else shifted.min()
    losses = best / shifted - 1 if direction == "max" else shifted / best - 1
    return np.asarray(losses, dtype=np.float64)


def _programs(dataset: Dataset, target: str, least: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the rows of each program and view with schedules that differ in their label."""
    labels = dataset.labels_of([target])[:, 0]
    views = dataset.columns.get("view", np.full(len(dataset), "", dtype=object))
    keys = np.array([f"{p}|{v}" for p, v in zip(dataset.groups(), views, strict=True)], dtype=str)
    keys[~np.isfinite(labels)] = ""
    _, which = np.unique(keys, return_inverse=True)
    order = np.argsort(which, kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(which))[:-1]):
        if keys[rows[0]] and len(rows) >= least and np.ptp(labels[rows]) > 0:
            yield rows
