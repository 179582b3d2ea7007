"""Damaged files are refused with an error of the project's, or read; nothing else happens."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.accelerator import Architecture, Layer, Mapping, evaluate
from simulators.errors import InvalidConfigError, InvalidMappingError

ROW = json.loads(
    (Path(__file__).parent / "data" / "timeloop_3_0_3.json").read_text(encoding="utf-8")
)[3]
JUNK = st.sampled_from(
    [None, True, 0, -1, 1.5, 2**70, float("nan"), "", "x", "C=2", [], [[]], {}, {"a": 1}, [1, "X"]]
)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in nested lists and dictionaries."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


@st.composite
def damaged(draw: st.DrawFn, content: Any) -> Any:
    """Return ``content`` with one value replaced, removed or renamed."""
    content = copy.deepcopy(content)
    *path, last = draw(st.sampled_from(list(places(content))))
    parent = content
    for key in path:
        parent = parent[key]
    action = draw(st.sampled_from(["replace", "remove", "rename"]))
    if action == "replace":
        parent[last] = draw(JUNK)
    elif action == "remove":
        del parent[last]
    elif isinstance(parent, dict):
        parent[draw(st.sampled_from(["x", 3, "name", "level"]))] = parent.pop(last)
    return content


ARCHITECTURE = {"architecture": ROW["architecture"]}
LAYER = Layer.from_timeloop(ROW["layer"])
PROBLEM = LAYER.to_timeloop()
DIRECTIVES = Mapping.from_loops(ROW["loops"], ROW["keep"]).to_timeloop()
many = settings(max_examples=200, deadline=None)


@many
@given(damaged(ARCHITECTURE))
def test_damaged_architectures_are_read_or_refused(content: Any) -> None:
    try:
        arch = Architecture.from_timeloop(content, ROW["energy_pj"], ROW["area_um2"])
    except InvalidConfigError:
        return
    assert arch.levels
    assert arch.area_um2 >= 0


@many
@given(damaged({"energy": ROW["energy_pj"], "area": ROW["area_um2"]}))
def test_damaged_tables_are_read_or_refused(content: Any) -> None:
    try:
        arch = Architecture.from_timeloop(
            ARCHITECTURE, content.get("energy", {}), content.get("area", {})
        )
    except InvalidConfigError:
        return
    assert arch.compute.energy_pj >= 0


@many
@given(damaged(PROBLEM))
def test_damaged_problems_are_read_or_refused(content: Any) -> None:
    try:
        layer = Layer.from_timeloop(content)
    except InvalidConfigError:
        return
    assert layer.macs >= 1


@many
@given(damaged(DIRECTIVES))
def test_damaged_directives_are_read_or_refused(content: Any) -> None:
    try:
        mapping = Mapping.from_timeloop(content)
    except InvalidConfigError:
        return
    assert mapping.blocks


@many
@given(damaged({"loops": ROW["loops"], "keep": ROW["keep"]}))
def test_damaged_loops_are_evaluated_or_refused(content: Any) -> None:
    arch = Architecture.from_timeloop(ARCHITECTURE, ROW["energy_pj"], ROW["area_um2"])
    try:
        mapping = Mapping.from_loops(content.get("loops", []), content.get("keep", {}))
        cost = evaluate(arch, LAYER, mapping)
    except (InvalidConfigError, InvalidMappingError):
        return
    assert cost.macs == LAYER.macs
