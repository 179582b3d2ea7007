"""All mappings of a layer onto an architecture that constraints allow."""

from collections.abc import Iterator
from functools import cache, cached_property
from math import factorial, prod
from typing import Any

import numpy as np

from simulators.accelerator import _core
from simulators.accelerator._architecture import Architecture
from simulators.accelerator._batch import MappingBatch
from simulators.accelerator._constraints import (
    FULL,
    LevelConstraints,
    LoopConstraints,
    MappingConstraints,
)
from simulators.accelerator._layer import Layer
from simulators.errors import InvalidConfigError, InvalidMappingError

_UNLIMITED = 2**62
_BOTH, _X, _Y = 3, 1, 2
_MOST_WAYS = 200_000
_DRAWS_PER_MAPPING = 20_000
_FOUND, _NO_MAPPING = 0, 1
_MESH_X, _MESH_Y, _MESH, _CAPACITY = 1, 2, 3, 4


class MappingSpace:
    """The mappings with perfect factors that constraints allow.

    As Timeloop's mapper builds them: at each level at most one temporal and one spatial loop over
    a dimension, and spatial loops along Y outside of those along X. A mapping is legal if its tiles
    fit, and if each level's spatial loops fit its fan-out: the mesh of the next inner level divided
    by its own.

    Args:
        arch: the architecture.
        layer: the layer.
        constraints: None: whatever the architecture can run.

    Raises:
        InvalidConfigError: the constraints name a level or tensor that does not exist.
        InvalidMappingError: factors that cannot make up a bound of the layer, or a tensor that is
            kept nowhere.
    """

    def __init__(
        self, arch: Architecture, layer: Layer, constraints: MappingConstraints | None = None
    ) -> None:
        self.arch = arch
        self.layer = layer
        self.constraints = constraints or MappingConstraints()
        self.constraints.check(
            (level.name for level in arch.levels), (tensor.name for tensor in layer.tensors)
        )
        self._dims = tuple(layer.dims)
        self._levels = [self._level(i) for i in range(len(arch.levels))]
        number = {dim: i for i, dim in enumerate(self._dims)}
        tensors = [
            [[(number[dim], coefficient) for dim, coefficient in axis] for axis in tensor.axes]
            for tensor in layer.tensors
        ]
        self.core = _core.MappingSpace(list(layer.dims.values()), tensors, self._levels)
        self._check_keep()
        self._check_factors()

    def _level(self, index: int) -> tuple[Any, ...]:
        level = self.arch.levels[index]
        inner: Any = (*self.arch.levels, self.arch.compute)[index + 1]
        fan_x, fan_y = max(inner.mesh_x // level.mesh_x, 1), max(inner.mesh_y // level.mesh_y, 1)
        rules = self.constraints.levels.get(level.name, LevelConstraints())
        keep = free = 0
        for bit, tensor in enumerate(self.layer.tensors):
            if tensor.name in rules.keep or (index == 0 and tensor.name not in rules.bypass):
                keep |= 1 << bit
            elif tensor.name not in rules.bypass:
                free |= 1 << bit
        capacity = -1 if level.capacity_words is None else level.capacity_words
        temporal = self._rules(rules.temporal, None)
        return (
            capacity,
            fan_x,
            fan_y,
            keep,
            free,
            temporal,
            self._rules(rules.spatial, (fan_x, fan_y)),
        )

    def keeps(self, level: int) -> int:
        """Return the tensors that every mapping keeps at a level, one bit each."""
        return int(self._levels[level][3])

    def _rules(self, rules: LoopConstraints, fan: tuple[int, int] | None) -> tuple[Any, ...]:
        fixed, most, axes = [], [], []
        for dim, bound in self.layer.dims.items():
            factor = rules.factors.get(dim, 0 if bound > 1 else 1)
            if dim in rules.factors:
                factor = bound if factor == FULL else min(factor, bound)
            fixed.append(factor)
            most.append(rules.max_factors.get(dim, _UNLIMITED))
            axes.append(_axes(rules, dim, fan) if fan else 0)
        inner = [self._dims.index(dim) for dim in rules.permutation if dim in self._dims]
        return fixed, most, axes, inner

    def _check_keep(self) -> None:
        for bit, tensor in enumerate(self.layer.tensors):
            if not any((level[3] | level[4]) >> bit & 1 for level in self._levels):
                raise InvalidMappingError(
                    f"no legal mapping: the constraints bypass {tensor.name} at every level. Keep "
                    f"it at {self.arch.levels[0].name}.",
                    "keep",
                )

    def _check_factors(self) -> None:
        for i, (dim, bound) in enumerate(self.layer.dims.items()):
            rest, most = self.core.places(i)
            where = ", ".join(self._fixed(i))
            if rest == 0:
                raise InvalidMappingError(
                    f"no legal mapping: the fixed factors of {dim} ({where}) do not divide its "
                    f"bound {bound}. Free one of them.",
                    "factors",
                )
            if not _ways(rest, tuple(most)):
                raise InvalidMappingError(
                    f"no legal mapping: {rest} of {dim}={bound} is left over by the fixed factors "
                    f"({where or 'none'}), and the places that are free take at most "
                    f"{list(most)}. Free {dim} at a level, e.g. {self.arch.levels[0].name}.",
                    "factors",
                )

    def _fixed(self, dim: int) -> list[str]:
        """Where a dimension has a fixed factor above 1."""
        return [
            f"{level.name} {kind}={rules[0][dim]}"
            for level, entry in zip(self.arch.levels, self._levels, strict=True)
            for kind, rules in (("temporal", entry[5]), ("spatial", entry[6]))
            if rules[0][dim] > 1
        ]

    @cached_property
    def size(self) -> int:
        """Points of the space: factorisations x loop orders x axes x kept tensors.

        Counted as Timeloop's mapper does, before tiles and fan-outs are checked: mappings that
        differ only in where loops of bound 1 lie are counted apart.
        """
        points = 1
        for i in range(len(self._dims)):
            rest, most = self.core.places(i)
            points *= _ways(rest, tuple(most))
        for _, fan_x, fan_y, _, free, temporal, spatial in self._levels:
            points *= 2 ** int(free).bit_count() * factorial(self._open(temporal))
            if fan_x * fan_y > 1:
                points *= factorial(self._open(spatial))
                turning = zip(spatial[0], spatial[2], strict=True)
                points *= prod(2 for fixed, axes in turning if fixed != 1 and axes == _BOTH)
        return points

    def _open(self, rules: tuple[Any, ...]) -> int:
        fixed, _, _, inner = rules
        return sum(factor != 1 and i not in inner for i, factor in enumerate(fixed))

    def check(self) -> None:
        """Refuse a space without a legal mapping.

        Raises:
            InvalidMappingError: naming the level and what does not fit; ``reason`` is "capacity"
                or "fanout".
        """
        status, what, level, needed, limit = self.core.first_legal()
        if status == _FOUND:
            return
        name = self.arch.levels[level].name
        claim = "no legal mapping" if status == _NO_MAPPING else "found no legal mapping"
        reason = "capacity" if what == _CAPACITY else "fanout"
        text = {
            _MESH_X: f"level {name} needs a fan-out of {needed:.0f} along X, it has {limit:.0f}",
            _MESH_Y: f"level {name} needs a fan-out of {needed:.0f} along Y, it has {limit:.0f}",
            _MESH: f"level {name} needs a fan-out of {needed:.0f}, it has {limit:.0f}",
            _CAPACITY: f"the smallest tiles at level {name} take {needed:.0f} words, it holds "
            f"{limit:.0f}",
        }[what]
        fixed = [
            f"{dim}: {places}"
            for i, dim in enumerate(self._dims)
            if (places := ", ".join(self._fixed(i)))
        ]
        raise InvalidMappingError(
            f"{claim}: {text}. Fixed factors: {'; '.join(fixed) or 'none'}. "
            "Free a factor, bypass a tensor there, or enlarge the level.",
            reason,
            name,
        )

    def count(self, limit: int = 10_000_000) -> int:
        """Return how many mappings are legal, counting no further than ``limit``.

        Raises:
            InvalidMappingError: there is none.
        """
        self.check()
        walk = _core.MappingWalk(self.core, _MOST_WAYS)
        return walk.count(limit) if walk.complete() else limit

    def enumerate(self, chunk: int = 65_536) -> Iterator[MappingBatch]:
        """Yield every legal mapping once, in a fixed order, ``chunk`` at a time.

        Raises:
            InvalidMappingError: there is none.
            InvalidConfigError: a dimension has more than 200,000 factorisations.
        """
        self.check()
        walk = _core.MappingWalk(self.core, _MOST_WAYS)
        if not walk.complete():
            raise InvalidConfigError(
                f"the space of {self.size:.3g} points is too large to enumerate: a dimension has "
                f"more than {_MOST_WAYS:,} factorisations. Constrain it, or use sample()."
            )
        while len(batch := MappingBatch(*walk.next_rows(self.core, chunk))):
            yield batch

    def sample(self, n: int, rng: np.random.Generator) -> MappingBatch:
        """Return ``n`` legal mappings, drawn uniformly from the legal points, with replacement.

        Raises:
            InvalidMappingError: there is none, or legal ones are too rare to be drawn.
        """
        self.check()
        seed = int(rng.integers(2**63))
        batch = MappingBatch(*self.core.sample(n, seed, 1_000_000 + n * _DRAWS_PER_MAPPING))
        if len(batch) < n:
            raise InvalidMappingError(
                f"{len(batch)} of {n} mappings drawn: fewer than one point in "
                f"{_DRAWS_PER_MAPPING} is legal. Use enumerate() or search_mapping().",
                "capacity",
            )
        return batch


def _axes(rules: LoopConstraints, dim: str, fan: tuple[int, int]) -> int:
    """Axes that a spatial loop over ``dim`` may run along: bit 0 is X, bit 1 is Y."""
    axes = _BOTH
    if rules.split is not None:
        if dim in rules.permutation:
            axes = _X if rules.permutation.index(dim) < rules.split else _Y
        elif len(rules.permutation) >= rules.split:
            axes = _Y
    if axes == _BOTH and fan[1] == 1:
        return _X
    return _Y if axes == _BOTH and fan[0] == 1 else axes


def _ways(bound: int, most: tuple[int, ...]) -> int:
    """Return how many ways there are to write ``bound`` as a product of factors up to ``most``."""
    ways = {bound: 1}
    for limit in most:
        left: dict[int, int] = {}
        for rest, count in ways.items():
            for factor in _divisors(rest):
                if factor <= limit:
                    left[rest // factor] = left.get(rest // factor, 0) + count
        ways = left
    return ways.get(1, 0)


@cache
def _divisors(n: int) -> tuple[int, ...]:
    small = [d for d in range(1, int(n**0.5) + 1) if n % d == 0]
    return tuple(sorted({*small, *(n // d for d in small)}))
