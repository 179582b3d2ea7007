"""Evaluating mappings with Timeloop's semantics: one, or thousands at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

from simulators.accelerator._architecture import Architecture
from simulators.accelerator._batch import MappingBatch, from_flat
from simulators.accelerator._cost import REASONS, Cost
from simulators.accelerator._cost_batch import CostBatch
from simulators.accelerator._counts import Counts
from simulators.accelerator._layer import Layer
from simulators.accelerator._mapping import Mapping
from simulators.accelerator._packed import MALFORMED, Packed, pack
from simulators.errors import InvalidConfigError, InvalidMappingError, did_you_mean

if TYPE_CHECKING:
    from simulators.accelerator import maestro


Semantics = Literal["timeloop", "maestro"]


@overload
def evaluate(
    arch: Architecture,
    layer: Layer,
    mapping: Mapping,
    *,
    semantics: Semantics | None = None,
    compatibility: str | None = None,
) -> Cost: ...


@overload
def evaluate(
    arch: "maestro.Hardware",
    layer: "Layer | maestro.MaestroLayer",
    mapping: "maestro.MaestroMapping | str",
    *,
    semantics: Semantics | None = None,
    compatibility: "maestro.Compatibility | None" = None,
) -> "maestro.Cost": ...


def evaluate(
    arch: Any,
    layer: Any,
    mapping: Any,
    *,
    semantics: Semantics | None = None,
    compatibility: Any = None,
) -> Any:
    """Return the cost of running ``layer`` on ``arch`` with ``mapping``.

    The hardware decides the semantics: an `Architecture` has Timeloop's (Parashar et al., ISPASS
    2019), a `maestro.Hardware` MAESTRO's (Kwon et al., MICRO 2019).

    Args:
        arch: the accelerator.
        layer: the workload.
        mapping: one block per level of an `Architecture`; or a MAESTRO mapping, or its text.
        semantics: "timeloop" or "maestro", to insist on one; None: what the hardware says.
        compatibility: for an `Architecture`: "timeloop3" (default): release 3.0.3;
            "timeloop2022": charge fills even for partial sums that have no earlier value, as
            releases of 2022 did. For MAESTRO's: see `maestro.evaluate`.

    Raises:
        InvalidMappingError: the mapping does not fit, or does not compute the layer.
        InvalidConfigError: unknown semantics or compatibility.
    """
    if _check_semantics(semantics, arch) == "maestro":
        from simulators.accelerator import maestro

        return maestro.evaluate(layer, mapping, arch, compatibility=compatibility or "corrected")
    return _evaluate(arch, layer, mapping, compatibility or "timeloop3")


def _evaluate(arch: Architecture, layer: Layer, mapping: Mapping, compatibility: str) -> Cost:
    packed = pack(arch, layer, compatibility)
    flat, keep = packed.flatten(mapping)
    result = packed.model.evaluate(flat, keep)
    if isinstance(result, tuple):
        raise packed.failure(result)
    cycles, energy_pj = int(result.cycles), result.energy_pj
    return Cost(
        cycles=cycles,
        compute_cycles=int(result.compute_cycles),
        energy_pj=energy_pj,
        area_um2=packed.area_um2,
        utilization=result.utilization,
        edp_j_cycle=energy_pj * 1e-12 * cycles,
        macs=layer.macs,
        limiting_level=packed.limiting_level(result.limiting_level),
        compute_energy_pj=result.compute_energy_pj,
        _counts=Counts(packed, flat, keep, result),
    )


def evaluate_batch(
    arch: Architecture,
    layer: Layer,
    mappings: Sequence[Mapping] | MappingBatch,
    *,
    compatibility: str = "timeloop3",
    chunk: int = 4096,
    threads: int = 1,
    levels: bool = False,
) -> CostBatch:
    """Evaluate many mappings; the result is the same for every ``chunk`` and ``threads``.

    For MAESTRO's semantics see `maestro.evaluate_batch`.

    Args:
        arch: the accelerator.
        layer: the workload.
        mappings: any sequence, or packed arrays (much faster).
        compatibility: see `evaluate`.
        chunk: mappings packed at a time; bounds the memory beside the results.
        threads: worker threads; Python may run other threads meanwhile.
        levels: also return the counts of every level and tensor.

    Returns:
        Arrays with an element per mapping. Invalid mappings do not raise: ``valid`` is False and
        ``cost.reason(i)`` says why.

    Raises:
        InvalidConfigError: an unknown option, or arrays that do not belong to layer and
            architecture.
    """
    for name, value in (("chunk", chunk), ("threads", threads)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InvalidConfigError(f"{name} is {value!r}. Give an integer of 1 or more.")
    packed = pack(arch, layer, compatibility)
    costs = CostBatch.empty(packed, len(mappings), levels)
    if isinstance(mappings, MappingBatch):
        _fill(packed, mappings, costs, 0, threads)
    else:
        for start in range(0, len(mappings), chunk):
            part = mappings[start : start + chunk]
            _fill_mappings(packed, part, costs, start, threads)
    costs.finish()
    return costs


def _fill(packed: Packed, batch: MappingBatch, costs: CostBatch, start: int, threads: int) -> None:
    shape = (len(packed.levels), len(packed.tensors))
    if batch.keep.shape[1:] != shape:
        raise InvalidConfigError(
            f"MappingBatch: keep has the shape {batch.keep.shape}; architecture and layer have "
            f"{shape[0]} levels and {shape[1]} tensors."
        )
    columns = costs.columns(slice(start, start + len(batch)))
    packed.model.evaluate_batch(
        batch.bounds, batch.dims, batch.levels, batch.kinds, batch.keep, threads, **columns
    )
    malformed = (columns["reason"] == MALFORMED).nonzero()[0]
    if len(malformed):
        raise InvalidConfigError(
            f"MappingBatch: the loops of mapping {malformed[0]} are not in nest order: level by "
            "level, outermost first, in each level the temporal loops before the spatial ones, "
            "kinds 0 to 2, bounds of 1 or more."
        )


def _fill_mappings(
    packed: Packed, mappings: Sequence[Mapping], costs: CostBatch, start: int, threads: int
) -> None:
    flat: list[tuple[list[int], bytes]] = []
    refused: dict[int, InvalidMappingError] = {}
    nothing = bytes(len(packed.levels) * len(packed.tensors))
    for index, mapping in enumerate(mappings, start):
        try:
            flat.append(packed.flatten(mapping))
        except InvalidMappingError as error:
            flat.append(([], nothing))
            refused[index] = error
    _fill(packed, from_flat(packed, flat), costs, start, threads)
    for index, refusal in refused.items():
        costs.refuse(index, REASONS.index(refusal.reason) + 1, refusal.message)


def _check_semantics(semantics: str | None, arch: object) -> str:
    """Return the semantics of a kind of hardware."""
    found = "timeloop" if isinstance(arch, Architecture) else "maestro"
    if semantics not in (None, *get_args(Semantics)):
        raise InvalidConfigError(
            f"semantics is {semantics!r}.{did_you_mean(semantics, get_args(Semantics))} "
            f"Allowed: {', '.join(get_args(Semantics))}."
        )
    if semantics not in (None, found):
        raise InvalidConfigError(
            f"semantics is {semantics!r}, but the hardware is a {type(arch).__name__}. Give an "
            "Architecture for 'timeloop', a maestro.Hardware for 'maestro'."
        )
    return found
