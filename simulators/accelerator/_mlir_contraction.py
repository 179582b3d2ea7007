"""What a linalg operation multiplies and sums: loop dimensions, their sizes, and three index maps.

Named operations are read from their *names* (``conv_2d_nhwgc_gfhwc`` says its layouts), matrix
products from a table of einsum-like strings, ``linalg.generic`` and ``linalg.contract`` from their
indexing maps. Semantics: https://mlir.llvm.org/docs/Dialects/Linalg.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

from simulators.accelerator._mlir_body import multiplied_operands
from simulators.accelerator._mlir_text import (
    Operation,
    attribute,
    enclosed,
    integers,
    split_top_level,
    top_level,
)
from simulators.accelerator._mlir_types import Form, Shape, UnsupportedError, parse_map, parse_shape

Maps: TypeAlias = tuple[tuple[Form, ...], tuple[Form, ...], tuple[Form, ...]]
"""Index forms of the first factor, the second factor and the sum."""


@dataclass(frozen=True, slots=True)
class Contraction:
    """sum[o] += first[a] * second[b] over all loop dimensions."""

    maps: Maps
    sizes: dict[str, int | None]
    """Bound of each loop dimension; None where it is dynamic."""
    note: str = ""
    """What a reader of the layer should know."""


_PRODUCTS = {
    "matmul": "mk,kn->mn",
    "matmul_transpose_a": "km,kn->mn",
    "matmul_transpose_b": "mk,nk->mn",
    "quantized_matmul": "mk,kn->mn",
    "batch_matmul": "bmk,bkn->bmn",
    "batch_matmul_transpose_a": "bkm,bkn->bmn",
    "batch_matmul_transpose_b": "bmk,bnk->bmn",
    "quantized_batch_matmul": "bmk,bkn->bmn",
    "batch_reduce_matmul": "bmk,bkn->mn",
    "vecmat": "k,kn->n",
    "matvec": "mk,k->m",
    "batch_vecmat": "bk,bkn->bn",
    "batch_matvec": "bmk,bk->bm",
    "dot": "k,k->",
    "mmt4d": "mkac,nkdc->mnad",
    "batch_mmt4d": "bmkac,bnkdc->bmnad",
}

_CONVOLUTION = re.compile(r"(depthwise_)?conv_([123])d(?:_([a-z]+?)_([a-z]+?))?(?:_q)?")


def linalg_contraction(operation: Operation, aliases: dict[str, str]) -> Contraction | None:
    """Return what the operation contracts; None if it is no contraction.

    Raises:
        UnsupportedError: a contraction that cannot be read, and why.
    """
    # Before LLVM 14: conv_2d_input_nhwc_filter_hwcf.
    name = re.sub("input_|filter_", "", operation.name.removeprefix("linalg."))
    inputs, outputs = _operand_types(operation, aliases)
    maps = attribute(_with_trait(operation.header, aliases), "indexing_maps", aliases)
    if name == "generic":
        return _generic(operation, _parse_maps(maps, aliases), inputs, outputs)
    convolution = _CONVOLUTION.fullmatch(name)
    if convolution:
        forms = _convolution_maps(convolution, operation, aliases)
    elif name == "contract" or (name in _PRODUCTS and maps):
        listed = _parse_maps(maps, aliases)
        if len(listed) != 3:
            raise UnsupportedError(f"it has {len(listed)} indexing maps, not 3")
        forms = (listed[0], listed[1], listed[2])
    elif name in _PRODUCTS:
        forms = product_maps(_PRODUCTS[name])
    else:
        return None
    if len(inputs) < 2 or not outputs:
        raise UnsupportedError(f"it has {len(inputs)} inputs and {len(outputs)} outputs")
    return from_maps(forms, (inputs[0], inputs[1], outputs[0]))


def _with_trait(header: str, aliases: dict[str, str]) -> str:
    """Put the attributes in place of one alias for all: ``linalg.generic #trait ins(...)``."""
    match = re.match(r"linalg\.generic\s+(#[\w.$-]+)", header)
    return header if match is None else aliases.get(match[1], "") + header


def product_maps(equation: str) -> Maps:
    """Turn "mk,kn->mn" into maps."""
    first, second, result = re.split(",|->", equation)
    return (_plain(first), _plain(second), _plain(result))


def from_maps(maps: Maps, shapes: tuple[Shape | None, ...], note: str = "") -> Contraction:
    """Match maps with shapes, and take each loop's bound from the axes that it alone indexes.

    Raises:
        UnsupportedError: ranks or sizes that contradict each other.
    """
    sizes: dict[str, int | None] = {}
    for forms in maps:
        for form in forms:
            sizes.update(dict.fromkeys((dim for dim, _ in form if dim not in sizes), None))
    for forms, shape in zip(maps, shapes, strict=True):
        if shape is None or len(shape) != len(forms):
            found = "a scalar" if shape is None else f"{len(shape)} axes"
            raise UnsupportedError(f"an operand has {found}, its index map {len(forms)}")
        for form, size in zip(forms, shape, strict=True):
            if len(form) != 1 or form[0][1] != 1 or size is None:
                continue
            dim = form[0][0]
            if sizes[dim] not in (None, size):
                raise UnsupportedError(f"one dimension is both {sizes[dim]} and {size} long")
            sizes[dim] = size
    return Contraction(maps, sizes, note)


def _plain(dims: str) -> tuple[Form, ...]:
    return tuple(((dim, 1),) for dim in dims)


def _convolution_maps(match: re.Match[str], operation: Operation, aliases: dict[str, str]) -> Maps:
    """Read the layouts n c d h w (g) and f c d h w (g, m) from the operation's name."""
    depthwise, rank = bool(match[1]), int(match[2])
    image = match[3] or "dhw"[-rank:]
    kernel = match[4] or image
    spatial = [letter for letter in image if letter in "dhw"]
    if len(spatial) != rank or set(image + kernel) - set("ncfgmdhw"):
        raise UnsupportedError(f"the layouts {image} and {kernel} are not known")
    strides = window_numbers(operation.header, ("strides",), rank, aliases)
    dilations = window_numbers(operation.header, ("dilations",), rank, aliases)
    windows = {
        letter: ((f"o{letter}", stride), (f"k{letter}", dilation))
        for letter, stride, dilation in zip(spatial, strides, dilations, strict=True)
    }
    positions: dict[str, Form] = {letter: ((f"o{letter}", 1),) for letter in spatial}
    taps: dict[str, Form] = {letter: ((f"k{letter}", 1),) for letter in spatial}
    channels = image if depthwise else image.replace("c", "f")
    result = channels + ("m" if "m" in kernel else "")
    return (
        tuple(windows.get(letter, ((letter, 1),)) for letter in image),
        tuple(taps.get(letter, ((letter, 1),)) for letter in kernel),
        tuple(positions.get(letter, ((letter, 1),)) for letter in result),
    )


def window_numbers(
    header: str, names: tuple[str, ...], rank: int, aliases: dict[str, str]
) -> tuple[int, ...]:
    """Return a stride or dilation for each axis, from the first attribute that is there.

    Raises:
        UnsupportedError: not as many as there are axes, or one below 1.
    """
    found = next((value for name in names if (value := attribute(header, name, aliases))), None)
    numbers = integers(found) or (1,)
    numbers = numbers * rank if len(numbers) == 1 else numbers
    if len(numbers) != rank or min(numbers, default=1) < 1:
        raise UnsupportedError(f"its {names[0]} are {numbers} for {rank} axes")
    return numbers


def _generic(
    operation: Operation,
    maps: list[tuple[Form, ...]],
    inputs: list[Shape | None],
    outputs: list[Shape | None],
) -> Contraction | None:
    scalars = frozenset(at for at, shape in enumerate(inputs) if not shape)
    factors = multiplied_operands(operation, len(inputs), len(outputs), scalars)
    if factors is None:
        return None
    if len(maps) != len(inputs) + len(outputs):
        raise UnsupportedError(f"{len(maps)} maps for {len(inputs) + len(outputs)} operands")
    first, second, result = factors
    if not _is_reduction(maps, factors):
        return None
    shapes = (*inputs, *outputs)
    return from_maps(
        (maps[first], maps[second], maps[result]), (shapes[first], shapes[second], shapes[result])
    )


def _is_reduction(maps: list[tuple[Form, ...]], factors: tuple[int, int, int]) -> bool:
    first, second, result = ({dim for form in maps[at] for dim, _ in form} for at in factors)
    return bool((first | second) - result)


def _parse_maps(value: str | None, aliases: dict[str, str]) -> list[tuple[Form, ...]]:
    if value is None or not value.startswith("["):
        raise UnsupportedError("it has no indexing_maps")
    parts = split_top_level(enclosed(value, 0))
    return [parse_map(aliases.get(part, part)).results for part in parts]


def _operand_types(
    operation: Operation, aliases: dict[str, str]
) -> tuple[list[Shape | None], list[Shape | None]]:
    """Return the types of ins(...) and outs(...), or those of the generic form's signature."""
    header = operation.header
    if not header.startswith('"'):
        return _listed_types(header, "ins", aliases), _listed_types(header, "outs", aliases)
    operands, _ = signature(operation, aliases)
    segments = integers(attribute(header, "operandSegmentSizes", aliases)) or integers(
        attribute(header, "operand_segment_sizes", aliases)
    )
    count = segments[0] if segments else len(operands) - 1
    return operands[:count], operands[count:]


def _listed_types(header: str, keyword: str, aliases: dict[str, str]) -> list[Shape | None]:
    match = re.search(rf"\b{keyword}\s*\(", header)
    if match is None:
        return []
    inner = enclosed(header, match.end() - 1)
    colon = next(top_level(inner, ":"), len(inner))
    return [parse_shape(part, aliases) for part in split_top_level(inner[colon + 1 :])]


def signature(
    operation: Operation, aliases: dict[str, str]
) -> tuple[list[Shape | None], list[Shape | None]]:
    """Return the operand and result types after the last ``:``, e.g. ``: (A, B) -> C``."""
    header = operation.header
    colons = list(top_level(header, ":"))
    types = header[colons[-1] + 1 :] if colons else ""
    left, _, right = types.partition("->")
    return _type_list(left, aliases), _type_list(right, aliases)


def _type_list(text: str, aliases: dict[str, str]) -> list[Shape | None]:
    inner = text.strip()
    if inner.startswith("("):
        inner = enclosed(inner, 0)
    return [parse_shape(part.split(" loc(")[0], aliases) for part in split_top_level(inner)]
