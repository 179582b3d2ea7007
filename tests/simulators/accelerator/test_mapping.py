"""Mappings: plain lists, Timeloop directives, packed arrays, and what is refused."""

from typing import Any

import numpy as np
import pytest
import yaml

from simulators.accelerator import Architecture, Compute, Layer, Level, Mapping, MappingBatch
from simulators.errors import InvalidConfigError, InvalidMappingError

LOOPS: list[dict[str, Any]] = [
    {"level": "DRAM", "temporal": [["M", 2], ["P", 7]], "spatial": []},
    {"level": "GLB", "temporal": [["C", 3]], "spatial": [["C", 2, "Y"], ["M", 4, "X"]]},
    {"level": "RF", "temporal": [["Q", 5], ["R", 3]], "spatial": []},
]
KEEP = {"DRAM": ["Weights", "Inputs", "Outputs"], "GLB": ["Inputs"], "RF": []}
LAYER = Layer.conv(c=6, m=8, r=3, s=1, p=7, q=5)
ARCH = Architecture(
    "small",
    (
        Level(name="DRAM", technology="DRAM"),
        Level(name="GLB", depth=4096),
        Level(name="RF", depth=512, instances=8, mesh_x=4),
    ),
    Compute(instances=8, mesh_x=4),
)


def directives(mapping: Mapping) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = mapping.to_timeloop()["mapping"]
    return found


def test_loops_and_keep_come_back() -> None:
    assert Mapping.from_loops(LOOPS, KEEP).to_loops() == (LOOPS, KEEP)


def test_directives_come_back() -> None:
    mapping = Mapping.from_loops(LOOPS, KEEP)
    text = yaml.safe_dump(mapping.to_timeloop())
    assert Mapping.from_timeloop(text) == mapping


def test_permutations_are_written_innermost_first() -> None:
    dram = next(
        d
        for d in directives(Mapping.from_loops(LOOPS, KEEP))
        if d["target"] == "DRAM" and d["type"] == "temporal"
    )
    assert dram["permutation"].startswith("PM")
    assert "P=7 M=2" in dram["factors"]


def test_split_counts_the_loops_along_x() -> None:
    spatial = next(d for d in directives(Mapping.from_loops(LOOPS, KEEP)) if d["type"] == "spatial")
    assert spatial["permutation"].startswith("MC")
    assert spatial["split"] == 1


@pytest.mark.parametrize("factors", ["C=3 M=1", "C3 M1", "C=3, M=1", ["C=3", "M=1"]])
def test_factors_are_read_in_every_spelling(factors: Any) -> None:
    directive = {"target": "L", "type": "temporal", "factors": factors, "permutation": "MC"}
    mapping = Mapping.from_timeloop({"mapping": [directive]})
    assert mapping.blocks[0].temporal == (("C", 3),)


def test_what_no_directive_bypasses_is_kept() -> None:
    mapping = Mapping.from_timeloop(
        {
            "mapping": [
                {"target": "A", "type": "temporal", "factors": "C=2"},
                {"target": "B", "type": "bypass", "bypass": ["Weights"]},
            ]
        }
    )
    assert mapping.blocks[0].keep == {"Weights", "Inputs", "Outputs"}
    assert mapping.blocks[1].keep == {"Inputs", "Outputs"}


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ({"type": "temporel"}, "type is 'temporel'"),
        ({"factors": "C=0"}, "'the rest'"),
        ({"factors": "C=3,2"}, "factor '2'"),
        ({"factors": "C=3 C=2"}, "more than one factor"),
        ({"factors": "C=3", "permutation": "M"}, "lacks C"),
        ({"factors": "C=3 M=2"}, "several loops but no permutation"),
        ({"factors": "C=3", "permutation": "CC"}, "names a loop twice"),
        ({"factors": "C=3", "split": 1}, "split belongs to a spatial"),
        ({"factor": "C=3"}, "unknown key 'factor'. Did you mean 'factors'"),
        ({"type": "bypass", "bypass": ["weights"]}, "unknown tensor 'weights'"),
        ({"type": "bypass", "bypass": ["Inputs"], "keep": ["Inputs"]}, "both kept and bypassed"),
    ],
)
def test_faulty_directives_name_the_target(directive: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfigError, match=f"target GLB.*{message}"):
        Mapping.from_timeloop({"mapping": [{"target": "GLB", "type": "temporal"} | directive]})


@pytest.mark.parametrize(
    ("loops", "keep", "message"),
    [
        ([{"temporal": []}], {}, "names no level"),
        ([{"level": "A", "temporl": []}], {"A": []}, "temporl"),
        ([{"level": "A"}], {}, "keep does not name level A"),
        ([{"level": "A"}], {"A": [], "B": []}, "keep names .*'B'"),
        ([{"level": "A"}, {"level": "A"}], {"A": []}, "more than one block"),
        ([{"level": "A", "temporal": [["C", 0]]}], {"A": []}, "loop C at level A has the bound 0"),
        ([{"level": "A", "temporal": [["C"]]}], {"A": []}, "loops of level A are not lists"),
        ([{"level": "A", "spatial": [["C", 2, "Z"]]}], {"A": []}, "runs along 'Z'"),
        ([{"level": "A"}], {"A": "Weights"}, "keep of level A is 'Weights'"),
    ],
)
def test_faulty_lists_name_the_level(loops: Any, keep: Any, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        Mapping.from_loops(loops, keep)


def test_loops_that_directives_cannot_say_are_refused() -> None:
    x_outside = [{"level": "A", "spatial": [["C", 2, "X"], ["M", 2, "Y"]]}]
    with pytest.raises(InvalidConfigError, match="X loop outside a Y loop"):
        Mapping.from_loops(x_outside, {"A": []}).to_timeloop()
    twice = [{"level": "A", "temporal": [["C", 2], ["M", 2], ["C", 2]]}]
    with pytest.raises(InvalidConfigError, match="two temporal loops over one dimension"):
        Mapping.from_loops(twice, {"A": []}).to_timeloop()


def test_a_batch_gives_its_mappings_back() -> None:
    first = Mapping.from_loops(LOOPS, KEEP)
    second = Mapping.from_loops([*LOOPS[:2], {"level": "RF"}], KEEP)
    batch = MappingBatch.from_mappings(ARCH, LAYER, [first, second])
    assert len(batch) == 2
    assert batch.mapping(ARCH, LAYER, 0) == first
    assert batch.mapping(ARCH, LAYER, 1) == second
    assert batch[1:].mapping(ARCH, LAYER, 0) == second


def test_names_are_refused_when_packing() -> None:
    wrong = Mapping.from_loops([{"level": "DRAM"}, {"level": "GLB"}, {"level": "RFs"}], KEEP_NONE)
    with pytest.raises(InvalidMappingError, match=r"'RFs'.*Did you mean 'RF'") as error:
        MappingBatch.from_mappings(ARCH, LAYER, [wrong])
    assert error.value.reason == "unknown_level"


KEEP_NONE: dict[str, list[str]] = {"DRAM": [], "GLB": [], "RFs": []}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dims": np.zeros((2, 4), np.int8)}, r"dims has the shape \(2, 4\)"),
        ({"keep": np.ones((3, 3, 3), np.uint8)}, "keep has the shape"),
        ({"bounds": np.ones((2, 3))}, "array of float64"),
        ({"levels": np.full((2, 3), 300)}, "values from 300 to 300"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(change: dict[str, Any], message: str) -> None:
    arrays: dict[str, Any] = {
        "bounds": np.ones((2, 3), np.int32),
        "dims": np.zeros((2, 3), np.int8),
        "levels": np.zeros((2, 3), np.int8),
        "kinds": np.zeros((2, 3), np.int8),
        "keep": np.ones((1, 3, 3), np.uint8),
    }
    with pytest.raises(InvalidConfigError, match=message):
        MappingBatch(**(arrays | change))
