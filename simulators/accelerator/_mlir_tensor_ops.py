"""Contractions of the dialects that front ends print before linalg: StableHLO (and MHLO), TOSA.

JAX prints StableHLO, PyTorch through torch-mlir StableHLO or TOSA.
Semantics: https://openxla.org/stablehlo/spec, https://www.mlplatform.org/tosa/tosa_spec.html.
"""

import re

from simulators.accelerator._mlir_contraction import (
    Contraction,
    Maps,
    from_maps,
    product_maps,
    signature,
    window_numbers,
)
from simulators.accelerator._mlir_text import Operation, attribute, integers
from simulators.accelerator._mlir_types import Form, Shape, UnsupportedError

_Pair = tuple[tuple[int, ...], tuple[int, ...]]

_NUMBERS = r"\[([^\[\]]*)\]"
_LAYOUTS = re.compile(rf"{_NUMBERS}\s*x\s*{_NUMBERS}\s*->\s*{_NUMBERS}")


def hlo_contraction(operation: Operation, aliases: dict[str, str]) -> Contraction | None:
    """Read ``dot``, ``dot_general`` and ``convolution``; None if it is another operation.

    Raises:
        UnsupportedError: a contraction that cannot be read, and why.
    """
    kind = operation.name.partition(".")[2]
    if kind in ("dynamic_conv", "ragged_dot", "ragged_dot_general"):
        raise UnsupportedError("its shape depends on data")
    if kind not in ("dot", "dot_general", "convolution"):
        return None
    operands, results = signature(operation, aliases)
    if len(operands) < 2 or len(results) != 1:
        raise UnsupportedError("its types are not (tensor, tensor) -> tensor")
    if kind == "convolution":
        return _hlo_convolution(operation, aliases, (operands[0], operands[1], results[0]))
    ranks = [len(shape or ()) for shape in operands[:2]]
    batch: _Pair = ((), ())
    contracted: _Pair = ((max(ranks[0] - 1, 0),), (0,))
    if kind != "dot":
        batch = _dimension_pair(operation.header, "batching")
        contracted = _dimension_pair(operation.header, "contracting")
    maps = _dot_maps(ranks, batch, contracted)
    return from_maps(maps, (operands[0], operands[1], results[0]))


def _dimension_pair(header: str, kind: str) -> _Pair:
    pretty = re.search(rf"\b{kind}_dims\s*=\s*{_NUMBERS}\s*x\s*{_NUMBERS}", header)
    if pretty:
        return integers(pretty[1]), integers(pretty[2])
    sides = (
        re.search(rf"{side}hs_{kind}_dimensions\s*=\s*{_NUMBERS}", header) for side in ("l", "r")
    )
    left, right = (integers(match[1]) if match else () for match in sides)
    return left, right


def _dot_maps(
    ranks: list[int], batch: tuple[tuple[int, ...], ...], contracted: tuple[tuple[int, ...], ...]
) -> Maps:
    if any(at >= rank for pair in (batch, contracted) for at, rank in _with_rank(pair, ranks)):
        raise UnsupportedError(f"its dimension numbers {batch} and {contracted} exceed the ranks")
    sides: list[list[str]] = []
    for side, free in enumerate("mn"):
        names = [f"{free}{axis}" for axis in range(ranks[side])]
        for index, axis in enumerate(batch[side]):
            names[axis] = f"b{index}"
        for index, axis in enumerate(contracted[side]):
            names[axis] = f"k{index}"
        sides.append(names)
    batches = [f"b{index}" for index in range(len(batch[0]))]
    free_names = [name for names in sides for name in names if name[0] in "mn"]
    left, right, result = (
        tuple(((name, 1),) for name in names) for names in (*sides, batches + free_names)
    )
    return left, right, result


def _with_rank(pair: tuple[tuple[int, ...], ...], ranks: list[int]) -> list[tuple[int, int]]:
    return [(at, rank) for numbers, rank in zip(pair, ranks, strict=True) for at in numbers]


def _hlo_convolution(
    operation: Operation, aliases: dict[str, str], shapes: tuple[Shape | None, ...]
) -> Contraction:
    header = operation.header
    layouts = _LAYOUTS.search(header)
    if layouts is None:
        raise UnsupportedError("it has no dimension numbers such as [b, f, 0]x[o, i, 0]->[b, f, 0]")
    image, kernel, result = ([part.strip() for part in layouts[at].split(",")] for at in (1, 2, 3))
    rank = len(image) - 2
    strides = window_numbers(header, ("stride", "window_strides"), rank, aliases)
    dilations = window_numbers(header, ("rhs_dilate", "rhs_dilation"), rank, aliases)
    holes = window_numbers(header, ("lhs_dilate", "lhs_dilation"), rank, aliases)
    groups = (integers(attribute(header, "feature_group_count", aliases)) or (1,))[0]
    batch_groups = (integers(attribute(header, "batch_group_count", aliases)) or (1,))[0]
    if min(groups, batch_groups) < 1:
        raise UnsupportedError(f"it has {groups} groups of features and {batch_groups} of batches")
    windows: dict[str, Form] = {
        str(axis): ((f"o{axis}", strides[axis]), (f"k{axis}", dilations[axis]))
        for axis in range(rank)
    }
    maps = (
        (_one("g"), *(windows.get(axis, _one(axis)) for axis in image)),
        (_one("g"), *(_one(f"k{axis}" if axis in windows else axis) for axis in kernel)),
        (_one("g"), *(_one(f"o{axis}" if axis in windows else axis) for axis in result)),
    )
    # Image features "f" are the kernel's "i", result features "f" its "o".
    renamed = (_rename(maps[0], "f", "i"), maps[1], _rename(maps[2], "f", "o"))
    group_axes = (("b" if batch_groups > 1 else "f"), "o", "f")
    split = tuple(
        _split(shape, layout, axis, groups * batch_groups)
        for shape, layout, axis in zip(shapes, (image, kernel, result), group_axes, strict=True)
    )
    note = (
        "the zeros put between the input's elements count as multiplied"
        if max(holes, default=1) > 1
        else ""
    )
    return from_maps(renamed, split, note)


def _one(dim: str) -> Form:
    return ((dim, 1),)


def _rename(forms: tuple[Form, ...], old: str, new: str) -> tuple[Form, ...]:
    return tuple(tuple((new if d == old else d, factor) for d, factor in form) for form in forms)


def _split(shape: Shape | None, layout: list[str], axis: str, groups: int) -> Shape:
    """Put the group first, and divide the axis that it comes from."""
    if shape is None or len(shape) != len(layout) or axis not in layout:
        raise UnsupportedError(f"a type of shape {shape} does not fit the layout {layout}")
    sizes = list(shape)
    at = layout.index(axis)
    size = sizes[at]
    if size is not None:
        if size % groups:
            raise UnsupportedError(f"{size} channels do not divide into {groups} groups")
        sizes[at] = size // groups
    return (groups, *sizes)


def tosa_contraction(operation: Operation, aliases: dict[str, str]) -> Contraction | None:
    """Read TOSA's convolutions and matrix products; None if it is another operation.

    Raises:
        UnsupportedError: a contraction that cannot be read, and why.
    """
    kind = operation.name.partition(".")[2]
    if kind == "transpose_conv2d":
        raise UnsupportedError("transposed convolutions are not read; lower it to linalg")
    if kind not in ("conv2d", "conv3d", "depthwise_conv2d", "matmul", "fully_connected"):
        return None
    operands, results = signature(operation, aliases)
    if len(operands) < 2 or len(results) != 1:
        raise UnsupportedError("its types are not (tensor, tensor, ...) -> tensor")
    shapes = (operands[0], operands[1], results[0])
    if kind == "matmul":
        return from_maps(product_maps("bmk,bkn->bmn"), shapes)
    if kind == "fully_connected":
        return from_maps(product_maps("mk,nk->mn"), shapes)
    rank = 3 if kind == "conv3d" else 2
    axes = "dhw"[-rank:]
    strides = window_numbers(operation.header, ("stride", "strides"), rank, aliases)
    dilations = window_numbers(operation.header, ("dilation", "dilations"), rank, aliases)
    windows = tuple(
        ((f"o{axis}", stride), (f"k{axis}", dilation))
        for axis, stride, dilation in zip(axes, strides, dilations, strict=True)
    )
    taps = tuple(_one(f"k{axis}") for axis in axes)
    positions = tuple(_one(f"o{axis}") for axis in axes)
    if kind == "depthwise_conv2d":  # the result's channels are c x m
        result = shapes[2][:-1] if shapes[2] else None
        maps = (
            (_one("n"), *windows, _one("c")),
            (*taps, _one("c"), _one("m")),
            (_one("n"), *positions),
        )
        plain = from_maps(maps, (*shapes[:2], result))
        return Contraction((*maps[:2], (*maps[2], _one("c"), _one("m"))), plain.sizes)
    return from_maps(
        (
            (_one("n"), *windows, _one("c")),
            (_one("f"), *taps, _one("c")),
            (_one("n"), *positions, _one("f")),
        ),
        shapes,
    )
