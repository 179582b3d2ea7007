"""A design as a sequence of small decisions, for agents that build one step by step."""

import itertools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from archgym.agents._agent import Indices
from archgym.space import Design, DesignSpace

Mask = NDArray[np.bool_]
Singles = NDArray[np.float32]

MAX_WIDTH = 16
"""Branches of a decision; a parameter of more values takes several decisions."""


@dataclass(slots=True)
class Partial:
    """A design under construction."""

    row: Indices
    """Indices decided so far, 0 elsewhere."""

    position: int
    """The parameter that is decided next; past the last one, the design is complete."""

    low: int = 0
    """First index that is still possible for it."""

    high: int = 0
    """Index after the last one."""

    decided: list[bool] = field(default_factory=list)
    """Whether each parameter before ``position`` is active."""


class Construction:
    """Builds designs parameter by parameter in declaration order.

    A decision picks one of at most `width` parts of the indices that are left of a parameter, all
    of about one size, so that a grid of thousands takes a few decisions. Inactive parameters, and
    those of one value, take none.

    Args:
        space: What is built.
    """

    def __init__(self, space: DesignSpace) -> None:
        self._space = space
        self.width = int(min(MAX_WIDTH, max(2, space.nvec.max())))
        # A constraint can be checked as soon as the last parameter that it reads is decided.
        last = len(space) - 1
        names = {name: i for i, name in enumerate(space.names)}
        self._due: list[list[int]] = [[] for _ in range(len(space))]
        for k, constraint in enumerate(space.constraints):
            due = max((names[name] for name in constraint.parameters), default=last)
            self._due[due].append(k)

    @property
    def most_decisions(self) -> int:
        """Bound on the decisions of one design: as if all parameters were active."""
        total = 0
        for cardinality in self._space.nvec.tolist():
            left = cardinality
            while left > 1:
                left, total = -(-left // self.width), total + 1
        return total

    def start(self) -> Partial:
        """Return a design of which nothing is decided."""
        partial = Partial(row=np.zeros(len(self._space), dtype=np.int64), position=-1)
        self._advance(partial)
        return partial

    def done(self, partial: Partial) -> bool:
        """Return whether every parameter is decided."""
        return partial.position >= len(self._space)

    def mask(self, partial: Partial) -> Mask:
        """Return which of `width` branches exist and can still be legal; all that exist, if none.

        Constraints are checked where this decision settles the last parameter that they read.
        """
        count = len(self._parts(partial))
        mask = np.arange(self.width) < count
        due = self._due[partial.position]
        if not due or count < partial.high - partial.low:
            return mask
        legal = mask.copy()
        for k in range(count):
            row = partial.row.copy()
            row[partial.position] = partial.low + k
            design = self._decoded(row, partial.position)
            values = [self._space.constraints[c].function(design) for c in due]
            legal[k] = all(value <= 0 for value in values)
        return legal if legal.any() else mask

    def choose(self, partial: Partial, branch: int) -> None:
        """Take a decision."""
        partial.low, partial.high = self._parts(partial)[branch]
        if partial.high - partial.low == 1:
            partial.row[partial.position] = partial.low
            self._advance(partial)

    def features(self, partial: Partial) -> Singles:
        """Return what is known of the design: 3 numbers per parameter, and 2 of the next one.

        Of every parameter: its index on a scale from 0 to 1, whether it is decided and active, and
        whether it is next. Of the next one: the range of indices that is left.
        """
        n, position = len(self._space), partial.position
        features = np.zeros(3 * n + 2, dtype=np.float32)
        decided = np.flatnonzero(partial.decided)
        scale = np.maximum(self._space.nvec - 1, 1)
        features[decided] = partial.row[decided] / scale[decided]
        features[n + decided] = 1.0
        if position < n:
            features[2 * n + position] = 1.0
            features[3 * n :] = np.array([partial.low, partial.high]) / self._space.nvec[position]
        return features

    @property
    def feature_count(self) -> int:
        """Length of `features`."""
        return 3 * len(self._space) + 2

    def decisions(self, row: Indices) -> list[tuple[Singles, Mask, int]]:
        """Return the features, mask and branch of every decision that leads to a design."""
        partial, taken = self.start(), []
        while not self.done(partial):
            index = int(row[partial.position])
            parts = self._parts(partial)
            branch = next(k for k, (low, high) in enumerate(parts) if low <= index < high)
            taken.append((self.features(partial), self.mask(partial), branch))
            self.choose(partial, branch)
        return taken

    def _parts(self, partial: Partial) -> list[tuple[int, int]]:
        low, size = partial.low, partial.high - partial.low
        count = min(self.width, size)
        cuts = [low + size * k // count for k in range(count + 1)]
        return [*itertools.pairwise(cuts)]

    def _advance(self, partial: Partial) -> None:
        """Go to the next parameter that has a choice."""
        if partial.position >= 0:
            partial.decided.append(True)
        partial.position += 1
        while partial.position < len(self._space):
            active = bool(self._space.active(partial.row)[partial.position])
            size = int(self._space.nvec[partial.position])
            if active and size > 1:
                partial.low, partial.high = 0, size
                return
            partial.decided.append(active)
            partial.position += 1

    def _decoded(self, row: Indices, last: int) -> Design:
        """Return the values of the parameters up to ``last``."""
        known = set(self._space.names[: last + 1])
        return {k: v for k, v in self._space.decode(row).items() if k in known}
