"""Mapping constraints: reading and writing Timeloop's form, and refusing what is malformed."""

import pytest

from simulators.accelerator._constraints import (
    FULL,
    LevelConstraints,
    LoopConstraints,
    MappingConstraints,
)
from simulators.errors import InvalidConfigError

TARGETS = """
architecture_constraints:
  targets:
    - {target: spad, type: bypass, keep: [Weights], bypass: [Inputs, Outputs]}
    - {target: spad, type: temporal, factors: "N=1 M1, R=0 C<=8", permutation: "CR NM"}
mapspace_constraints:
  targets:
    - target: glb
      type: spatial
      factors: [N=1, P=1]
      permutation: [N, P, M]
      split: 2
"""


def test_timeloop_targets_become_constraints_of_their_levels() -> None:
    constraints = MappingConstraints.from_timeloop(TARGETS)
    assert list(constraints.levels) == ["spad", "glb"]
    assert constraints.levels["spad"] == LevelConstraints(
        temporal=LoopConstraints(
            factors={"N": 1, "M": 1, "R": FULL},
            max_factors={"C": 8},
            permutation=("C", "R", "N", "M"),
        ),
        keep=frozenset({"Weights"}),
        bypass=frozenset({"Inputs", "Outputs"}),
    )
    assert constraints.levels["glb"].spatial == LoopConstraints(
        factors={"N": 1, "P": 1}, permutation=("N", "P", "M"), split=2
    )


def test_older_forms_say_the_same() -> None:
    nested = [
        {
            "target": "spad",
            "constraints": [
                {"type": "datatype", "attributes": {"keep": ["Weights"]}},
                {"type": "temporal", "factors": "K1=4"},
            ],
        }
    ]
    flat = [
        {"name": "spad", "type": "bypassing", "keep": ["Weights"]},
        {"name": "spad", "type": "temporal", "factors": "K1 = 4"},
    ]
    expected = MappingConstraints(
        {
            "spad": LevelConstraints(
                temporal=LoopConstraints(factors={"K1": 4}), keep=frozenset({"Weights"})
            )
        }
    )
    assert MappingConstraints.from_timeloop(nested) == expected
    assert MappingConstraints.from_timeloop({"mapspace": {"constraints": flat}}) == expected


@pytest.mark.parametrize("name", MappingConstraints.presets())
def test_writing_and_reading_gives_the_same_constraints(name: str) -> None:
    constraints = MappingConstraints.preset(name)
    assert MappingConstraints.from_timeloop(constraints.to_timeloop()) == constraints
    assert len({constraints, MappingConstraints.preset(name)}) == 1


def test_long_dimension_names_survive_the_round_trip() -> None:
    loops = LoopConstraints(factors={"K1": 4}, permutation=("K1", "C"))
    constraints = MappingConstraints({"L1": LevelConstraints(temporal=loops)})
    assert MappingConstraints.from_timeloop(constraints.to_timeloop()) == constraints


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"type": "temporal"}, "give the name of a storage level"),
        ({"target": "a", "type": "utilization", "min": 0.5}, "type is 'utilization'"),
        ({"target": "a", "type": "temporal", "factors": "C=x"}, "at 'C=x'"),
        ({"target": "a", "type": "temporal", "factors": "C=2 C=4"}, "more than one factor"),
        ({"target": "a", "type": "temporal", "no_temporal_reuse": ["Inputs"]}, "unknown key"),
        ({"target": "a", "type": "temporal", "split": 2}, "split belongs to"),
        ({"target": "a", "type": "temporal", "permutation": "CC"}, "names a dimension twice"),
        ({"target": "a", "type": "spatial", "split": -1}, "split is -1"),
        ({"target": "a", "type": "bypass", "keep": "Weights"}, "Give a list"),
        ({"target": "a", "type": "bypass", "keep": ["W"], "bypass": ["W"]}, "both kept"),
    ],
)
def test_a_malformed_target_is_refused(target: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        MappingConstraints.from_timeloop([target])


def test_two_entries_of_one_kind_are_refused() -> None:
    twice = [{"target": "a", "type": "temporal", "factors": f"C={n}"} for n in (1, 2)]
    with pytest.raises(InvalidConfigError, match="more than one entry of type temporal"):
        MappingConstraints.from_timeloop(twice)


def test_content_without_targets_names_the_keys_it_has() -> None:
    with pytest.raises(InvalidConfigError, match=r"found the keys mapping.*targets"):
        MappingConstraints.from_timeloop({"mapping": []})


@pytest.mark.parametrize(
    "bounds", [{"factors": {"C": -1}}, {"max_factors": {"C": 0}}, {"factors": {"C": True}}]
)
def test_bounds_out_of_range_are_refused(bounds: dict[str, dict[str, int]]) -> None:
    with pytest.raises(InvalidConfigError, match="Give an integer of"):
        LoopConstraints(**bounds)  # type: ignore[arg-type]


def test_unknown_presets_suggest_the_closest() -> None:
    with pytest.raises(InvalidConfigError, match="Did you mean 'eyeriss'"):
        MappingConstraints.preset("eyeris")


def test_unknown_levels_and_tensors_are_refused() -> None:
    constraints = MappingConstraints.from_timeloop(TARGETS)
    with pytest.raises(InvalidConfigError, match=r"unknown level 'glb'.*Levels: spad, gbl"):
        constraints.check(["spad", "gbl"], ["Weights", "Inputs", "Outputs"])
    with pytest.raises(InvalidConfigError, match="unknown tensor 'Inputs'"):
        constraints.check(["spad", "glb"], ["Weights", "Input", "Outputs"])
