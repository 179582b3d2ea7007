"""Which parameters of a design are active: the forest that conditions between them span."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# Position of a parameter to its index, or to None where the parameter is inactive.
Assignment = Mapping[int, int | None]


@dataclass(frozen=True, kw_only=True)
class ActivityForest:
    """Parameters by position; a parent comes before its children."""

    cardinalities: tuple[int, ...]
    """Number of values of each parameter."""

    parents: tuple[int, ...]
    """Position of the parameter that each depends on; -1: none, always active."""

    enabling: tuple[tuple[bool, ...], ...]
    """For each parameter and each index of its parent, whether the parameter is then active."""

    def mask(self, vectors: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which entries of index vectors, shape (..., parameters), are active."""
        mask = np.ones(vectors.shape, dtype=bool)
        for i, parent in enumerate(self.parents):
            if parent >= 0:
                mask[..., i] = mask[..., parent] & self._enabling_arrays[i][vectors[..., parent]]
        return mask

    @cached_property
    def _enabling_arrays(self) -> tuple[NDArray[np.bool_], ...]:
        return tuple(np.array(row, dtype=bool) for row in self.enabling)

    def is_active(self, i: int, row: Assignment) -> bool:
        """Return whether parameter ``i`` is active, given its parent's entry in ``row``."""
        parent = self.parents[i]
        if parent < 0:
            return True
        above = row[parent]
        return above is not None and self.enabling[i][above]

    def with_ancestors(self, positions: Iterable[int]) -> set[int]:
        """Return ``positions`` and all that their activity depends on."""
        closed = set()
        for start in positions:
            position = start
            while position >= 0:
                closed.add(position)
                position = self.parents[position]
        return closed

    def assignments(self, scope: Sequence[int]) -> Iterator[dict[int, int | None]]:
        """Yield the distinct assignments of ``scope``, rising and closed under ancestors."""

        def extend(row: dict[int, int | None], depth: int) -> Iterator[dict[int, int | None]]:
            if depth == len(scope):
                yield dict(row)
                return
            i = scope[depth]
            active = self.is_active(i, row)
            for index in range(self.cardinalities[i]) if active else (None,):
                row[i] = index
                yield from extend(row, depth + 1)

        return extend({}, 0)

    def completions(self, row: Assignment) -> int:
        """Return in how many distinct ways the parameters outside ``row`` can be assigned."""
        tops = (
            i
            for i, parent in enumerate(self.parents)
            if i not in row and (parent < 0 or parent in row) and self.is_active(i, row)
        )
        return math.prod(self._tree_size(i) for i in tops)

    def _tree_size(self, i: int) -> int:
        """Number of distinct assignments of parameter ``i`` and of all that depend on it."""
        sizes = {j: self._tree_size(j) for j, parent in enumerate(self.parents) if parent == i}
        return sum(
            math.prod(size for j, size in sizes.items() if self.enabling[j][index])
            for index in range(self.cardinalities[i])
        )
