"""Pareto ranking of reward vectors; every objective is maximised."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def pareto_mask(rewards: ArrayLike) -> NDArray[np.bool_]:
    """Return which rows of ``rewards``, shape (n, objectives), no other row dominates.

    A row dominates another if it is at least as good in every objective and better in one; equal
    rows do not dominate each other.
    """
    points: Floats = np.asarray(rewards, dtype=np.float64)
    kept = np.ones(len(points), dtype=bool)
    for i, point in enumerate(points):
        if kept[i]:
            dominated = (points <= point).all(axis=1) & (points < point).any(axis=1)
            kept &= ~dominated
    return kept


def nondominated_order(rewards: ArrayLike) -> NDArray[np.int64]:
    """Return the rows of ``rewards``, shape (n, objectives), from best to worst.

    By non-dominated rank, then by crowding distance, widest first (Deb et al., NSGA-II, 2002,
    section III); equal rows keep their order. With one objective it is a sort by reward.
    """
    points: Floats = np.asarray(rewards, dtype=np.float64)
    if points.shape[1] == 1:
        return np.argsort(-points[:, 0], kind="stable")
    remaining = np.arange(len(points))
    fronts: list[NDArray[np.int64]] = []
    while len(remaining):
        best = pareto_mask(points[remaining])
        front = remaining[best]
        crowding = crowding_distance(points[front])
        fronts.append(front[np.argsort(-crowding, kind="stable")])
        remaining = remaining[~best]
    return np.concatenate(fronts) if fronts else remaining


def crowding_distance(rewards: ArrayLike) -> Floats:
    """Return the crowding distance of each row of one front; the ends of it are infinite."""
    points: Floats = np.asarray(rewards, dtype=np.float64)
    distance = np.zeros(len(points))
    for column in points.T:
        order = np.argsort(column, kind="stable")
        spread = column[order[-1]] - column[order[0]]
        distance[order[[0, -1]]] = np.inf
        if spread > 0 and len(order) > 2:
            distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / spread
    return distance
