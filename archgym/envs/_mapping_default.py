"""The mapping that searches are measured against."""

from collections.abc import Sequence

from archgym.envs._mapping_space import MappingEncoding
from archgym.space import Design, DesignSpace, Vector

__all__ = ["default_mapping"]

# A filter per sub-cluster, its channels inside, small tiles.
TILES = {"K": (1, 1), "C": (16, 1), "Y": (4, 4), "X": (4, 4), "N": (1, 1), "G": (1, 1)}
CLUSTER = 16


def default_mapping(encoding: MappingEncoding, space: DesignSpace) -> Design:
    """Return a filter per sub-cluster and its channels inside, or else the smallest tiles."""
    dims = list(encoding.extents)
    indices = []
    for parameter in space.parameters:
        aim = parameter.values[0]
        if parameter.name == "levels":
            aim = encoding.levels
        elif parameter.name.startswith("spatial"):
            aim = _first(dims, "KGYXNC" if parameter.name == "spatial_1" else "CKYXNG")
        elif isinstance(parameter, Vector):
            aim = parameter.values[parameter.nearest(_aim(encoding, parameter))]
        indices.append(parameter.index(aim))
    design = space.decode(indices)
    if space.is_legal(design):
        return design
    smallest = [
        0 if isinstance(parameter, Vector) and parameter.group != "array" else index
        for parameter, index in zip(space.parameters, indices, strict=True)
    ]
    return space.decode(smallest)


def _aim(encoding: MappingEncoding, parameter: Vector) -> list[int]:
    if parameter.group == "array":
        inner = [CLUSTER] + [1] * parameter.width
        return ([encoding.pes, *inner] if encoding.search_pes else inner)[: parameter.width]
    outer, inner_tile = TILES[parameter.group[-1]]
    return [outer] + [inner_tile] * (parameter.width - 1)


def _first(dims: Sequence[str], wished: str) -> str:
    return next(dim for dim in wished if dim in dims)
