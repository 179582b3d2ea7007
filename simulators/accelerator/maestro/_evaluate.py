"""Evaluation of layers under MAESTRO mappings: one, many, or a network's layers in order."""

from collections.abc import Sequence
from typing import Literal, NoReturn, get_args

import numpy as np
from numpy.typing import NDArray

from simulators.accelerator._layer import Layer
from simulators.accelerator.maestro import _core
from simulators.accelerator.maestro._cost import (
    INTEGERS,
    REASONS,
    Cost,
    CostBatch,
    batch_of,
    cost_of,
    l1_accesses,
)
from simulators.accelerator.maestro._hardware import Hardware
from simulators.accelerator.maestro._layer import MaestroLayer
from simulators.accelerator.maestro._mapping import (
    Cluster,
    MaestroMapping,
    PackedDirective,
    place,
    size_of,
)
from simulators.errors import InvalidConfigError, InvalidMappingError, did_you_mean

Compatibility = Literal["corrected", "maestro"]

_CLUSTER = 3


def evaluate(
    layer: Layer | MaestroLayer,
    mapping: MaestroMapping | str,
    hardware: Hardware,
    *,
    compatibility: Compatibility = "corrected",
) -> Cost:
    """Return the cost of a layer under a mapping.

    Args:
        layer: a convolution (also depthwise or grouped) or matrix product.
        mapping: a mapping, or its text; see `MaestroMapping.from_text`.
        hardware: the accelerator. Its L1 and L2 sizes do not change the cost; see `Cost.fits`.
        compatibility: "corrected", or "maestro" for the tool's own figures where it is known to be
            wrong. There, the L1 energy of a mapping with clusters is that of the layer before it in
            the file, so none here; and the output of a grouped convolution is indexed by its input
            channels.

    Raises:
        InvalidConfigError: a layer or text that cannot be read, or an unknown ``compatibility``.
        InvalidMappingError: a mapping that does not fit the layer or the hardware; ``reason`` is
            one of `simulators.accelerator.maestro.REASONS`.
    """
    _check(compatibility)
    return _evaluate(layer, mapping, hardware, compatibility, 0)[0]


def evaluate_network(
    layers: Sequence[Layer | MaestroLayer],
    mappings: MaestroMapping | str | Sequence[MaestroMapping | str],
    hardware: Hardware,
    *,
    compatibility: Compatibility = "corrected",
) -> list[Cost]:
    """Return the costs of the layers of one network, in order.

    With ``compatibility="maestro"``, the energy of a mapping with clusters holds the L1 accesses
    of the layer before it, as in the tool's run over a whole file.

    Args:
        layers: the layers, as `evaluate` takes them.
        mappings: one for all layers, or one per layer.
        hardware: the accelerator.
        compatibility: as of `evaluate`.

    Raises:
        InvalidConfigError: as `evaluate`, or the numbers of layers and mappings differ.
        InvalidMappingError: as `evaluate`.
    """
    _check(compatibility)
    each: list[MaestroMapping | str] = (
        [mappings] * len(layers) if isinstance(mappings, MaestroMapping | str) else list(mappings)
    )
    if len(each) != len(layers):
        raise InvalidConfigError(
            f"{len(each)} mappings for {len(layers)} layers. Give one for all, or one per layer."
        )
    costs: list[Cost] = []
    l1_before = 0
    for layer, mapping in zip(layers, each, strict=True):
        cost, l1_before = _evaluate(layer, mapping, hardware, compatibility, l1_before)
        costs.append(cost)
    return costs


def evaluate_batch(
    layer: Layer | MaestroLayer,
    mappings: Sequence[MaestroMapping | str] | NDArray[np.int64],
    hardware: Hardware | Sequence[Hardware],
    *,
    compatibility: Compatibility = "corrected",
) -> CostBatch:
    """Return the costs of many mappings of one layer; a refused one carries its reason.

    Args:
        layer: as of `evaluate`.
        mappings: mappings or their texts; or an array (n, directives, 4) of int64 with
            (kind, dimension, size, offset): kind 1 temporal, 2 spatial, 3 cluster (its size as
            size), 0 end; dimension the index in "CGKMNRSXY" followed by X' and Y'.
        hardware: the accelerator, or one per mapping.
        compatibility: as of `evaluate`.

    Raises:
        InvalidConfigError: a layer or text that cannot be read, an unknown ``compatibility``, or
            neither one hardware nor as many as mappings.
        InvalidMappingError: a mapping asks for the size of a dimension that the layer lacks.
    """
    _check(compatibility)
    described = MaestroLayer.from_layer(layer)
    table = mappings if isinstance(mappings, np.ndarray) else _table(described, mappings)
    machines = (hardware,) if isinstance(hardware, Hardware) else tuple(hardware)
    if len(machines) not in (1, len(table)):
        raise InvalidConfigError(
            f"{len(machines)} hardware descriptions for {len(table)} mappings. "
            "Give one for all, or one per mapping."
        )
    rows = np.array([machine.packed() for machine in machines], dtype=np.int64)
    table = np.ascontiguousarray(table, dtype=np.int64)
    integers, reals = _core.evaluate_batch(*described.packed(compatibility), table, rows)
    single = None
    if compatibility == "maestro":
        single = ~(table[:, :, 0] == _CLUSTER).any(axis=1)
    return batch_of(described, machines, integers, reals, single)


def _evaluate(
    layer: Layer | MaestroLayer,
    mapping: MaestroMapping | str,
    hardware: Hardware,
    compatibility: Compatibility,
    l1_before: int,
) -> tuple[Cost, int]:
    """Return the cost and the L1 accesses, which the next layer's energy may hold."""
    described = MaestroLayer.from_layer(layer)
    parsed = MaestroMapping.from_text(mapping) if isinstance(mapping, str) else mapping
    directives = parsed.packed(described)
    integers, reals = _core.evaluate_batch(
        *described.packed(compatibility),
        np.array([directives], dtype=np.int64),
        np.array([hardware.packed()], dtype=np.int64),
    )
    row = integers[0].tolist()
    if row[0] != 0:
        _refuse(described, parsed, hardware, REASONS[row[0]], row[1])
    l1 = l1_accesses(dict(zip(INTEGERS, row, strict=True)))
    clustered = any(kind == _CLUSTER for kind, *_ in directives)
    counted = l1_before if clustered and compatibility == "maestro" else l1
    return cost_of(described, hardware, row, reals[0].tolist(), counted), l1


def _table(layer: MaestroLayer, mappings: Sequence[MaestroMapping | str]) -> NDArray[np.int64]:
    packed: list[list[PackedDirective]] = [
        (MaestroMapping.from_text(m) if isinstance(m, str) else m).packed(layer) for m in mappings
    ]
    length = max(map(len, packed), default=0)
    end = (0, 0, 0, 0)
    rows = [directives + [end] * (length - len(directives)) for directives in packed]
    return np.array(rows, dtype=np.int64).reshape(len(rows), length, 4)


def _check(compatibility: str) -> None:
    allowed = get_args(Compatibility)
    if compatibility not in allowed:
        raise InvalidConfigError(
            f"unknown compatibility {compatibility!r}.{did_you_mean(compatibility, allowed)} "
            f"Allowed: {', '.join(allowed)}."
        )


def _refuse(
    layer: MaestroLayer, mapping: MaestroMapping, hardware: Hardware, reason: str, at: int
) -> NoReturn:
    directive = mapping.directives[at] if 0 <= at < len(mapping.directives) else None
    where = f"{place(directive)}{directive}: " if directive is not None else ""
    clusters = [size_of(d, d.size, layer) for d in mapping.directives if isinstance(d, Cluster)]
    product = int(np.prod(clusters, dtype=object)) if clusters else 1
    explanations = {
        "unknown_dimension": f"layer {layer.name!r} of type {layer.kind} has no such dimension. "
        f"Its dimensions: {', '.join(layer.dims)}.",
        "repeated_dimension": "the level maps this dimension already. Remove one of the two, or "
        "put a Cluster between them.",
        "no_spatial_map": "the level that ends here has no SpatialMap. Map one dimension with "
        "SpatialMap instead of TemporalMap.",
        "many_spatial_maps": "the level has more than two SpatialMaps. Make the others "
        "TemporalMap, or put a Cluster between them.",
        "partial_filter": "R and S must be held whole. Write TemporalMap(Sz(R),Sz(R)) R and "
        "TemporalMap(Sz(S),Sz(S)) S.",
        "many_levels": f"the mapping has more than {mapping.MAX_LEVELS} levels. Remove a Cluster.",
        "fanout": f"the clusters need {product} processing elements and the hardware has "
        f"{hardware.pes}. Make clusters smaller, or pes at least {product}.",
        "no_work": "some sub-cluster computes nothing: a tile of Y or X is smaller than the "
        "filter. Make it at least R, or S, elements.",
        "size": "sizes and offsets are positive integers.",
    }
    raise InvalidMappingError(f"{where}{explanations[reason]}", reason=reason)
