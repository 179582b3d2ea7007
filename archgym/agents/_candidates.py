"""Designs that a model-based agent looks at before it asks for the most promising ones."""

import numpy as np
from numpy.typing import NDArray

from archgym.agents._agent import Indices
from archgym.space import DesignSpace

# Values tried of a wide ordered grid by `Candidates.neighbours`.
WIDE_GRID = 8

# Draws of random designs for those that are new.
MAX_DRAWS = 50


class Candidates:
    """Random designs, mutants and neighbours as canonical index vectors.

    Args:
        space: What is searched.
        rng: Source of randomness; shared with the agent.
    """

    def __init__(self, space: DesignSpace, rng: np.random.Generator) -> None:
        self._space = space
        self._rng = rng
        self._ordered = np.array([parameter.ordered for parameter in space.parameters])

    def new_samples(self, n: int, seen: set[bytes]) -> Indices:
        """Return random designs that are not in ``seen``, as far as there are any; add them."""
        found: list[Indices] = []
        for _ in range(MAX_DRAWS):
            for row in self._space.sample_indices(self._rng, n):
                if len(found) < n and row.tobytes() not in seen:
                    seen.add(row.tobytes())
                    found.append(row)
            if len(found) == n:
                break
        return np.stack(found) if found else self._space.sample_indices(self._rng, 1)

    def mutants(self, parents: Indices, n: int, most: int) -> Indices:
        """Return vectors that differ from a parent in 1 to ``most`` parameters, mostly in few.

        Parents come best first; better ones have more mutants. A mutant may be illegal.
        """
        d = len(self._space)
        # Rank drawn with a linearly falling probability.
        rank = (len(parents) * (1 - np.sqrt(self._rng.random(n)))).astype(np.int64)
        base = self._with_silent_genes(parents[rank])
        changes = np.minimum(self._rng.geometric(0.4, size=n), most)
        order = self._rng.random((n, d)).argsort(axis=1).argsort(axis=1)
        return self._space.canonical(np.where(order < changes[:, None], self._moved(base), base))

    def neighbours(self, vector: Indices) -> Indices:
        """Return legal vectors that differ from ``vector`` in one active parameter.

        All values of a parameter are tried, of a wide ordered one a few near ones and two others.
        """
        base = self._with_silent_genes(vector[None])[0]
        rows, values = [], []
        for j in np.flatnonzero(self._space.active(vector)):
            other = self._alternatives(int(j), int(vector[j]))
            rows.append(np.full(len(other), j))
            values.append(other)
        if not rows:
            return vector[:0].reshape(0, len(vector))
        columns, entries = np.concatenate(rows), np.concatenate(values)
        found = np.repeat(base[None], len(columns), axis=0)
        found[np.arange(len(columns)), columns] = entries
        return self.legal(self._space.canonical(found))

    def legal(self, vectors: Indices) -> Indices:
        """Return those of the vectors that fulfil the constraints."""
        if not self._space.constraints:
            return vectors
        kept = [self._space.is_legal(self._space.decode(row)) for row in vectors]
        return np.asarray(vectors[np.array(kept, dtype=bool)])

    def _with_silent_genes(self, vectors: Indices) -> Indices:
        """Fill inactive entries at random, for the case that a mutation activates them."""
        drawn = self._rng.integers(self._space.nvec, size=vectors.shape)
        return np.asarray(np.where(self._space.active(vectors), vectors, drawn))

    def _moved(self, vectors: Indices) -> Indices:
        """Return other values for all entries: near ones for half of the ordered, else any."""
        nvec = self._space.nvec
        reach = np.maximum(1.0, nvec / 10)
        step = np.rint(self._rng.normal(size=vectors.shape) * reach).astype(np.int64)
        step += np.where(step >= 0, 1, 0)
        near = np.clip(vectors + step, 0, nvec - 1)
        any_other = (
            vectors + self._rng.integers(1, np.maximum(nvec, 2), size=vectors.shape)
        ) % nvec
        local: NDArray[np.bool_] = self._ordered & (self._rng.random(vectors.shape) < 0.5)
        return np.asarray(np.where(local, near, any_other))

    def _alternatives(self, j: int, index: int) -> Indices:
        n = int(self._space.nvec[j])
        if not self._ordered[j] or n <= WIDE_GRID:
            other = np.arange(n)
        else:
            near = index + np.array([-4, -2, -1, 1, 2, 4])
            other = np.append(near, self._rng.integers(n, size=2))
            other = other[(other >= 0) & (other < n)]
        return np.asarray(other[other != index])
