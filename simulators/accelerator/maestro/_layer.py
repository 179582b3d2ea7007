"""A layer as MAESTRO describes it: input sizes without padding, named K C R S Y X."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from math import prod
from typing import ClassVar

from simulators.accelerator._frozen import FrozenMap
from simulators.accelerator._layer import Layer
from simulators.errors import InvalidConfigError, did_you_mean

DIMS = "CGKMNRSXY"
"""Dimension letters in the order of their numbers in the native core."""

_LARGEST = 2**31 - 1

_TENSORS = {
    "CONV": ("NCYX", "KCRS", "NKYX"),
    "DSCONV": ("NCYX", "CRS", "NCYX"),
    "NGCONV": ("NGCYX", "GKCRS", "NGKYX"),
    "GEMM": ("MK", "KN", "MN"),
}
_REQUIRED = {"CONV": "KCRSYX", "DSCONV": "CRSYX", "NGCONV": "GKCRSYX", "GEMM": "MNK"}
# MAESTRO's files give depthwise layers K: 1, and mappings may name it.
_ALLOWED = {"CONV": "NKCRSYX", "DSCONV": "NKCRSYX", "NGCONV": "NGKCRSYX", "GEMM": "MNK"}

PackedLayer = tuple[tuple[int, ...], tuple[int, int], tuple[int, int, int], bool]


@dataclass(frozen=True, kw_only=True)
class MaestroLayer:
    """One layer of a MAESTRO network.

    Raises:
        InvalidConfigError: an unknown type or dimension, a missing one, a size that is no positive
            integer, a stride below 1, or a filter larger than its input.
    """

    KINDS: ClassVar[dict[str, str]] = {
        "CONV": "convolution: K C R S Y X, optional batch N",
        "DSCONV": "depthwise convolution: C R S Y X, optional batch N",
        "NGCONV": "grouped convolution: G groups of K C R S Y X, optional batch N",
        "GEMM": "matrix product: M rows, N columns, reduction K",
    }

    name: str = "layer"
    """Any text."""
    kind: str = "CONV"
    """MAESTRO's layer type, one of `KINDS`."""
    dims: Mapping[str, int] = field(default_factory=dict)
    """Size of every dimension. Y and X are the input's rows and columns."""
    stride: tuple[int, int] = (1, 1)
    """Of a convolution, along (Y, X)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "dims", FrozenMap(self.dims))
        object.__setattr__(self, "stride", tuple(self.stride))
        if self.kind not in self.KINDS:
            raise InvalidConfigError(
                f"layer {self.name!r}: unknown type {self.kind!r}."
                f"{did_you_mean(self.kind, self.KINDS)} Allowed: {', '.join(self.KINDS)}."
            )
        self._check_dims()
        self._check_stride()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.name, self.kind, self.dims, self.stride))

    def _check_dims(self) -> None:
        allowed, required = _ALLOWED[self.kind], _REQUIRED[self.kind]
        for dim, size in self.dims.items():
            if dim not in allowed:
                raise InvalidConfigError(
                    f"layer {self.name!r}: a {self.kind} layer has no dimension {dim!r}. "
                    f"Allowed: {', '.join(allowed)}."
                )
            if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= _LARGEST:
                raise InvalidConfigError(
                    f"layer {self.name!r}: dimension {dim} is {size!r}. "
                    "Give a positive integer below 2**31."
                )
        missing = [dim for dim in required if dim not in self.dims]
        if missing:
            raise InvalidConfigError(
                f"layer {self.name!r}: a {self.kind} layer needs the dimensions "
                f"{', '.join(required)}. Add {', '.join(missing)}."
            )
        if self.kind != "GEMM":
            for outer, inner in (("Y", "R"), ("X", "S")):
                if self.dims[outer] < self.dims[inner]:
                    raise InvalidConfigError(
                        f"layer {self.name!r}: the input's {outer}={self.dims[outer]} is smaller "
                        f"than the filter's {inner}={self.dims[inner]}. Y and X are input sizes, "
                        "padding included."
                    )

    def _check_stride(self) -> None:
        if len(self.stride) != 2 or any(not isinstance(s, int) or s < 1 for s in self.stride):
            raise InvalidConfigError(
                f"layer {self.name!r}: stride is {self.stride!r}. "
                "Give two integers of 1 or more, along (Y, X)."
            )
        if self.kind == "GEMM" and self.stride != (1, 1):
            raise InvalidConfigError(f"layer {self.name!r}: a GEMM has no stride. Remove it.")

    @classmethod
    def from_layer(cls, layer: "Layer | MaestroLayer") -> "MaestroLayer":
        """Return MAESTRO's form of a convolution, depthwise or grouped convolution, or product.

        R and S keep their letters; Y and X are the inputs that P and Q read:
        Y = (P-1) stride + R. With R = S = P = Q = 1 (a matrix product) the batch becomes Y, the
        rows of a 1x1 convolution, so that the usual mappings fit.

        Raises:
            InvalidConfigError: the layer is none of these, or it is dilated.
        """
        return layer if isinstance(layer, MaestroLayer) else _described(layer)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the layer."""
        if self.kind == "GEMM":
            return prod(self.dims.values())
        rows = (self.dims["Y"] - self.dims["R"]) // self.stride[0] + 1
        columns = (self.dims["X"] - self.dims["S"]) // self.stride[1] + 1
        others = prod(self.dims[dim] for dim in self.dims if dim not in "YX")
        return others * rows * columns

    def tensor_dims(self, compatibility: str = "corrected") -> tuple[str, str, str]:
        """Return the dimensions of input, filter and output; Y and X stand for output rows too.

        MAESTRO indexes the output of grouped convolutions by C as well, as if they did not sum
        over input channels.
        """
        names = _TENSORS[self.kind]
        if self.kind == "NGCONV" and compatibility == "maestro":
            names = (*names[:2], "NGKCYX")
        first, second, third = ("".join(d for d in name if d in self.dims) for name in names)
        return first, second, third

    def tensor_sizes(self) -> tuple[int, int]:
        """Return the elements of the input and of the filter."""
        first, second, _ = self.tensor_dims()
        return prod(self.dims[d] for d in first), prod(self.dims[d] for d in second)

    def packed(self, compatibility: str = "corrected") -> PackedLayer:
        """Return the arguments that describe the layer to the native core."""
        key = f"_packed_{compatibility}"
        known: PackedLayer | None = self.__dict__.get(key)
        if known is None:
            sizes = tuple(self.dims.get(dim, 0) for dim in DIMS)
            masks = [
                sum(1 << DIMS.index(d) for d in dims) for dims in self.tensor_dims(compatibility)
            ]
            coupled = (masks[0], masks[1], masks[2])
            known = (sizes, self.stride, coupled, self.kind != "GEMM")
            self.__dict__[key] = known
        return known


@lru_cache(maxsize=1024)
def _described(layer: Layer) -> MaestroLayer:
    kind = _kind_of(layer)
    stride = _stride_of(layer)
    bound = dict(layer.dims)
    dims = {"K": bound.get("M", 1), "C": bound["C"], "R": bound["R"], "S": bound["S"]}
    if kind == "NGCONV":
        dims["G"] = bound["G"]
    if bound["N"] > 1 and all(bound[dim] == 1 for dim in "RSPQ"):
        dims |= {"Y": bound["N"], "X": 1}
        return MaestroLayer(name=layer.name, kind=kind, dims=dims)
    dims["Y"] = (bound["P"] - 1) * stride[0] + bound["R"]
    dims["X"] = (bound["Q"] - 1) * stride[1] + bound["S"]
    dims["N"] = bound["N"]
    return MaestroLayer(name=layer.name, kind=kind, dims=dims, stride=stride)


def _axes(layer: Layer, name: str) -> set[str] | None:
    names = [tensor.name for tensor in layer.tensors]
    return set(layer.tensor(name).dims) if name in names else None


def _kind_of(layer: Layer) -> str:
    weights = _axes(layer, "Weights")
    inputs, outputs = _axes(layer, "Inputs"), _axes(layer, "Outputs")
    found = (weights, inputs, outputs)
    shapes: dict[str, tuple[set[str], set[str], set[str]]] = {
        "CONV": (set("CMRS"), set("NCRPSQ"), set("NMQP")),
        "DSCONV": (set("CRS"), set("NCRPSQ"), set("NCQP")),
        "NGCONV": (set("GCMRS"), set("NGCRPSQ"), set("NGMQP")),
    }
    for kind, shape in shapes.items():
        if found == shape:
            return kind
    raise InvalidConfigError(
        f"layer {layer.name!r} is no convolution or matrix product over R S P Q C M N, which is "
        "all that MAESTRO models. Build it with Layer.conv, depthwise, grouped or matmul."
    )


def _stride_of(layer: Layer) -> tuple[int, int]:
    """Return the strides along Y and X, from the input's axes: Layer.stride only repeats them."""
    coefficient = {d: c for axis in layer.tensor("Inputs").axes for d, c in axis}
    for size, dilation in (("R", coefficient["R"]), ("S", coefficient["S"])):
        if layer.dims[size] > 1 and dilation > 1:
            raise InvalidConfigError(
                f"layer {layer.name!r} has dilation {dilation} along {size}; MAESTRO models none. "
                "Use the Timeloop semantics for it."
            )
    return coefficient["P"], coefficient["Q"]
