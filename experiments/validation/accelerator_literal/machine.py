"""The machine of a literal evaluation, and what cannot be mapped onto it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from experiments.validation.accelerator_literal.nest import (
    Block,
    Workload,
    box_of,
    build,
    volume,
)


class Unmappable(Exception):  # noqa: N818 - an outcome, not a failure of the program
    """A mapping that does not fit: why, at which level, and in the tool's words."""

    def __init__(self, reason: str, level: str | None, message: str) -> None:
        super().__init__(message)
        self.reason, self.level = reason, level


@dataclass(frozen=True, kw_only=True)
class Storage:
    """One storage level; words and pJ."""

    name: str
    dram: bool
    rows: int | None
    block_size: int
    word_bits: int
    instances: int
    mesh_x: int
    cluster_size: int = 1
    multiple_buffering: float = 1.0
    read_bandwidth: float | None = None
    write_bandwidth: float | None = None
    shared_bandwidth: float | None = None
    read_energy_pj: float
    write_energy_pj: float
    area_um2: float

    @property
    def words(self) -> int | None:
        """Capacity."""
        return None if self.rows is None else self.rows * self.block_size

    @property
    def effective_words(self) -> int | None:
        """Capacity of one of the buffers that take turns."""
        return None if self.words is None else int(self.words / self.multiple_buffering)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Storage levels, outermost first, and the MACs."""

    levels: tuple[Storage, ...]
    mac_name: str
    mac_instances: int
    mac_mesh_x: int
    mac_energy_pj: float
    mac_area_um2: float


def check(machine: Machine, workload: Workload, blocks: Sequence[Block]) -> None:
    """Raise the first reason why the mapping cannot run.

    Raises:
        Unmappable: always with one of the reasons that the simulator documents.
    """
    _check_factors(workload, blocks)
    for space in workload.spaces:
        if not any(space.name in block.keep for block in blocks):
            raise Unmappable("keep", None, f"{space.name} is kept nowhere")
    _check_fanouts(machine, blocks)
    _check_capacities(machine, workload, blocks)


def _check_factors(workload: Workload, blocks: Sequence[Block]) -> None:
    for dim, size in workload.sizes.items():
        loops = [loop for block in blocks for loop in (*block.temporal, *block.spatial)]
        found = prod(loop[1] for loop in loops if loop[0] == dim)
        if found != size:
            raise Unmappable("factors", None, f"{dim}: factors make {found}, not {size}")


def reaches(machine: Machine) -> list[tuple[int, int]]:
    """Return how many inner instances each level reaches along X and along Y."""
    meshes = [(level.mesh_x, level.instances // level.mesh_x) for level in machine.levels]
    meshes.append((machine.mac_mesh_x, machine.mac_instances // machine.mac_mesh_x))
    return [(x // outer_x, y // outer_y) for (outer_x, outer_y), (x, y) in pairwise(meshes)]


def _check_fanouts(machine: Machine, blocks: Sequence[Block]) -> None:
    """Compare what all loops down to a level expand to with the mesh of the level below."""
    meshes = [(level.instances, level.mesh_x) for level in machine.levels[1:]]
    meshes.append((machine.mac_instances, machine.mac_mesh_x))
    expansion = {"X": 1, "Y": 1}
    for block, (instances, mesh_x) in zip(blocks, meshes, strict=True):
        for _, bound, axis in block.spatial:
            expansion[axis] *= bound
        for axis, most in (("X", mesh_x), ("Y", instances // mesh_x)):
            if expansion[axis] > most:
                message = f"{axis}: expands to {expansion[axis]} of {most}"
                raise Unmappable("fanout", block.level, message)


def _check_capacities(machine: Machine, workload: Workload, blocks: Sequence[Block]) -> None:
    # The tool looks at the innermost level first.
    for storage, block in reversed(list(zip(machine.levels, blocks, strict=True))):
        size = sum(
            volume(box_of(space, tile_extent(blocks, block, workload)))
            for space in workload.spaces
            if space.name in block.keep
        )
        if storage.effective_words is not None and size > storage.effective_words:
            raise Unmappable(
                "capacity",
                storage.name,
                f"mapped tile size {size} exceeds buffer capacity {storage.effective_words}",
            )


def tile_extent(blocks: Sequence[Block], block: Block, workload: Workload) -> dict[str, int]:
    """Return the iterations per dimension of ``block`` and the blocks inside it."""
    inside = list(blocks[list(blocks).index(block) :])
    return build(inside, workload.sizes)[0].extent
