"""Timeloop mapping directives (temporal, spatial, bypass) as mappings, and back.

A permutation lists loops innermost first; ``split`` is how many of a spatial directive's
permutation run along X, the others run along Y.
"""

import re
from collections.abc import Mapping as AnyMapping
from typing import Any

from simulators.accelerator._mapping import Block, Mapping
from simulators.accelerator._timeloop_yaml import Source, check_keys, entries, load_yaml
from simulators.errors import InvalidConfigError

_LOOP_KEYS = ("target", "type", "factors", "permutation", "split")
_KEEP_KEYS = ("target", "type", "keep", "bypass")
_TYPES = ("temporal", "spatial", "datatype", "bypass")


def mapping_from_timeloop(source: Source | list[Any], tensors: tuple[str, ...]) -> Mapping:
    """See `Mapping.from_timeloop`."""
    content: Any = source if isinstance(source, list) else load_yaml(source, "mapping")
    if isinstance(content, AnyMapping):
        content = content.get("mapping", content)
    blocks: dict[str, dict[str, Any]] = {}
    seen: set[tuple[str, str]] = set()
    for directive in entries(content, "mapping"):
        target, kind = directive.get("target"), directive.get("type")
        where = f"mapping: target {target}"
        if not isinstance(target, str) or kind not in _TYPES:
            raise InvalidConfigError(
                f"{where}: type is {kind!r}. Give a target and one of {', '.join(_TYPES)}."
            )
        kind = "datatype" if kind == "bypass" else kind
        if (target, kind) in seen:
            raise InvalidConfigError(f"{where} has more than one {kind} directive. Join them.")
        seen.add((target, kind))
        block = blocks.setdefault(target, {"keep": frozenset(tensors)})
        if kind == "datatype":
            check_keys(directive, _KEEP_KEYS, where)
            block["keep"] = _keep(directive, tensors, where)
        else:
            check_keys(directive, _LOOP_KEYS, where)
            block[kind] = _loops(directive, kind == "spatial", where)
    return Mapping(tuple(Block(level, **block) for level, block in blocks.items()))


def _keep(directive: dict[str, Any], tensors: tuple[str, ...], where: str) -> frozenset[str]:
    keep, bypass = _names(directive, "keep", where), _names(directive, "bypass", where)
    for name in (*keep, *bypass):
        if name not in tensors:
            raise InvalidConfigError(
                f"{where}: unknown tensor {name!r}. Tensors: {', '.join(tensors)}."
            )
    both = sorted(set(keep) & set(bypass))
    if both:
        raise InvalidConfigError(f"{where}: {', '.join(both)} both kept and bypassed.")
    return frozenset(tensors) - frozenset(bypass)


def _names(directive: dict[str, Any], key: str, where: str) -> list[str]:
    names = directive.get(key) or []
    if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
        raise InvalidConfigError(f"{where}: {key} is {names!r}. Give a list of tensor names.")
    return list(names)


def _loops(directive: dict[str, Any], spatial: bool, where: str) -> tuple[tuple[Any, ...], ...]:
    factors = _factors(directive.get("factors", ""), where)
    order = _permutation(directive.get("permutation"), factors, where)
    if not spatial:
        if "split" in directive:
            raise InvalidConfigError(f"{where}: split belongs to a spatial directive.")
        return tuple((dim, factors[dim]) for dim in reversed(order) if factors.get(dim, 1) > 1)
    split = directive.get("split", len(order))
    if isinstance(split, bool) or not isinstance(split, int) or split < 0:
        raise InvalidConfigError(
            f"{where}: split is {split!r}. Give how many loops of the permutation run along X."
        )
    loops = [(dim, factors.get(dim, 1), "XY"[i >= split]) for i, dim in enumerate(order)]
    return tuple(loop for loop in reversed(loops) if loop[1] > 1)


def _factors(text: Any, where: str) -> dict[str, int]:
    tokens = text if isinstance(text, list) else re.split(r"[\s,]+", str(text or "").strip())
    factors: dict[str, int] = {}
    for token in tokens:
        if not token:
            continue
        match = re.fullmatch(r"([A-Za-z_]\w*)=(\d+)|([A-Za-z_]+)(\d+)", str(token))
        if match is None:
            raise InvalidConfigError(
                f"{where}: factor {token!r} is neither 'C=3' nor 'C3' (whole, perfect factors)."
            )
        dim, value = match.group(1) or match.group(3), int(match.group(2) or match.group(4))
        if dim in factors:
            raise InvalidConfigError(f"{where}: {dim} has more than one factor.")
        if value == 0:
            raise InvalidConfigError(
                f"{where}: factor {token!r} means 'the rest'. Write the number."
            )
        factors[dim] = value
    return factors


def _permutation(value: Any, factors: dict[str, int], where: str) -> list[str]:
    if value is None:
        value = []
    words = value if isinstance(value, list) else re.split(r"[\s,]+", str(value).strip())
    order = [str(word) for word in words if word]
    if not isinstance(value, list) and not set(order) <= set(factors):
        order = list("".join(order))
    if len(set(order)) != len(order):
        raise InvalidConfigError(f"{where}: permutation {value!r} names a loop twice.")
    if not order and sum(factor > 1 for factor in factors.values()) > 1:
        raise InvalidConfigError(
            f"{where}: several loops but no permutation, so their order is open. "
            "List the dimensions, innermost first."
        )
    for dim in factors:
        if dim in order:
            continue
        if order and factors[dim] > 1:
            raise InvalidConfigError(
                f"{where}: permutation {value!r} lacks {dim}, whose factor is {factors[dim]}."
            )
        order.append(dim) if not value else None
    return order


def mapping_to_timeloop(mapping: Mapping, tensors: tuple[str, ...]) -> dict[str, Any]:
    """See `Mapping.to_timeloop`."""
    directives: list[dict[str, Any]] = []
    dims = _dims(mapping)
    for block in mapping.blocks:
        kept = [t for t in tensors if t in block.keep]
        bypassed = [t for t in tensors if t not in block.keep]
        if len(kept) != len(block.keep):
            raise InvalidConfigError(
                f"mapping: level {block.level} keeps {sorted(block.keep)}, which are not all "
                f"among {', '.join(tensors)}. Pass tensors= the layer's names."
            )
        directives.append(
            {"target": block.level, "type": "datatype", "keep": kept, "bypass": bypassed}
        )
        directives.append(_directive(block.level, "temporal", block.temporal, dims))
        if any(bound > 1 for _, bound, _ in block.spatial):
            directives.append(_spatial(block, dims))
    return {"mapping": directives}


def _dims(mapping: Mapping) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for block in mapping.blocks:
        names |= dict.fromkeys(dim for dim, _ in block.temporal)
        names |= dict.fromkeys(dim for dim, _, _ in block.spatial)
    return tuple(names)


def _directive(
    level: str, kind: str, loops: tuple[tuple[str, int], ...], all_dims: tuple[str, ...]
) -> dict[str, Any]:
    inner_first = [(dim, bound) for dim, bound in reversed(loops) if bound > 1]
    dims = [dim for dim, _ in inner_first]
    if len(set(dims)) != len(dims):
        raise InvalidConfigError(
            f"mapping: level {level} has two {kind} loops over one dimension, which Timeloop's "
            "directives cannot say. Merge them."
        )
    inner_first += [(dim, 1) for dim in all_dims if dim not in dims]
    order = [dim for dim, _ in inner_first]
    return {
        "target": level,
        "type": kind,
        "factors": " ".join(f"{dim}={bound}" for dim, bound in inner_first),
        "permutation": "".join(order) if all(len(dim) == 1 for dim in order) else order,
    }


def _spatial(block: Block, all_dims: tuple[str, ...]) -> dict[str, Any]:
    loops = tuple(loop for loop in block.spatial if loop[1] > 1)
    axes = [axis for *_, axis in reversed(loops)]
    if axes != sorted(axes):
        raise InvalidConfigError(
            f"mapping: level {block.level} has an X loop outside a Y loop, which Timeloop's "
            "directives cannot say. Put the Y loops outside."
        )
    directive = _directive(block.level, "spatial", tuple((d, b) for d, b, _ in loops), all_dims)
    return directive | {"split": axes.count("X")}
