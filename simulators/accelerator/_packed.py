"""Architecture and layer as the core wants them, packed once and remembered."""

from collections import OrderedDict
from dataclasses import dataclass
from math import inf
from threading import Lock
from typing import Any

from simulators.accelerator._architecture import Architecture, Level
from simulators.accelerator._core import Model
from simulators.accelerator._layer import Layer
from simulators.accelerator._mapping import Block, Mapping
from simulators.errors import InvalidConfigError, InvalidMappingError, did_you_mean

COMPATIBILITIES = ("timeloop3", "timeloop2022")
MALFORMED = 255
"""The core's reason for loops that are not in nest order: the caller's fault."""

_CACHED = 256
_cache: "OrderedDict[tuple[int, int, str], Packed]" = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Packed:
    """A core model, and the numbers of names."""

    architecture: Architecture
    layer: Layer
    model: Model
    levels: dict[str, int]
    dims: dict[str, int]
    tensors: dict[str, int]
    area_um2: float
    compatibility: str

    def limiting_level(self, number: int) -> str:
        """Return the name of a level, "compute" for -1."""
        return "compute" if number < 0 else self.architecture.levels[number].name

    def flatten(self, mapping: Mapping) -> tuple[list[int], bytes]:
        """Return a mapping's loops (bound, dim, level, kind, ...) and its keep flags.

        Raises:
            InvalidMappingError: a level, dimension or tensor of another architecture or layer.
        """
        blocks = mapping.blocks
        levels, dims = self.levels, self.dims
        if len(blocks) != len(levels) or any(
            levels.get(block.level) != i for i, block in enumerate(blocks)
        ):
            blocks = self._in_order(mapping)
        flat: list[int] = []
        keep = bytearray(len(levels) * len(self.tensors))
        try:
            for level, block in enumerate(blocks):
                for dim, bound in block.temporal:
                    flat += (bound, dims[dim], level, 0)
                for dim, bound, axis in block.spatial:
                    flat += (bound, dims[dim], level, 1 if axis == "X" else 2)
                first = level * len(self.tensors)
                for name in block.keep:
                    keep[first + self.tensors[name]] = 1
        except KeyError:
            raise self._unknown_name(mapping) from None
        return flat, bytes(keep)

    def _in_order(self, mapping: Mapping) -> tuple[Block, ...]:
        blocks = {block.level: block for block in mapping.blocks}
        for name in blocks:
            if name not in self.levels:
                raise InvalidMappingError(
                    f"the mapping has loops at level {name!r}, which the architecture "
                    f"{self.architecture.name!r} lacks.{did_you_mean(name, self.levels)} "
                    f"Levels: {', '.join(self.levels)}.",
                    "unknown_level",
                    name,
                )
        for name in self.levels:
            if name not in blocks:
                raise InvalidMappingError(
                    f"the mapping has no block for level {name!r} of the architecture "
                    f"{self.architecture.name!r}. Give one, without loops if it has none.",
                    "unknown_level",
                    name,
                )
        return tuple(blocks[name] for name in self.levels)

    def _unknown_name(self, mapping: Mapping) -> InvalidMappingError:
        for block in mapping.blocks:
            for dim, *_ in (*block.temporal, *block.spatial):
                if dim not in self.dims:
                    return InvalidMappingError(
                        f"level {block.level} loops over the unknown dimension {dim!r}."
                        f"{did_you_mean(dim, self.dims)} Layer {self.layer.name!r} has "
                        f"{', '.join(self.dims)}.",
                        "unknown_dimension",
                        block.level,
                    )
        for block in mapping.blocks:
            for name in block.keep:
                if name not in self.tensors:
                    return InvalidMappingError(
                        f"level {block.level} keeps the unknown tensor {name!r}."
                        f"{did_you_mean(name, self.tensors)} Layer {self.layer.name!r} has "
                        f"{', '.join(self.tensors)}.",
                        "keep",
                        block.level,
                    )
        raise AssertionError("every name of the mapping is known")

    def failure(self, failure: tuple[int, int, float, float]) -> InvalidMappingError:
        """Return the core's refusal as an error."""
        return InvalidMappingError(*describe(self, *failure))


def describe(
    packed: Packed, reason: int, where: int, used: float, available: float
) -> tuple[str, str, str | None]:
    """Return message, reason and level of a refusal by the core."""
    levels = [level.name for level in packed.architecture.levels]
    if reason == 1:
        words = f"mapped tile size {used:.0f} exceeds buffer capacity {available:.0f}"
        return f"couldn't map level {levels[where]}: {words}", "capacity", levels[where]
    if reason == 2:
        below = [*levels, packed.architecture.compute.name][where + 1]
        axis = "Y" if used < 0 else "X"
        return (
            f"the spatial loops down to level {levels[where]} reach {abs(used):.0f} instances of "
            f"{below} along {axis}; its mesh has {available:.0f}",
            "fanout",
            levels[where],
        )
    if reason == 3:
        dim = list(packed.dims)[where]
        return (
            f"the loops over {dim} multiply to {used:.0f}{' or more' if used > available else ''}, "
            f"the layer {packed.layer.name!r} has {dim}={available:.0f}. Their bounds have to "
            "multiply to it exactly.",
            "factors",
            None,
        )
    if reason == 6:
        tensor = packed.layer.tensors[where].name
        return f"{tensor} is kept at no level. Keep it at the outermost.", "keep", None
    if reason in (4, 5):
        kind = "dimension" if reason == 4 else "level"
        return f"a loop has the unknown {kind} number {where}", f"unknown_{kind}", None
    raise AssertionError(f"the core gave the reason {reason}")


def pack(architecture: Architecture, layer: Layer, compatibility: str) -> Packed:
    """Return the packed pair; the last few hundred are remembered by identity.

    Raises:
        InvalidConfigError: an unknown compatibility, or index ranges beyond 64 bits.
    """
    key = (id(architecture), id(layer), compatibility)
    packed = _cache.get(key)
    if packed is None:
        packed = _pack(architecture, layer, compatibility)
        with _lock:  # the entry holds both objects, so their ids stay theirs
            _cache[key] = packed
            while len(_cache) > _CACHED:
                _cache.popitem(last=False)
    return packed


def _pack(architecture: Architecture, layer: Layer, compatibility: str) -> Packed:
    if compatibility not in COMPATIBILITIES:
        raise InvalidConfigError(
            f"compatibility is {compatibility!r}.{did_you_mean(compatibility, COMPATIBILITIES)} "
            f"Allowed: {', '.join(COMPATIBILITIES)}."
        )
    dims = {dim: i for i, dim in enumerate(layer.dims)}
    tensors = [
        [[(dims[dim], coefficient) for dim, coefficient in axis] for axis in tensor.axes]
        for tensor in layer.tensors
    ]
    compute = architecture.compute
    try:
        model = Model(
            [_level(level) for level in architecture.levels],
            (compute.mesh_x or 1, compute.mesh_y, compute.energy_pj),
            list(layer.dims.values()),
            tensors,
            layer.tensors.index(layer.output),
            compatibility == "timeloop2022",
        )
    except (OverflowError, RuntimeError) as error:
        raise InvalidConfigError(f"layer {layer.name!r}: {error}. Split the layer.") from None
    return Packed(
        architecture,
        layer,
        model,
        {level.name: i for i, level in enumerate(architecture.levels)},
        dims,
        {tensor.name: i for i, tensor in enumerate(layer.tensors)},
        architecture.area_um2,
        compatibility,
    )


def _level(level: Level) -> dict[str, Any]:
    read, write = level.access_energy_pj
    capacity = level.capacity_words
    return {
        "capacity_words": inf if capacity is None else capacity,
        "read_bandwidth": level.read_bandwidth or 0.0,
        "write_bandwidth": level.write_bandwidth or 0.0,
        "shared_bandwidth": level.shared_bandwidth or 0.0,
        "read_energy_pj": read,
        "write_energy_pj": write,
        "block_size": level.block_size,
        "mesh_x": level.mesh_x,
        "mesh_y": level.mesh_y,
        "clusters": level.instances // level.cluster_size,
        "dram": level.technology == "DRAM",
    }
