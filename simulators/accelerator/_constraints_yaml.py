"""Timeloop's constraint targets (temporal, spatial, bypass) as constraints, and back.

As Timeloop v3 reads them: ``factors`` holds ``C=4`` (exact; 0 is the layer's whole bound) and
``C<=4``; ``permutation`` lists dimensions of one letter, innermost first, and what it does not
list is free outside of it; the first ``split`` dimensions of a spatial permutation run along X.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from simulators.accelerator._constraints import (
    LevelConstraints,
    LoopConstraints,
    MappingConstraints,
)
from simulators.accelerator._timeloop_yaml import Source, check_keys, entries, load_yaml
from simulators.errors import InvalidConfigError

_ROOTS = ("architecture_constraints", "mapspace_constraints", "mapspace")
_LOOP_KEYS = ("target", "name", "type", "factors", "permutation", "split")
_KEEP_KEYS = ("target", "name", "type", "keep", "bypass")
_KEEP_TYPES = ("bypass", "bypassing", "datatype")
_FACTOR = re.compile(r"([A-Za-z_]\w*)\s*(<=|=)\s*(\d+)|([A-Za-z]+)()\s*(\d+)")


def constraints_from_timeloop(source: Source | list[Any]) -> MappingConstraints:
    """See `MappingConstraints.from_timeloop`."""
    content: Any = source if isinstance(source, list) else load_yaml(source, "constraints")
    parts: dict[str, dict[str, Any]] = {}
    for target in _targets(content):
        name = target.get("target", target.get("name"))
        kind = target.get("type")
        where = f"constraints: target {name}"
        if not isinstance(name, str):
            raise InvalidConfigError(f"{where}: give the name of a storage level.")
        kind = "keep" if kind in _KEEP_TYPES else kind
        if kind not in ("temporal", "spatial", "keep"):
            raise InvalidConfigError(
                f"{where}: type is {target.get('type')!r}. "
                f"Modelled: temporal, spatial, {', '.join(_KEEP_TYPES)}."
            )
        level = parts.setdefault(name, {})
        if kind in level:
            raise InvalidConfigError(
                f"{where} has more than one entry of type {target['type']}. Join them."
            )
        level[kind] = _keep(target, where) if kind == "keep" else _loops(target, kind, where)
    return MappingConstraints({name: _level(part) for name, part in parts.items()})


def _level(part: dict[str, Any]) -> LevelConstraints:
    keep, bypass = part.get("keep", (frozenset(), frozenset()))
    return LevelConstraints(
        temporal=part.get("temporal", LoopConstraints()),
        spatial=part.get("spatial", LoopConstraints()),
        keep=keep,
        bypass=bypass,
    )


def _targets(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, list):
        return [flat for entry in entries(content, "constraints") for flat in _flatten(entry)]
    roots = [key for key in _ROOTS if key in content]
    if roots:
        return [target for key in roots for target in _targets(content[key] or [])]
    for key in ("targets", "constraints"):
        if key in content:
            return _targets(content[key] or [])
    raise InvalidConfigError(
        f"constraints: found the keys {', '.join(map(str, content))}. "
        f"Expected one of {', '.join((*_ROOTS, 'targets', 'constraints'))}."
    )


def _flatten(entry: dict[str, Any]) -> list[dict[str, Any]]:
    nested = entry.get("constraints")
    inner = entries(nested, "constraints") if nested is not None else [entry]
    outer = {key: entry[key] for key in ("target", "name") if key in entry}
    return [
        outer
        | {k: v for k, v in part.items() if k != "attributes"}
        | (part.get("attributes") or {})
        for part in inner
    ]


def _keep(target: dict[str, Any], where: str) -> tuple[frozenset[str], frozenset[str]]:
    check_keys(target, _KEEP_KEYS, where)
    found = []
    for key in ("keep", "bypass"):
        names = target.get(key) or []
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
            raise InvalidConfigError(f"{where}: {key} is {names!r}. Give a list of tensor names.")
        found.append(frozenset(names))
    return found[0], found[1]


def _loops(target: dict[str, Any], kind: str, where: str) -> LoopConstraints:
    check_keys(target, _LOOP_KEYS, where)
    factors, maxima = _factors(target.get("factors"), where)
    order = _permutation(target.get("permutation"))
    split = target.get("split")
    if split is not None and kind != "spatial":
        raise InvalidConfigError(f"{where}: split belongs to an entry of type spatial.")
    return LoopConstraints(factors=factors, max_factors=maxima, permutation=order, split=split)


def _factors(text: Any, where: str) -> tuple[dict[str, int], dict[str, int]]:
    joined = " ".join(map(str, text)) if isinstance(text, list | tuple) else str(text or "")
    exact: dict[str, int] = {}
    maxima: dict[str, int] = {}
    rest = re.sub(r"[\s,]+", " ", joined).strip()
    while rest:
        match = _FACTOR.match(rest)
        if match is None:
            raise InvalidConfigError(
                f"{where}: factors {joined!r} are not of the form 'C=4 M=0 K<=8' at {rest!r}."
            )
        dim, relation, value = match.groups()[:3] if match.group(1) else match.groups()[3:]
        into = maxima if relation == "<=" else exact
        if dim in into:
            raise InvalidConfigError(f"{where}: {dim} has more than one factor. Keep one.")
        into[dim] = int(value)
        rest = rest[match.end() :].strip()
    return exact, maxima


def _permutation(value: Any) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(str(dim) for dim in value)
    return tuple(re.sub(r"[\s,]+", "", str(value or "")))


def constraints_to_timeloop(constraints: MappingConstraints) -> dict[str, Any]:
    """See `MappingConstraints.to_timeloop`."""
    targets: list[dict[str, Any]] = []
    for name, level in constraints.levels.items():
        if level.keep or level.bypass:
            targets.append(
                {
                    "target": name,
                    "type": "bypass",
                    "keep": sorted(level.keep),
                    "bypass": sorted(level.bypass),
                }
            )
        for kind, loops in (("temporal", level.temporal), ("spatial", level.spatial)):
            entry = _entry(loops)
            if entry:
                targets.append({"target": name, "type": kind, **entry})
    return {"architecture_constraints": {"targets": targets}}


def _entry(loops: LoopConstraints) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    parts: Iterable[str] = (
        *_written(loops.factors, "="),
        *_written(loops.max_factors, "<="),
    )
    if loops.factors or loops.max_factors:
        entry["factors"] = " ".join(parts)
    if loops.permutation:
        short = all(len(dim) == 1 for dim in loops.permutation)
        entry["permutation"] = "".join(loops.permutation) if short else list(loops.permutation)
    if loops.split is not None:
        entry["split"] = loops.split
    return entry


def _written(bounds: Mapping[str, int], relation: str) -> Iterable[str]:
    return (f"{dim}{relation}{value}" for dim, value in bounds.items())
