"""The loop nest of a mapping: working sets as boxes, walked visit by visit."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import TypeAlias

Box: TypeAlias = tuple[range, ...]
"""The points of a working set: one contiguous range per axis."""
Offset: TypeAlias = Mapping[str, int]
Place: TypeAlias = tuple[int, int]
"""Column and row of an instance in its mesh."""
Group: TypeAlias = tuple[int, int]
"""Multicast factor, and how many groups of that factor one delivery scatters to."""


@dataclass(frozen=True)
class Space:
    """A tensor: each axis is a linear form of the dimensions."""

    name: str
    axes: tuple[tuple[tuple[str, int], ...], ...]
    written: bool = False


@dataclass(frozen=True)
class Workload:
    """A loop nest's problem: the sizes of its dimensions, and its tensors."""

    sizes: Mapping[str, int]
    spaces: tuple[Space, ...]


@dataclass(frozen=True)
class Block:
    """Loops of one storage level, outer to inner, and what the level keeps."""

    level: str
    temporal: tuple[tuple[str, int], ...]
    spatial: tuple[tuple[str, int, str], ...]
    keep: frozenset[str]

    @property
    def fanout(self) -> int:
        """Instances that the spatial loops fan out to."""
        return prod(bound for _, bound, _ in self.spatial)


@dataclass
class Part:
    """A temporal loop, or the adjacent spatial loops of a block, at its place in the nest."""

    level: int
    """0 is the innermost storage."""
    loops: tuple[tuple[str, int, str], ...]
    """Dimension, bound, and "T", "X" or "Y"; one loop if temporal."""
    stride: dict[str, int] = field(default_factory=dict)
    """Per dimension, the iterations of the loops inside this part."""
    extent: dict[str, int] = field(default_factory=dict)
    """Per dimension, the iterations of this part and the loops inside."""
    mesh_x: int = 1
    """Width of the mesh that a fan-out's instances are numbered through."""
    mesh_y: int = 1
    last: Box | None = None
    translation: tuple[int, ...] | None = None
    delivered: dict[Place, Box] = field(default_factory=dict)
    """What each instance of a fan-out received at the previous visit."""

    @property
    def temporal(self) -> bool:
        """Whether this is a temporal loop."""
        return bool(self.loops) and self.loops[0][2] == "T"


@dataclass
class Traffic:
    """What the walk saw leave one storage level, over all epochs, per instance of the level."""

    accesses: dict[Group, int] = field(default_factory=lambda: defaultdict(int))
    link_transfers: int = 0
    hops: float = 0.0
    """Words times the hops of the mesh that each takes."""


def box_of(space: Space, extent: Mapping[str, int], offset: Offset | None = None) -> Box:
    """Return the working set of ``extent`` iterations per dimension from ``offset``."""
    axes = []
    for axis in space.axes:
        start = dict.fromkeys(extent, 0) if offset is None else offset
        low = sum(coefficient * start[dim] for dim, coefficient in axis)
        high = sum(coefficient * (start[dim] + extent[dim] - 1) for dim, coefficient in axis)
        axes.append(range(low, high + 1))
    return tuple(axes)


def volume(box: Box | None) -> int:
    """Number of points."""
    return 0 if box is None else prod(len(axis) for axis in box)


def subtract(box: Box, other: Box | None) -> Box | None:
    """Return the points of ``box`` to fetch when ``other`` is there; None if there are none."""
    if other is None:
        return box
    differing = [axis for axis, pair in enumerate(zip(box, other, strict=True)) if _differ(*pair)]
    if not differing:
        return None
    (axis, *more) = differing
    low = max(box[axis].start, other[axis].start)
    high = min(box[axis].stop, other[axis].stop)
    if more or low >= high:
        return box
    rest = [point for point in box[axis] if not low <= point < high]
    if not rest:
        return None
    return (*box[:axis], range(rest[0], rest[-1] + 1), *box[axis + 1 :])


def _differ(left: range, right: range) -> bool:
    return (left.start, left.stop) != (right.start, right.stop)


def build(
    blocks: Sequence[Block],
    sizes: Mapping[str, int],
    meshes: Sequence[tuple[int, int]] | None = None,
) -> list[Part]:
    """Return the parts of ``blocks`` (outermost first), outermost first.

    ``meshes`` are, by block, the physical instances along X and along Y that it can fan out to.
    """
    parts: list[Part] = []
    for position, block in enumerate(blocks):
        level = len(blocks) - 1 - position
        temporal = [(dim, bound, "T") for dim, bound in block.temporal if bound > 1]
        # A block without a loop still has its place in time: one trivial iteration.
        parts += [Part(level, (loop,)) for loop in temporal or [(next(iter(sizes)), 1, "T")]]
        if spatial := tuple(loop for loop in block.spatial if loop[1] > 1):
            x, y = (prod(n for _, n, axis in spatial if axis == along) for along in "XY")
            physical = meshes[position] if meshes else (1, 1)
            mesh_x, mesh_y = max(x, physical[0]), max(y, physical[1])
            parts.append(Part(level, spatial, mesh_x=mesh_x, mesh_y=mesh_y))
    inside = dict.fromkeys(sizes, 1)
    for part in reversed(parts):
        part.stride = dict(inside)
        for dim, bound, _ in part.loops:
            inside[dim] *= bound
        part.extent = dict(inside)
    return parts


class Walk:
    """One tensor's way through the nest; `traffic` is by level, innermost first."""

    def __init__(self, parts: list[Part], space: Space, levels: int) -> None:
        self.parts, self.space = parts, space
        self.traffic = [Traffic() for _ in range(levels)]
        self.visit(0, dict.fromkeys(parts[0].extent, 0), 1)

    def visit(self, index: int, offset: Offset, epochs: int) -> Box | None:
        """Run part ``index`` at ``offset``, standing for ``epochs`` runs; return its delta."""
        part = self.parts[index]
        if part.temporal:
            self._repeat(index, part, offset, epochs)
        else:
            self._spread(index, part, offset, epochs)
        return self._delta(part, box_of(self.space, part.extent, offset))

    def _delta(self, part: Part, box: Box) -> Box | None:
        """Compare with the previous visit: a change of stride fetches everything again."""
        translation = None
        if part.last is not None:
            pairs = zip(box, part.last, strict=True)
            translation = tuple(new.start - old.start for new, old in pairs)
        if part.translation is None:
            delta, part.translation = subtract(box, part.last), translation
        elif translation == part.translation:
            delta = subtract(box, part.last)
        else:
            delta, part.translation = box, None
        part.last = box
        return delta

    def _repeat(self, index: int, part: Part, offset: Offset, epochs: int) -> None:
        ((dim, bound, _),) = part.loops
        innermost = index + 1 == len(self.parts)
        # Iteration 1 stands for all that follow.
        weights = (1,) if bound == 1 else (1, bound - 1)
        moved = 0
        for iteration, weight in enumerate(weights):
            if innermost:
                moved += weight
                continue
            inner = {**offset, dim: offset[dim] + iteration * part.stride[dim]}
            moved += weight * volume(self.visit(index + 1, inner, epochs * weight))
        if innermost or self.parts[index + 1].level != part.level:
            self.traffic[part.level].accesses[1, 1] += moved * epochs

    def _spread(self, index: int, part: Part, offset: Offset, epochs: int) -> None:
        first: Box | None
        if index + 1 < len(self.parts):
            first = self.visit(index + 1, offset, epochs)
        else:
            first = box_of(self.space, dict.fromkeys(part.extent, 1), offset)
        received = {} if first is None else dict(self._instances(part, first))
        linked = {
            place: box for place, box in received.items() if _from_neighbour(place, box, part)
        }
        part.delivered = received
        every = multicasts(received)
        fewer = multicasts({place: box for place, box in received.items() if place not in linked})
        traffic = self.traffic[part.level]
        if _words(fewer) < _words(every):
            every = fewer
            traffic.link_transfers += epochs * sum(map(volume, linked.values()))
        scatter = Counter(len(places) for places in every.values())
        for box, places in every.items():
            words = volume(box) * epochs
            traffic.accesses[len(places), scatter[len(places)]] += words
            traffic.hops += words * _hops(places, part.mesh_y)

    def _instances(self, part: Part, first: Box) -> Iterator[tuple[Place, Box]]:
        """Yield every instance's place in the mesh and its box: the first one's, translated."""
        for indices in product(*(range(bound) for _, bound, _ in part.loops)):
            step = dict.fromkeys(part.extent, 0)
            scale = dict(part.stride)
            place = {"X": 0, "Y": 0}
            for (dim, bound, _), i in reversed(list(zip(part.loops, indices, strict=True))):
                step[dim] += i * scale[dim]
                scale[dim] *= bound
            for (_, bound, axis), i in zip(part.loops, indices, strict=True):
                place[axis] = place[axis] * bound + i
            moves = [sum(c * step[dim] for dim, c in axis) for axis in self.space.axes]
            box = tuple(
                range(axis.start + move, axis.stop + move)
                for axis, move in zip(first, moves, strict=True)
            )
            # Instances are numbered within the loops used, then laid out in rows of the mesh.
            used = prod(bound for _, bound, axis in part.loops if axis == "X")
            number = place["Y"] * used + place["X"]
            yield (number % part.mesh_x, number // part.mesh_x), box


def _from_neighbour(place: Place, box: Box, part: Part) -> bool:
    x, y = place
    neighbours = ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1))
    return any(part.delivered.get(neighbour) == box for neighbour in neighbours)


def multicasts(received: Mapping[Place, Box]) -> dict[Box, list[Place]]:
    """Group equal boxes: a group of m is one access of its size, of multicast factor m."""
    members: dict[Box, list[Place]] = defaultdict(list)
    for place, box in received.items():
        members[box].append(place)
    return members


def _words(groups: Mapping[Box, list[Place]]) -> int:
    return sum(map(volume, groups))


def _hops(places: list[Place], mesh_y: int) -> float:
    """Return the hops that reach all ``places`` from the middle of the mesh's left edge.

    Along the row to the farthest column, and in every column up and down to the last place.
    """
    middle = (mesh_y - 1) / 2
    hops = float(max(x for x, _ in places))
    for column in {x for x, _ in places}:
        rows = [y - middle for x, y in places if x == column]
        hops += max(0.0, *rows) + max(0.0, *(-row for row in rows))
    return hops
