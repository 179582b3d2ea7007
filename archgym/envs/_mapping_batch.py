"""Many mappings at once: index vectors to the directives that `evaluate_batch` takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from archgym.envs._mapping_space import CLUSTER, NUMBER, SPATIAL, TEMPORAL, MappingEncoding
from archgym.space import DesignSpace, Permutation, Vector

__all__ = ["MappingDecoder"]

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class MappingDecoder:
    """What `MappingEncoding` says of one design, for index vectors of shape (n, parameters).

    The number of levels and that of processing elements are fixed.
    """

    encoding: MappingEncoding
    space: DesignSpace

    @cached_property
    def _position(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.space.names)}

    @cached_property
    def _numbers(self) -> dict[str, Indices]:
        """What each index of a parameter stands for: numbers, or positions of dimensions."""
        dims, found = list(self.encoding.extents), {}
        for parameter in self.space.parameters:
            rows: Sequence[Sequence[int]] = [(i,) for i in range(parameter.cardinality)]
            if isinstance(parameter, Vector):
                rows = parameter.rows
            elif isinstance(parameter, Permutation):
                rows = [[dims.index(item) for item in order] for order in parameter.orders]
            found[parameter.name] = np.array(rows, dtype=np.int64)
        return found

    def _read(self, vectors: Indices, name: str) -> Indices:
        """Return what a parameter stands for in each vector, shape (n, numbers)."""
        return self._numbers[name][vectors[:, self._position[name]]]

    def tiles(self, vectors: Indices) -> Indices:
        """Return the tile sizes, shape (n, dimensions, levels), outermost level first."""
        found = [self._read(vectors, f"tiles_{dim}") for dim in self.encoding.extents]
        return np.stack(found, axis=1)

    def packed(self, vectors: Indices) -> Indices:
        """Return `MappingEncoding.packed` of each, shape (n, directives, 4)."""
        dims = list(self.encoding.extents)
        numbers = np.array([NUMBER[dim] for dim in dims], dtype=np.int64)
        tiles = self.tiles(vectors)
        clusters = self._read(vectors, "array") if self.encoding.levels > 1 else None
        parts = []
        for level in range(self.encoding.levels):
            if clusters is not None and level > 0:
                cluster = np.zeros((len(vectors), 1, 4), dtype=np.int64)
                cluster[:, 0, 0], cluster[:, 0, 2] = CLUSTER, clusters[:, level - 1]
                parts.append(cluster)
            order = self._read(vectors, f"order_{level + 1}")
            spatial = self._read(vectors, f"spatial_{level + 1}")
            steps = [self.encoding.step(dim, tiles[:, i, level]) for i, dim in enumerate(dims)]
            sizes, offsets = (np.stack(found, axis=1) for found in zip(*steps, strict=True))
            columns = [
                np.where(order == spatial, SPATIAL, TEMPORAL),
                numbers[order],
                np.take_along_axis(sizes, order, axis=1),
                np.take_along_axis(offsets, order, axis=1),
            ]
            parts.append(np.stack(columns, axis=2))
        return np.concatenate(parts, axis=1)

    def l1_bytes(self, vectors: Indices) -> Indices:
        """Return `MappingEncoding.l1_bytes` of each, shape (n,)."""
        innermost = self.tiles(vectors)[:, :, -1]
        kinds, which = np.unique(innermost, axis=0, return_inverse=True)
        dims = list(self.encoding.extents)
        found = [
            self.encoding.l1_bytes_of(dict(zip(dims, row, strict=True))) for row in kinds.tolist()
        ]
        return np.array(found, dtype=np.int64)[which.ravel()]
