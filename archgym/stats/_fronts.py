"""How good a set of trade-offs is. Every objective is maximised; rows are reward vectors."""

from importlib import import_module

import numpy as np
from numpy.typing import ArrayLike

from archgym.errors import InvalidConfigError
from archgym.pareto import pareto_mask
from archgym.stats._bootstrap import Floats

NADIR_MARGIN = 0.1
"""How far below the worst rewards of a front the reference point lies, in its own range."""


def hypervolume(rewards: ArrayLike, reference: ArrayLike) -> float:
    """Return the volume of what the rewards dominate above a reference point.

    Exact. Two objectives are swept here; for three and more the library moocore is needed.

    Args:
        rewards: Shape (n, objectives); rows that do not exceed the reference count nothing.
        reference: One number per objective.
    """
    lowest: Floats = np.asarray(reference, dtype=np.float64)
    points: Floats = np.asarray(rewards, dtype=np.float64).reshape(-1, len(lowest))
    points = points[(points > lowest).all(axis=1)] - lowest
    if not len(points):
        return 0.0
    if len(lowest) == 1:
        return float(points.max())
    if len(lowest) == 2:
        return _area(points)
    return _volume(points)


def _area(points: Floats) -> float:
    """Add up strips from the right: each is as high as the best point at or beyond it."""
    order = np.argsort(-points[:, 0], kind="stable")
    x, height = points[order, 0], np.maximum.accumulate(points[order, 1])
    return float(np.sum((x - np.append(x[1:], 0.0)) * height))


def _volume(points: Floats) -> float:
    try:
        library = import_module("moocore")
    except ImportError:
        raise InvalidConfigError(
            f"The hypervolume of {points.shape[1]} objectives needs moocore. "
            "Install it: pip install moocore."
        ) from None
    return float(library.hypervolume(points, ref=np.zeros(points.shape[1]), maximise=True))


def hypervolume_curve(
    evaluations: ArrayLike, rewards: ArrayLike, reference: ArrayLike, at: ArrayLike
) -> Floats:
    """Return the hypervolume of what was found within so many evaluations.

    Args:
        evaluations: Number of evaluations after which each row of ``rewards`` was known, rising.
        rewards: Shape (n, objectives).
        reference: One number per objective.
        at: Numbers of evaluations, rising.
    """
    when = np.asarray(evaluations, dtype=np.int64)
    points: Floats = np.asarray(rewards, dtype=np.float64).reshape(len(when), np.size(reference))
    counts = np.searchsorted(when, np.asarray(at), side="right")
    known: dict[int, float] = {0: 0.0}
    for count in np.unique(counts[counts > 0]).tolist():
        known[count] = hypervolume(points[:count], reference)
    return np.array([known[count] for count in counts.tolist()], dtype=np.float64)


def nadir(front: ArrayLike, margin: float = NADIR_MARGIN) -> Floats:
    """Return a reference point: the worst rewards on a front, less a margin of its range.

    The margin lets the ends of the front count (Ishibuchi et al., Evolutionary Computation 2018).
    A range of nothing counts as 1.
    """
    points: Floats = np.asarray(front, dtype=np.float64)
    low, spread = points.min(axis=0), np.ptp(points, axis=0)
    return np.asarray(low - margin * np.where(spread > 0, spread, 1.0))


def hypervolume_difference(rewards: ArrayLike, front: ArrayLike, reference: ArrayLike) -> float:
    """Return the hypervolume that is missing to an exact front, as a share of the front's."""
    whole = hypervolume(front, reference)
    if whole <= 0:
        raise InvalidConfigError(
            f"The front does not exceed the reference {np.asarray(reference).tolist()}. "
            "Choose a lower one, such as nadir(front)."
        )
    return 1.0 - hypervolume(rewards, reference) / whole


def adrs(rewards: ArrayLike, front: ArrayLike) -> float:
    """Return the average distance from the reference set: 0 if the whole front was found.

    For each design of the exact front, by how much the closest found one is worse in its worst
    metric, as a share of that metric; averaged (Palermo, Silvano & Zaccaria, IEEE TCAD 2009,
    eq. 9). Rewards are octaves, so a metric that is worse by r is 2**r times as large.

    Args:
        rewards: Found, shape (n, objectives).
        front: Exact Pareto front, shape (m, objectives).

    Returns:
        Infinite if nothing was found.
    """
    gaps = _shortfalls(rewards, front)
    if not gaps.size:
        return float("inf")
    return float(np.mean(np.min(np.exp2(gaps.max(axis=2)) - 1.0, axis=1)))


def igd_plus(rewards: ArrayLike, front: ArrayLike) -> float:
    """Return the mean distance from the exact front to what was found, in octaves.

    Only what a found design falls short of counts (Ishibuchi et al., EMO 2015); a better set never
    has a larger value, unlike the plain inverted generational distance.

    Returns:
        Infinite if nothing was found.
    """
    gaps = _shortfalls(rewards, front)
    if not gaps.size:
        return float("inf")
    return float(np.mean(np.min(np.linalg.norm(gaps, axis=2), axis=1)))


def _shortfalls(rewards: ArrayLike, front: ArrayLike) -> Floats:
    """Return max(0, front - found), shape (front, found, objectives)."""
    exact: Floats = np.asarray(front, dtype=np.float64)
    found: Floats = np.asarray(rewards, dtype=np.float64).reshape(-1, exact.shape[1])
    if len(found):
        found = found[pareto_mask(found)]
    return np.asarray(np.maximum(exact[:, None, :] - found[None, :, :], 0.0))
