"""Published networks by name, as lists of layers."""

from collections.abc import Callable
from dataclasses import dataclass

from simulators.accelerator import _networks_convolutional as convolutional
from simulators.accelerator import _networks_dense as dense
from simulators.accelerator._layer import Layer
from simulators.accelerator._networks_builder import merge_repeats
from simulators.errors import InvalidConfigError, did_you_mean

_MAX_BATCH = 65_536


@dataclass(frozen=True, slots=True)
class _Network:
    build: Callable[..., list[Layer]]
    summary: str
    sequence: int | None = None
    """Tokens unless the caller says otherwise; None: the network has no free length."""
    longest: int = 0
    """Positions that the network has embeddings for."""


_NETWORKS = {
    "alexnet": _Network(convolutional.alexnet, "AlexNet, 2 groups, 227 x 227"),
    "alexnet-ungrouped": _Network(convolutional.alexnet_ungrouped, "AlexNet without groups"),
    "vgg16": _Network(convolutional.vgg16, "VGG-16, 224 x 224"),
    "resnet18": _Network(convolutional.resnet18, "ResNet-18, 224 x 224"),
    "resnet50": _Network(convolutional.resnet50, "ResNet-50 v1.5, 224 x 224"),
    "resnet50-v1": _Network(convolutional.resnet50_v1, "ResNet-50 as in the paper, 224 x 224"),
    "mobilenetv2": _Network(convolutional.mobilenetv2, "MobileNetV2 1.0, 224 x 224"),
    "efficientnet-b0": _Network(convolutional.efficientnet_b0, "EfficientNet-B0, 224 x 224"),
    "bert-base": _Network(dense.bert_base, "BERT-base, 128 tokens", 128, 512),
    "gpt2": _Network(dense.gpt2, "GPT-2 small, 1,024 tokens", 1024, 1024),
    "vit-b16": _Network(dense.vit_b16, "ViT-B/16, 224 x 224"),
    "dlrm": _Network(dense.dlrm, "DLRM's perceptrons, Criteo Terabyte (MLPerf)"),
    "dlrm-kaggle": _Network(dense.dlrm_kaggle, "DLRM's perceptrons, Criteo Kaggle"),
}

_ALIASES = {"bert": "bert-base", "vitb": "vit-b16", "dlrmmlps": "dlrm", "resnet50v15": "resnet50"}


def networks() -> dict[str, str]:
    """Return the known networks: name and one line about each."""
    return {name: network.summary for name, network in _NETWORKS.items()}


def network(
    name: str, *, batch: int = 1, sequence: int | None = None, merge: bool = False
) -> list[Layer]:
    """Return the layers of a published network, in the order in which they run.

    Only what multiplies is there: convolutions and matrix products (also of attention and of
    squeeze-and-excitation), not pooling, normalisation, activation or table look-ups.

    Args:
        name: one of `networks`; case, "-", "_" and "/" do not matter.
        batch: images, sequences or samples at once, 1 to 65,536.
        sequence: tokens of a sequence, for "bert-base" (default 128, at most 512) and "gpt2"
            (default and at most 1,024).
        merge: whether layers of the same shape become one, with `Layer.count` saying how many.

    Raises:
        InvalidConfigError: an unknown name, or a number out of range.
    """
    known = _find(name)
    if isinstance(batch, bool) or not isinstance(batch, int) or not 1 <= batch <= _MAX_BATCH:
        raise InvalidConfigError(
            f"batch={batch!r}. Allowed: an integer from 1 to {_MAX_BATCH}. Give one of these."
        )
    arguments = [batch] if known.sequence is None else [batch, _tokens(name, known, sequence)]
    if known.sequence is None and sequence is not None:
        free = ", ".join(key for key, other in _NETWORKS.items() if other.sequence is not None)
        raise InvalidConfigError(
            f"sequence={sequence!r}, but {name!r} has no free length. Allowed for: {free}. "
            "Leave it out."
        )
    layers = known.build(*arguments)
    return merge_repeats(layers) if merge else layers


def _find(name: str) -> _Network:
    folded = {_fold(key): key for key in _NETWORKS}
    key = folded.get(_fold(str(name)), _ALIASES.get(_fold(str(name)), ""))
    if key not in _NETWORKS:
        raise InvalidConfigError(
            f"no network {name!r}. Allowed: {', '.join(_NETWORKS)}.{did_you_mean(name, _NETWORKS)}"
        )
    return _NETWORKS[key]


def _fold(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _tokens(name: str, known: _Network, sequence: int | None) -> int:
    tokens = known.sequence if sequence is None else sequence
    if isinstance(tokens, bool) or not isinstance(tokens, int) or not 1 <= tokens <= known.longest:
        raise InvalidConfigError(
            f"sequence={sequence!r} for {name!r}. Allowed: an integer from 1 to {known.longest}, "
            "the positions that it has. Give one of these."
        )
    return tokens
