"""From the walk of a nest to counts, energy and cycles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import prod

from experiments.validation.accelerator_literal.machine import Machine, Storage, check, reaches
from experiments.validation.accelerator_literal.nest import (
    Block,
    Group,
    Part,
    Space,
    Walk,
    Workload,
    box_of,
    build,
    volume,
)


@dataclass(kw_only=True)
class Counts:
    """One tensor at one level that keeps it; per instance unless said."""

    tile_size: int
    partition_size: int
    instances: int
    clusters: int
    reads: int
    updates: int
    fills: int
    temporal_reductions: int
    address_generations: int
    energy_pj: float = 0.0
    """Of all instances."""
    read_bandwidth: float = 0.0
    write_bandwidth: float = 0.0


@dataclass(kw_only=True)
class Deliveries:
    """One tensor between a level and the next inner one."""

    ingress: dict[Group, Fraction]
    fanout: int
    hops: float
    """Mean per access."""
    link_transfers: Fraction
    spatial_reductions: Fraction

    @property
    def multicast_factor(self) -> int:
        """The largest."""
        return max((factor for factor, _ in self.ingress), default=0)


@dataclass
class Result:
    """Everything a literal evaluation finds; levels outermost first."""

    counts: dict[str, dict[str, Counts]] = field(default_factory=dict)
    deliveries: dict[str, dict[str, Deliveries]] = field(default_factory=dict)
    """By the outer level's name."""
    macs: int = 0
    mac_instances: int = 0
    compute_cycles: int = 0
    cycles: int = 0
    slowdowns: dict[str, float] = field(default_factory=dict)
    level_cycles: dict[str, int] = field(default_factory=dict)
    mac_energy_pj: float = 0.0
    energy_pj: float = 0.0
    area_um2: float = 0.0
    utilization: float = 0.0


@dataclass
class _Level:
    """One tensor at one level, as accesses are collapsed; innermost first in lists."""

    kept: bool
    size: int
    fanout: int
    replication: int
    accesses: dict[Group, Fraction]
    links: Fraction
    hops: float
    partition: int = 0
    parent_share: Fraction = Fraction(0)
    peers: Fraction = Fraction(0)

    @property
    def total(self) -> Fraction:
        return sum(self.accesses.values(), Fraction(0))

    @property
    def delivered(self) -> Fraction:
        """Words that all instances of the fan-out receive."""
        return sum((m * words for (m, _), words in self.accesses.items()), Fraction(0))


def evaluate_literally(
    machine: Machine, workload: Workload, blocks: Sequence[Block], *, year_2022: bool = False
) -> Result:
    """Evaluate one mapping; ``blocks`` are outermost first, one per level.

    Raises:
        Unmappable: the mapping does not fit.
    """
    check(machine, workload, blocks)
    result = Result(
        macs=prod(workload.sizes.values()),
        compute_cycles=prod(bound for block in blocks for _, bound in block.temporal),
        mac_instances=prod(block.fanout for block in blocks),
        counts={level.name: {} for level in machine.levels},
        deliveries={level.name: {} for level in machine.levels},
    )
    for space in workload.spaces:
        _collapse(machine, workload, list(blocks), space, year_2022, result)
    _finish(machine, result)
    return result


def _collapse(
    machine: Machine,
    workload: Workload,
    blocks: list[Block],
    space: Space,
    year_2022: bool,
    result: Result,
) -> None:
    parts = build(blocks, workload.sizes, reaches(machine))
    walk = Walk(parts, space, len(blocks))
    levels = [_level(parts, walk, space, blocks, number) for number in range(len(blocks))]
    _share_partitions(parts, space, workload, levels)
    for inner, outer in pairwise(levels):
        inner.parent_share = outer.delivered / outer.fanout
    _bypass(levels)
    for inner, outer in pairwise(levels):
        if outer.links:
            inner.peers += outer.links / inner.replication
    outermost = max(number for number, level in enumerate(levels) if level.kept)
    for number, (level, storage) in enumerate(zip(levels, reversed(machine.levels), strict=True)):
        result.deliveries[storage.name][space.name] = _deliveries(level, space, storage)
        if level.kept:
            result.counts[storage.name][space.name] = _counts(
                level, storage, space.written, number == outermost, year_2022
            )


def _level(parts: list[Part], walk: Walk, space: Space, blocks: list[Block], number: int) -> _Level:
    block = blocks[len(blocks) - 1 - number]
    head = next(part for part in parts if part.level == number)
    traffic = walk.traffic[number]
    return _Level(
        kept=space.name in block.keep,
        size=volume(box_of(space, head.extent)),
        fanout=block.fanout,
        replication=prod(outer.fanout for outer in blocks[: len(blocks) - 1 - number]),
        accesses={group: Fraction(words) for group, words in traffic.accesses.items()},
        links=Fraction(traffic.link_transfers),
        hops=traffic.hops,
    )


def _share_partitions(
    parts: list[Part], space: Space, workload: Workload, levels: list[_Level]
) -> None:
    levels[-1].partition = volume(box_of(space, workload.sizes))
    for number in reversed(range(len(levels) - 1)):
        spread = [part for part in parts if part.level == number + 1 and not part.temporal]
        whole = volume(box_of(space, spread[0].extent)) if spread else levels[number].size
        levels[number].partition = levels[number + 1].partition * levels[number].size // whole


def _bypass(levels: list[_Level]) -> None:
    outermost = max(number for number, level in enumerate(levels) if level.kept)
    for number, level in enumerate(levels):
        if number > outermost:
            level.accesses, level.links = {}, Fraction(0)
        elif not level.kept:
            outer = levels[number + 1]
            factor = level.total * outer.fanout / outer.delivered
            outer.accesses = {group: words * factor for group, words in outer.accesses.items()}
            outer.links = Fraction(0)
    levels[outermost].parent_share = Fraction(0)


def _counts(
    level: _Level, storage: Storage, written: bool, outermost: bool, year_2022: bool
) -> Counts:
    accesses, arrivals = level.total, level.parent_share + level.peers
    if written:
        reads = _nearest(accesses + level.peers - level.partition)
        updates = _nearest(accesses)
        elided = 0 if outermost or year_2022 else level.partition
        fills = _nearest(arrivals - elided)
    else:
        reads, updates, fills = _nearest(accesses + level.peers), 0, math.trunc(arrivals)
    # An output whose tiles have holes can have fewer updates than its box has words.
    reads, fills = max(0, reads), max(0, fills)
    return Counts(
        tile_size=level.size,
        partition_size=level.partition,
        instances=level.replication,
        clusters=min(level.replication, storage.instances // storage.cluster_size),
        reads=reads,
        updates=updates,
        fills=fills,
        temporal_reductions=reads if written else 0,
        address_generations=(updates if written else reads) + fills,
    )


def _nearest(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def _deliveries(level: _Level, space: Space, storage: Storage) -> Deliveries:
    reductions = Fraction(0)
    ingress = dict(level.accesses)
    if space.written:
        reductions = sum(((m - 1) * words for (m, _), words in ingress.items()), Fraction(0))
        if storage.dram:
            # Partial sums return to the level below for every further update.
            ingress = {group: 2 * words - level.partition for group, words in ingress.items()}
    entering = sum(ingress.values(), Fraction(0))
    return Deliveries(
        ingress=ingress,
        fanout=level.fanout,
        hops=level.hops / float(entering) if entering > 0 else 0.0,
        link_transfers=level.links,
        spatial_reductions=reductions,
    )


def _finish(machine: Machine, result: Result) -> None:
    for storage in machine.levels:
        counts = result.counts[storage.name]
        result.slowdowns[storage.name] = _slowdown(storage, counts, result.compute_cycles)
        result.level_cycles[storage.name] = math.ceil(
            result.compute_cycles / result.slowdowns[storage.name]
        )
        for each in counts.values():
            each.energy_pj = _energy_pj(storage, each)
            rate = result.slowdowns[storage.name] / result.compute_cycles
            each.read_bandwidth = each.reads * rate
            each.write_bandwidth = (each.updates + each.fills) * rate
    result.cycles = max((result.compute_cycles, *result.level_cycles.values()))
    result.mac_energy_pj = result.macs * machine.mac_energy_pj
    result.energy_pj = result.mac_energy_pj + sum(
        each.energy_pj for counts in result.counts.values() for each in counts.values()
    )
    result.area_um2 = machine.mac_instances * machine.mac_area_um2 + sum(
        level.instances * level.area_um2 for level in machine.levels
    )
    result.utilization = result.macs / machine.mac_instances / result.cycles


def _slowdown(storage: Storage, counts: dict[str, Counts], compute_cycles: int) -> float:
    reads = sum(each.reads / compute_cycles for each in counts.values())
    writes = sum((each.updates + each.fills) / compute_cycles for each in counts.values())
    demands = (
        (storage.read_bandwidth, reads),
        (storage.write_bandwidth, writes),
        (storage.shared_bandwidth, reads + writes),
    )
    return min(1.0, *(have / need for have, need in demands if have is not None and need > have), 1)


def _energy_pj(storage: Storage, counts: Counts) -> float:
    rows_read = -(-counts.reads // storage.block_size)
    rows_written = -(-counts.fills // storage.block_size) - (-counts.updates // storage.block_size)
    one = rows_read * storage.read_energy_pj + rows_written * storage.write_energy_pj
    return one * counts.clusters
