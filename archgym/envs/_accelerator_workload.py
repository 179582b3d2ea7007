"""The layers that accelerators run: from a network's name, a file, or given as such."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from archgym.errors import InvalidConfigError, did_you_mean
from simulators.accelerator import Layer, systolic

__all__ = ["Workload", "WorkloadLike", "load_layer", "load_layers"]

WorkloadLike = str | PathLike[str] | Mapping[str, Any] | Layer | Sequence[Layer | Sequence[Any]]

TIMELOOP, MLIR, SCALESIM = (".yaml", ".yml"), (".mlir",), (".csv",)


@dataclass(frozen=True, slots=True)
class Workload:
    """Layers that run one after the other."""

    name: str
    """In words."""

    layers: tuple[Layer, ...]
    """Distinct shapes; ``count`` says how often each runs."""

    config: Any
    """JSON-compatible value that `load_layers` makes the same workload of."""


def load_layers(workload: WorkloadLike, batch: int = 1) -> Workload:
    """Return the layers of a workload.

    Args:
        workload: a network as in ``Layer.networks()``, one of its layers by number or name
            ("alexnet/3", "alexnet/conv3"), a file (Timeloop problem, MLIR module, or SCALE-Sim
            topology), a Timeloop problem as a dict, a `Layer`, or several.
        batch: images or sequences at once, for networks.

    Raises:
        InvalidConfigError: there is no such workload, or it holds no layer.
    """
    if isinstance(workload, Layer):
        return _given(workload.name, [workload])
    if isinstance(workload, Mapping):
        layer = Layer.from_timeloop(dict(workload))
        return Workload(layer.name, (layer,), dict(workload))
    if isinstance(workload, str | PathLike):
        text = fspath(workload)
        if Path(text).suffix in (*TIMELOOP, *MLIR, *SCALESIM):
            path = Path(text).resolve()
            return Workload(path.stem, _merged(_from_file(path)), str(path))
        return _from_network(text, batch)
    layers = _listed(workload)
    if layers is not None:
        return _given(f"{len(layers)} layers", layers)
    raise InvalidConfigError(
        f"workload={workload!r} is a {type(workload).__name__}. Give the name of a network, the "
        "path of a file, a Timeloop problem, a Layer, or a list of layers."
    )


def load_layer(workload: WorkloadLike) -> Workload:
    """Return a workload of one layer, given as for `load_layers`.

    Raises:
        InvalidConfigError: there is no such workload, or it holds several layers.
    """
    found = load_layers(workload)
    if len(found.layers) > 1:
        raise InvalidConfigError(
            f"workload={found.name!r} has {len(found.layers)} different layers. Give one of them, "
            f"as in '{found.name}/1' or '{found.name}/{found.layers[0].name}'."
        )
    return found


def _listed(workload: object) -> list[Layer] | None:
    """Return layers given as such, or as [count, problem], the way that `Workload.config` does."""
    if not isinstance(workload, Sequence):
        return None
    layers = []
    for each in workload:
        if isinstance(each, Layer):
            layers.append(each)
        elif isinstance(each, Sequence) and len(each) == 2 and isinstance(each[1], Mapping):
            layers.append(replace(Layer.from_timeloop(dict(each[1])), count=each[0]))
        else:
            return None
    return layers


def _given(name: str, layers: list[Layer]) -> Workload:
    merged = _merged(layers)
    return Workload(name, merged, [[layer.count, layer.to_timeloop()] for layer in merged])


def _from_file(path: Path) -> list[Layer]:
    if path.suffix in SCALESIM:
        return systolic.read_topology(path)
    if path.suffix in TIMELOOP:
        return [Layer.from_timeloop(path)]
    try:
        return list(Layer.from_mlir(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfigError(f"Cannot read the workload '{path}': {error}.") from None


def _from_network(text: str, batch: int) -> Workload:
    network, _, which = text.partition("/")
    layers = Layer.network(network, batch=batch)
    if which:
        layers = [_chosen(network, layers, which)]
    name = text if batch == 1 else f"{text} (batch {batch})"
    return Workload(name, _merged(layers), text)


def _chosen(network: str, layers: Sequence[Layer], which: str) -> Layer:
    if which.isdecimal() and 1 <= int(which) <= len(layers):
        return layers[int(which) - 1]
    for layer in layers:
        if layer.name == which:
            return layer
    names = [layer.name for layer in layers]
    raise InvalidConfigError(
        f"{network} has no layer {which!r}.{did_you_mean(which, names)} Allowed: a number from 1 "
        f"to {len(layers)}, or {', '.join(names)}."
    )


def _merged(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Make layers of one shape a single one that is counted."""
    if not layers:
        raise InvalidConfigError("The workload has no layer that multiplies. Give another one.")
    found: dict[tuple[Any, ...], Layer] = {}
    for layer in layers:
        shape = (tuple(layer.dims.items()), layer.tensors)
        known = found.get(shape)
        found[shape] = layer if known is None else replace(known, count=known.count + layer.count)
    return tuple(found.values())
