"""Turn a contraction into the layer that computes the same products."""

from dataclasses import dataclass, field
from math import prod
from string import ascii_uppercase

from simulators.accelerator._layer import MAX_AXES, MAX_DIMS, Layer, Tensor
from simulators.accelerator._mlir_contraction import Contraction
from simulators.accelerator._mlir_types import Form, UnsupportedError


@dataclass(slots=True)
class _Roles:
    """The sizes of a convolution or matrix product, and its windows, outer axis first."""

    products: dict[str, int] = field(default_factory=lambda: dict.fromkeys("GNMC", 1))
    windows: "list[_Window]" = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Window:
    positions: int
    taps: int
    stride: int
    dilation: int


# Which of inputs, weights and outputs a dimension indexes, and the loop of a layer that it is.
_ROLES = {
    (True, True, True): "G",
    (True, False, True): "N",
    (False, True, True): "M",
    (True, True, False): "C",
}


def to_layer(contraction: Contraction, sizes: dict[str, int], name: str) -> Layer:
    """Return a matrix product or convolution if it is one, else a general layer.

    Loops of the same role become one: the batch and the rows of an activation are its N, the heads
    of an attention its G.

    Args:
        contraction: what to compute.
        sizes: the bound of every loop dimension, 1 or more.
        name: of the layer.

    Raises:
        UnsupportedError: more dimensions or axes than a layer can have.
    """
    roles = _roles(contraction, sizes)
    if roles is None or len(roles.windows) > 2:
        return _general(contraction, sizes, name)
    g, n, m, c = (roles.products[role] for role in "GNMC")
    if not roles.windows:
        if g == 1:
            return Layer.matmul(m=n, n=m, k=c, name=name)
        return Layer.batched_matmul(b=g, m=n, n=m, k=c, name=name)
    # An image with one axis is as wide as that axis and one row high.
    height, width = ([_Window(1, 1, 1, 1), *roles.windows])[-2:]
    stride, dilation = (width.stride, height.stride), (width.dilation, height.dilation)
    r, s, p, q = width.taps, height.taps, width.positions, height.positions
    if g == 1:
        return Layer.conv(
            n=n, c=c, m=m, r=r, s=s, p=p, q=q, stride=stride, dilation=dilation, name=name
        )
    if m == c == 1:
        return Layer.depthwise(
            n=n, c=g, r=r, s=s, p=p, q=q, stride=stride, dilation=dilation, name=name
        )
    return Layer.grouped(
        g=g, n=n, c=c, m=m, r=r, s=s, p=p, q=q, stride=stride, dilation=dilation, name=name
    )


def _roles(contraction: Contraction, sizes: dict[str, int]) -> _Roles | None:
    """Sort the dimensions into roles; None if they do not fit."""
    inputs, weights, outputs = _windowed_first(contraction)
    if any(not _is_plain(form) for form in (*weights, *outputs)):
        return None
    if any(_repeats(forms) for forms in (inputs, weights, outputs)):
        return None
    found = _Roles()
    used = [{dim for form in forms for dim, _ in form} for forms in (inputs, weights, outputs)]
    in_windows: set[str] = set()
    for form in inputs:
        if _is_plain(form):
            continue
        window = _window(form, used[1], used[2], sizes)
        if window is None:
            return None
        found.windows.append(window)
        in_windows.update(dim for dim, _ in form)
    for dim, size in sizes.items():
        role = _ROLES.get((dim in used[0], dim in used[1], dim in used[2]))
        if dim in in_windows or (role is None and size == 1):
            continue
        if role is None:
            return None
        found.products[role] *= size
    return found


def _windowed_first(
    contraction: Contraction,
) -> tuple[tuple[Form, ...], tuple[Form, ...], tuple[Form, ...]]:
    first, second, result = contraction.maps
    slides = [any(not _is_plain(form) for form in forms) for forms in (first, second)]
    return (second, first, result) if slides == [False, True] else (first, second, result)


def _is_plain(form: Form) -> bool:
    return not form or (len(form) == 1 and form[0][1] == 1)


def _repeats(forms: tuple[Form, ...]) -> bool:
    dims = [dim for form in forms for dim, _ in form]
    return len(set(dims)) != len(dims)


def _window(
    form: Form, weights: set[str], outputs: set[str], sizes: dict[str, int]
) -> _Window | None:
    """Read ``position * stride + tap * dilation``."""
    positions = [(dim, factor) for dim, factor in form if dim in outputs and dim not in weights]
    taps = [(dim, factor) for dim, factor in form if dim in weights and dim not in outputs]
    if len(positions) > 1 or len(taps) > 1 or len(positions) + len(taps) < len(form):
        return None
    position, stride = positions[0] if positions else ("", 1)
    tap, dilation = taps[0] if taps else ("", 1)
    return _Window(sizes.get(position, 1), sizes.get(tap, 1), stride, dilation)


def _general(contraction: Contraction, sizes: dict[str, int], name: str) -> Layer:
    """Keep every loop and index form as they are."""
    letters = _letters(contraction, sizes)
    axes = max(len(forms) for forms in contraction.maps)
    if len(sizes) > MAX_DIMS or axes > MAX_AXES:
        raise UnsupportedError(
            f"it has {len(sizes)} dimensions and {axes} axes; a layer has at most {MAX_DIMS} "
            f"and {MAX_AXES}"
        )
    inputs, weights, outputs = _windowed_first(contraction)
    bounds = {letters[dim]: size for dim, size in sizes.items()}
    unit = next(name for name in reversed(ascii_uppercase) if name not in bounds)

    def tensor(title: str, forms: tuple[Form, ...], output: bool = False) -> Tensor:
        named = [tuple((letters[dim], factor) for dim, factor in form) for form in forms if form]
        if not named:  # a scalar: one axis of length 1
            bounds[unit] = 1
        return Tensor(title, tuple(named) or (((unit, 1),),), output)

    tensors = (
        tensor("Weights", weights),
        tensor("Inputs", inputs),
        tensor("Outputs", outputs, output=True),
    )
    if prod(bounds.values()) >= 2**53:
        raise UnsupportedError("it has 2**53 multiplications or more")
    return Layer.general(bounds, tensors, name)


def _letters(contraction: Contraction, sizes: dict[str, int]) -> dict[str, str]:
    """Name the loops as in a convolution where they are the same, e.g. N, C, M, and R, P, S, Q.

    The last window is R and P, the one before it S and Q, then T and U. Others take what is left.
    """
    used = [{d for form in forms for d, _ in form} for forms in _windowed_first(contraction)]
    windows = [form for form in _windowed_first(contraction)[0] if not _is_plain(form)]
    letters: dict[str, str] = {}
    for form, names in zip(reversed(windows), ("RP", "SQ", "TU"), strict=False):
        for dim, _ in form:
            name = names[dim in used[2]]
            if name not in letters.values():
                letters[dim] = name
    for dim in sizes:
        role = _ROLES.get((dim in used[0], dim in used[1], dim in used[2]))
        if dim not in letters and role is not None and role not in letters.values():
            letters[dim] = role
    free = (name for name in ascii_uppercase if name not in letters.values())
    return letters | {dim: next(free) for dim in sizes if dim not in letters}
