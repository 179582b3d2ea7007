"""The layer that Mapping-v0 maps, however it is given."""

from collections.abc import Mapping
from typing import Any

from archgym.errors import InvalidConfigError, did_you_mean
from simulators.accelerator import Layer

__all__ = ["LayerLike", "layer_of"]

LayerLike = str | Mapping[str, Any] | Layer


def layer_of(layer: LayerLike) -> Layer:
    """Return the layer itself, that of a Timeloop problem, or one of a network by number or name.

    Raises:
        InvalidConfigError: it is none of these, or there is no such layer.
    """
    if isinstance(layer, Layer):
        return layer
    if isinstance(layer, Mapping):
        return Layer.from_timeloop(dict(layer))
    if not isinstance(layer, str):
        raise InvalidConfigError(
            f"layer={layer!r} is a {type(layer).__name__}. Give 'network/number' as in "
            "'resnet18/3', a Layer, or a Timeloop problem."
        )
    network, slash, chosen = layer.partition("/")
    layers = Layer.network(network)
    if chosen.isdecimal() and int(chosen) < len(layers):
        return layers[int(chosen)]
    for candidate in layers:
        if slash and candidate.name == chosen:
            return candidate
    names = [candidate.name for candidate in layers]
    raise InvalidConfigError(
        f"layer={layer!r}: {network} has no layer {chosen!r}.{did_you_mean(chosen, names)} "
        f"Give '{network}/0' to '{network}/{len(layers) - 1}', or a name as in "
        f"'{network}/{names[0]}'."
    )
