"""Designs as numbers that a regression model works on."""

import numpy as np
from numpy.typing import NDArray

from archgym.agents._gaussian_process import MixedEncoding
from archgym.space import DesignSpace, Parameter, Permutation, Vector

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Indices = NDArray[np.int64]

MAX_ONE_HOT = 32
"""More values than this of an unordered parameter become one number, not one column each."""


class Features:
    """Turns index vectors into rows of numbers by one table per parameter.

    An ordered parameter becomes its position on its grid, -1 while inactive; an unordered one a
    column per value, all 0 while inactive; a permutation the position of each item; a vector the
    logarithms of its numbers, scaled to [0, 1].

    Args:
        space: The design space.
        wide: Give ordered parameters a column per value too, for models that only add up.
    """

    def __init__(self, space: DesignSpace, *, wide: bool = False) -> None:
        self._space = space
        grids = MixedEncoding(space).levels
        self._tables = [
            _table(parameter, grid, wide)
            for parameter, grid in zip(space.parameters, grids, strict=True)
        ]

    @property
    def width(self) -> int:
        """Number of columns."""
        return sum(table.shape[1] for table in self._tables)

    def matrix(self, vectors: Indices) -> Singles:
        """Return the features of canonical index vectors, float32 of shape (n, width)."""
        codes = np.where(self._space.active(vectors), vectors, self._space.nvec)
        columns = [table[codes[:, j]] for j, table in enumerate(self._tables)]
        return np.ascontiguousarray(np.concatenate(columns, axis=1))


def _table(parameter: Parameter, grid: Floats, wide: bool) -> Singles:
    """Return one row of features per value, and one for the inactive parameter."""
    n = parameter.cardinality
    if isinstance(parameter, Permutation):
        places = [[order.index(item) for item in parameter.items] for order in parameter.orders]
        return _with_inactive(np.array(places) / max(len(parameter.items) - 1, 1))
    if isinstance(parameter, Vector):
        logs = np.log(np.array(parameter.rows, dtype=np.float64))
        return _with_inactive(logs / np.maximum(logs.max(axis=0), 1e-9))
    position = grid[:-1] if parameter.ordered and len(grid) == n + 1 else np.arange(n) / max(n, 1)
    one_hot = np.eye(n) if n <= MAX_ONE_HOT else np.empty((n, 0))
    if parameter.ordered:
        columns = np.column_stack([position, one_hot]) if wide else position[:, None]
        return _with_inactive(columns)
    if n > MAX_ONE_HOT:
        return _with_inactive(position[:, None])
    # Of two values one column says both, unless there is the third case of being inactive.
    columns = one_hot[:, 1:] if n == 2 and parameter.when is None else one_hot
    return np.append(columns, np.zeros((1, columns.shape[1])), axis=0).astype(np.float32)


def _with_inactive(columns: Floats) -> Singles:
    row = np.zeros((1, columns.shape[1]))
    row[0, 0] = -1.0
    return np.append(columns, row, axis=0).astype(np.float32)
