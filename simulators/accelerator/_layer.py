"""The workload: a loop nest over named dimensions, and tensors as affine forms of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

from simulators.accelerator._frozen import FrozenMap
from simulators.errors import InvalidConfigError, did_you_mean

if TYPE_CHECKING:
    from simulators.accelerator._mlir import Dynamic, LayerList
    from simulators.accelerator._timeloop_yaml import Source

Axis = tuple[tuple[str, int], ...]
"""One axis of a tensor: the sum of coefficient x dimension over its (dimension, coefficient)."""

MAX_DIMS = 16
MAX_TENSORS = 8
MAX_AXES = 8
MAX_BOUND = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor that the loop nest reads, or reads and writes.

    Raises:
        InvalidConfigError: no or too many axes, an empty axis, or a coefficient below 1.
    """

    name: str
    """Name, unique within the layer."""
    axes: tuple[Axis, ...]
    """Each axis as ((dimension, coefficient), ...): element index = sum of the products."""
    output: bool = False
    """True for the one tensor that is reduced into."""

    def __post_init__(self) -> None:
        axes = tuple(tuple((str(d), c) for d, c in axis) for axis in self.axes)
        object.__setattr__(self, "axes", axes)
        if not 1 <= len(axes) <= MAX_AXES:
            raise InvalidConfigError(
                f"tensor {self.name!r} has {len(axes)} axes. Allowed: 1 to {MAX_AXES}."
            )
        for axis in axes:
            if not axis or any(not _is_int(c) or c < 1 for _, c in axis):
                raise InvalidConfigError(
                    f"tensor {self.name!r}: axis {axis!r} is not a sum of dimensions with "
                    "coefficients of 1 or more, e.g. (('R', 1), ('P', 2))."
                )

    @property
    def dims(self) -> frozenset[str]:
        """The dimensions that the tensor depends on ("relevant" dimensions)."""
        return frozenset(dim for axis in self.axes for dim, _ in axis)


@dataclass(frozen=True, slots=True)
class Layer:
    """A product of tensors, summed into one output: a perfectly nested loop over ``dims``.

    Convolutions use Timeloop's names: R, S filter width and height; P, Q output width and
    height; C input channels; M output channels; N batch. R belongs to P (``Wstride``,
    ``Wdilation``), S to Q (``Hstride``, ``Hdilation``).

    Raises:
        InvalidConfigError: a bound that is no positive integer, an unknown dimension in a tensor,
            no output, or more dimensions or tensors than supported.
    """

    name: str
    """Any text."""
    dims: Mapping[str, int]
    """Loop bound of every dimension; the order fixes the numbers used in `MappingBatch`."""
    tensors: tuple[Tensor, ...]
    """Weights, Inputs, Outputs unless built with `Layer.general`."""
    stride: tuple[int, int] = (1, 1)
    """(Wstride, Hstride) of a convolution; informative, the tensors say the same."""
    dilation: tuple[int, int] = (1, 1)
    """(Wdilation, Hdilation) of a convolution."""
    count: int = 1
    """How often a network repeats this layer."""
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dims", FrozenMap(self.dims))
        object.__setattr__(self, "tensors", tuple(self.tensors))
        object.__setattr__(self, "stride", tuple(self.stride))
        object.__setattr__(self, "dilation", tuple(self.dilation))
        self._check_dims()
        self._check_tensors()
        if not _is_int(self.count) or self.count < 1:
            raise InvalidConfigError(
                f"layer {self.name!r}: count is {self.count!r}. Give an integer of 1 or more."
            )
        object.__setattr__(self, "_hash", hash((self.name, self.dims, self.tensors, self.count)))

    def __hash__(self) -> int:
        return self._hash

    def _check_dims(self) -> None:
        if not 1 <= len(self.dims) <= MAX_DIMS:
            raise InvalidConfigError(
                f"layer {self.name!r} has {len(self.dims)} dimensions. Allowed: 1 to {MAX_DIMS}."
            )
        for dim, bound in self.dims.items():
            if not _is_int(bound) or not 1 <= bound <= MAX_BOUND:
                raise InvalidConfigError(
                    f"layer {self.name!r}: dimension {dim} is {bound!r}. "
                    "Give a positive integer below 2**31."
                )
        if prod(self.dims.values()) >= 2**53:
            raise InvalidConfigError(
                f"layer {self.name!r} has {prod(self.dims.values())} multiply-accumulates. "
                "Fewer than 2**53 are counted exactly; split the layer."
            )

    def _check_tensors(self) -> None:
        names = [tensor.name for tensor in self.tensors]
        if not 2 <= len(names) <= MAX_TENSORS or len(set(names)) != len(names):
            raise InvalidConfigError(
                f"layer {self.name!r} has the tensors {names}. "
                f"Give 2 to {MAX_TENSORS} with different names."
            )
        if sum(tensor.output for tensor in self.tensors) != 1:
            raise InvalidConfigError(
                f"layer {self.name!r}: exactly one tensor is the output, not "
                f"{[t.name for t in self.tensors if t.output]}. Set output=True on one."
            )
        for tensor in self.tensors:
            for dim in sorted(tensor.dims - set(self.dims)):
                raise InvalidConfigError(
                    f"layer {self.name!r}: tensor {tensor.name!r} uses the unknown dimension "
                    f"{dim!r}.{did_you_mean(dim, self.dims)} Dimensions: {', '.join(self.dims)}."
                )

    @classmethod
    def conv(
        cls,
        *,
        n: int = 1,
        c: int,
        m: int,
        r: int,
        s: int,
        p: int,
        q: int,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        name: str | None = None,
    ) -> "Layer":
        """Return a convolution; p, q are output sizes, stride and dilation are (width, height)."""
        dims = {"R": r, "S": s, "P": p, "Q": q, "C": c, "M": m, "N": n}
        _check_pairs(stride=stride, dilation=dilation)
        tensors = (
            _plain("Weights", "CMRS"),
            Tensor("Inputs", (*_singles("NC"), *_windows(stride, dilation))),
            _plain("Outputs", "NMQP", output=True),
        )
        return cls(name or _conv_name(dims), dims, tensors, stride, dilation)

    @classmethod
    def depthwise(
        cls,
        *,
        n: int = 1,
        c: int,
        r: int,
        s: int,
        p: int,
        q: int,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        name: str | None = None,
    ) -> "Layer":
        """Return a depthwise convolution: one filter per channel, no M."""
        dims = {"R": r, "S": s, "P": p, "Q": q, "C": c, "N": n}
        _check_pairs(stride=stride, dilation=dilation)
        tensors = (
            _plain("Weights", "CRS"),
            Tensor("Inputs", (*_singles("NC"), *_windows(stride, dilation))),
            _plain("Outputs", "NCQP", output=True),
        )
        return cls(name or _conv_name(dims), dims, tensors, stride, dilation)

    @classmethod
    def grouped(
        cls,
        *,
        g: int,
        n: int = 1,
        c: int,
        m: int,
        r: int,
        s: int,
        p: int,
        q: int,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        name: str | None = None,
    ) -> "Layer":
        """Return a grouped convolution; c and m are channels per group, G is in all tensors."""
        dims = {"R": r, "S": s, "P": p, "Q": q, "C": c, "M": m, "N": n, "G": g}
        _check_pairs(stride=stride, dilation=dilation)
        tensors = (
            _plain("Weights", "GCMRS"),
            Tensor("Inputs", (*_singles("NGC"), *_windows(stride, dilation))),
            _plain("Outputs", "NGMQP", output=True),
        )
        return cls(name or _conv_name(dims), dims, tensors, stride, dilation)

    @classmethod
    def matmul(cls, *, m: int, n: int, k: int, name: str | None = None) -> "Layer":
        """Return an (m x k) by (k x n) matrix product as the 1x1 convolution it is.

        Rows m are the batch N, columns n are the output channels M, the reduction k is C.
        """
        return cls.conv(n=m, c=k, m=n, r=1, s=1, p=1, q=1, name=name or f"matmul_{m}x{n}x{k}")

    @classmethod
    def batched_matmul(cls, *, b: int, m: int, n: int, k: int, name: str | None = None) -> "Layer":
        """Return b independent matrix products; b is the dimension G of all three tensors."""
        name = name or f"matmul_{b}x{m}x{n}x{k}"
        return cls.grouped(g=b, n=m, c=k, m=n, r=1, s=1, p=1, q=1, name=name)

    @classmethod
    def general(
        cls, dims: Mapping[str, int], tensors: tuple[Tensor, ...], name: str = "layer"
    ) -> "Layer":
        """Return a layer of any dimensions and tensors; one tensor has ``output=True``."""
        return cls(name, dims, tensors)

    @classmethod
    def from_timeloop(cls, source: "Source") -> "Layer":
        """Read a Timeloop problem: a file (shape and instance), its content, or an instance.

        Raises:
            InvalidConfigError: unreadable, or a key that is missing or unknown.
        """
        from simulators.accelerator._timeloop_problem import layer_from_timeloop

        return layer_from_timeloop(source)

    def to_timeloop(self) -> dict[str, Any]:
        """Return the layer as a Timeloop problem with its own shape."""
        from simulators.accelerator._timeloop_problem import layer_to_timeloop

        return layer_to_timeloop(self)

    @classmethod
    def network(
        cls, name: str, *, batch: int = 1, sequence: int | None = None, merge: bool = False
    ) -> "list[Layer]":
        """Return the layers of a published network, e.g. "resnet50".

        Args:
            name: one of `networks`; case and punctuation do not matter.
            batch: images, sequences or samples at once.
            sequence: tokens of a sequence, for the transformers that leave it free.
            merge: whether equal layers become one, with ``count`` saying how many there are.

        Raises:
            InvalidConfigError: an unknown name, or a number out of range.
        """
        from simulators.accelerator._networks import network

        return network(name, batch=batch, sequence=sequence, merge=merge)

    @staticmethod
    def networks() -> dict[str, str]:
        """Return the networks of `Layer.network`: name and source."""
        from simulators.accelerator._networks import networks

        return networks()

    @classmethod
    def from_mlir(cls, text: str, *, dynamic: "Dynamic" = "error") -> "LayerList":
        """Return the contractions of an MLIR module's text as layers, in program order.

        Args:
            text: the module, in the linalg, StableHLO or TOSA dialect.
            dynamic: the size to take for every ``?``; "skip" leaves such operations out.

        Returns:
            A list with ``skipped``, ``skipped_lines`` and ``notes`` about everything else.

        Raises:
            InvalidConfigError: not MLIR, or cut off; or a contraction with a dynamic size.
        """
        from simulators.accelerator._mlir import layers_from_mlir

        return layers_from_mlir(text, dynamic=dynamic)

    @property
    def macs(self) -> int:
        """Multiply-accumulates: the product of all loop bounds."""
        return prod(self.dims.values())

    @property
    def output(self) -> Tensor:
        """The tensor that is reduced into."""
        return next(tensor for tensor in self.tensors if tensor.output)

    def tensor(self, name: str) -> Tensor:
        """Return the tensor called ``name``.

        Raises:
            InvalidConfigError: no such tensor.
        """
        for tensor in self.tensors:
            if tensor.name == name:
                return tensor
        names = [tensor.name for tensor in self.tensors]
        raise InvalidConfigError(
            f"layer {self.name!r} has no tensor {name!r}.{did_you_mean(name, names)} "
            f"Tensors: {', '.join(names)}."
        )

    def tensor_size(self, name: str) -> int:
        """Return the words of a tensor's bounding box, holes of strided inputs included."""
        return prod(
            1 + sum(coefficient * (self.dims[dim] - 1) for dim, coefficient in axis)
            for axis in self.tensor(name).axes
        )


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _singles(dims: str) -> tuple[Axis, ...]:
    return tuple(((dim, 1),) for dim in dims)


def _plain(name: str, dims: str, output: bool = False) -> Tensor:
    return Tensor(name, _singles(dims), output)


def _windows(stride: tuple[int, int], dilation: tuple[int, int]) -> tuple[Axis, Axis]:
    return (
        (("R", dilation[0]), ("P", stride[0])),
        (("S", dilation[1]), ("Q", stride[1])),
    )


def _check_pairs(**pairs: tuple[int, int]) -> None:
    for key, pair in pairs.items():
        if len(tuple(pair)) != 2 or any(not _is_int(v) or v < 1 for v in pair):
            raise InvalidConfigError(
                f"{key} is {pair!r}. Give two integers of 1 or more: (width, height)."
            )


def _conv_name(dims: Mapping[str, int]) -> str:
    return "_".join(f"{dim}{bound}" for dim, bound in dims.items() if bound > 1) or "scalar"
