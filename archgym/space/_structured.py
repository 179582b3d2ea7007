"""Parameters whose values have parts: an order of items, or a tuple of whole numbers."""

import itertools
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from archgym.errors import InvalidConfigError
from archgym.space._parameters import Parameter, check_cardinality

MAX_ITEMS = 8


@dataclass(frozen=True, kw_only=True)
class Permutation(Parameter):
    """An order of items, for example of loops; every index is one order, and each order has one.

    Index 0 is the order given; indices are the lexicographic rank, whose digits in the factorial
    number system are the Lehmer code. Values are the items joined, by "-" unless they are letters.
    """

    kind: ClassVar[str] = "permutation"
    ordered: ClassVar[bool] = False

    items: tuple[str, ...]
    """What is ordered: 1 to 8 different texts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "items", tuple(self.items))
        if not 1 <= len(self.items) <= MAX_ITEMS or len(set(self.items)) != len(self.items):
            raise InvalidConfigError(
                f"{self.name}: items={self.items}. Give 1 to {MAX_ITEMS} different texts."
            )
        if any(not isinstance(item, str) or not item or "-" in item for item in self.items):
            raise InvalidConfigError(
                f"{self.name}: items={self.items}. Items are texts without '-'."
            )

    @cached_property
    def orders(self) -> tuple[tuple[str, ...], ...]:
        """The items in every order, in index order."""
        return tuple(itertools.permutations(self.items))

    @cached_property
    def values(self) -> tuple[str, ...]:
        """All values, in index order."""
        joint = "" if all(len(item) == 1 for item in self.items) else "-"
        return tuple(joint.join(order) for order in self.orders)

    @cached_property
    def _rank(self) -> dict[tuple[str, ...], int]:
        return {order: index for index, order in enumerate(self.orders)}

    @property
    def allowed(self) -> str:
        """The values in words, for messages and tables."""
        return f"an order of {self.values[0]}"

    def moves(self, index: int) -> list[int]:
        """Return the indices of the orders in which two items have changed places."""
        order = self.orders[index]
        found = []
        for i, j in itertools.combinations(range(len(order)), 2):
            swapped = list(order)
            swapped[i], swapped[j] = swapped[j], swapped[i]
            found.append(self._rank[tuple(swapped)])
        return found

    def _range(self) -> dict[str, object]:
        return {"items": list(self.items)}


@dataclass(frozen=True, kw_only=True)
class Vector(Parameter):
    """A tuple of whole numbers of which only some exist, for example the tiles of nested levels.

    Values are the numbers joined by "/", as in ``"64/8"``.
    """

    kind: ClassVar[str] = "vector"
    ordered: ClassVar[bool] = True

    rows: tuple[tuple[int, ...], ...]
    """The tuples, all of one length of at least 1, strictly rising, of numbers of at least 1."""

    labels: tuple[str, ...] = ()
    """What the components are; empty, or one text each."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "rows", tuple(tuple(row) for row in self.rows))
        check_cardinality(self.name, len(self.rows))
        width = len(self.rows[0])
        for row in self.rows:
            whole = all(isinstance(n, int) and not isinstance(n, bool) and n >= 1 for n in row)
            if len(row) != width or width == 0 or not whole:
                raise InvalidConfigError(
                    f"{self.name}: the row {row} is not {width} whole numbers of at least 1."
                )
        if any(a >= b for a, b in itertools.pairwise(self.rows)):
            raise InvalidConfigError(f"{self.name}: rows are not strictly rising. Sort them.")
        if self.labels and len(self.labels) != width:
            raise InvalidConfigError(
                f"{self.name}: {len(self.labels)} labels for rows of {width} numbers."
            )

    @cached_property
    def values(self) -> tuple[str, ...]:
        """All values, in index order."""
        return tuple("/".join(map(str, row)) for row in self.rows)

    @property
    def width(self) -> int:
        """Numbers per row."""
        return len(self.rows[0])

    @cached_property
    def _logs(self) -> NDArray[np.float64]:
        return np.log(np.array(self.rows, dtype=np.float64))

    @property
    def allowed(self) -> str:
        """The values in words, for messages and tables."""
        if self.cardinality <= 12:
            return super().allowed
        names = "/".join(self.labels) or "number" + "/number" * (self.width - 1)
        return f"{self.cardinality} of {names} from {self.values[0]} to {self.values[-1]}"

    def nearest(self, target: Sequence[float], keep: int | None = None) -> int:
        """Return the index of the row nearest to ``target`` in the ratios of its numbers.

        Args:
            target: as many positive numbers as a row has.
            keep: a component that is to equal the target's, or come nearest to it, first of all.
        """
        gaps = np.abs(self._logs - np.log(np.asarray(target, dtype=np.float64)))
        distance = gaps.sum(axis=1)
        if keep is not None:
            distance = distance + (gaps[:, keep] - gaps[:, keep].min()) * self._keep_weight
        return int(np.argmin(distance))

    @cached_property
    def _keep_weight(self) -> float:
        # Far above any sum of gaps over the least gap that two numbers can have.
        largest = float(self._logs.max()) + 1.0
        return 4.0 * self.width * largest * math.exp(largest)

    @cached_property
    def components(self) -> tuple[tuple[int, ...], ...]:
        """The different numbers that each component takes, rising."""
        return tuple(tuple(sorted(set(column))) for column in zip(*self.rows, strict=True))

    def with_component(self, index: int, component: int, number: int) -> int:
        """Return the row in which ``component`` is ``number`` and the rest as near as possible."""
        target = list(self.rows[index])
        target[component] = number
        return self.nearest(target, keep=component)

    @cached_property
    def _lines(self) -> list[dict[tuple[int, ...], list[int]]]:
        """Per component, the rows that differ in it alone, rising, by what they share."""
        lines: list[dict[tuple[int, ...], list[int]]] = [{} for _ in range(self.width)]
        for index, row in enumerate(self.rows):
            for i, line in enumerate(lines):
                line.setdefault(row[:i] + row[i + 1 :], []).append(index)
        return lines

    def moves(self, index: int) -> list[int]:
        """Return the rows that differ in one number, by as little as rows do, and the next rows."""
        row = self.rows[index]
        found = {k: None for k in (index - 1, index + 1) if 0 <= k < self.cardinality}
        for i, lines in enumerate(self._lines):
            line = lines[row[:i] + row[i + 1 :]]
            at = bisect_left(line, index)
            found |= dict.fromkeys([*line[max(at - 1, 0) : at], *line[at + 1 : at + 2]])
        return list(found)

    def _range(self) -> dict[str, object]:
        return {"rows": [list(row) for row in self.rows], "labels": list(self.labels)}
