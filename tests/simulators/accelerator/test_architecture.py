"""Architectures: levels, Timeloop trees, energy and area tables, and what is refused."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from simulators.accelerator import Architecture, Compute, Level
from simulators.errors import InvalidConfigError

TREE: dict[str, Any] = {
    "architecture": {
        "version": 0.3,
        "subtree": [
            {
                "name": "system",
                "attributes": {"technology": "45nm", "word-bits": 8, "datawidth": 8},
                "local": [
                    {
                        "name": "DRAM",
                        "class": "DRAM",
                        "attributes": {"type": "LPDDR4", "width": 64, "block-size": 8},
                    }
                ],
                "subtree": [
                    {
                        "name": "PE[0..15]",
                        "local": [
                            {
                                "name": "Inputs[0..1]",
                                "class": "storage",
                                "subclass": "smartbuffer_RF",
                                "attributes": {
                                    "memory_depth": 64,
                                    "memory_width": 32,
                                    "block-size": 2,
                                    "meshX": 8,
                                    "multiple-buffering": 2.0,
                                    "read_bandwidth": 2,
                                },
                            },
                            {
                                "name": "Regs[0..3]",
                                "class": "regfile",
                                "attributes": {"depth": 4, "word-bits": 24, "cluster-size": 16},
                            },
                            {
                                "name": "MAC[0..3]",
                                "class": "compute",
                                "subclass": "lmac",
                                "attributes": {"meshX": 16},
                            },
                        ],
                    }
                ],
            }
        ],
    }
}
ENERGY = {
    "DRAM": {"read": 512, "write": 510, "idle": 1},
    "Inputs": {"read": [3.0, 1.0], "write": 2.0},
    "Regs": {"access": 0.009},
    "MAC": {"compute": 0.5, "idle": 0.1},
}
AREA = {"DRAM": 0, "Inputs": 10.5, "Regs": 2, "MAC": 100}


def read(tree: Any = TREE, energy: Any = ENERGY, area: Any = AREA) -> Architecture:
    return Architecture.from_timeloop(tree, energy, area)


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    tree = copy.deepcopy(TREE)
    change(tree["architecture"])
    return tree


def local(tree: dict[str, Any], name: str) -> dict[str, Any]:
    system = tree["subtree"][0]
    parts = [*system["local"], *system["subtree"][0]["local"]]
    found: dict[str, Any] = next(part for part in parts if part["name"].startswith(name))
    return found


def test_instances_multiply_down_the_tree() -> None:
    arch = read()
    assert [(part.name, part.instances) for part in (*arch.levels, arch.compute)] == [
        ("DRAM", 1),
        ("Inputs", 32),
        ("Regs", 64),
        ("MAC", 64),
    ]


def test_the_mesh_is_one_row_unless_said() -> None:
    arch = read()
    assert [(level.mesh_x, level.mesh_y) for level in arch.levels] == [(1, 1), (8, 4), (64, 1)]
    assert (arch.compute.mesh_x, arch.compute.mesh_y) == (16, 4)


def test_attributes_are_inherited_and_overridden() -> None:
    arch = read()
    assert [level.word_bits for level in arch.levels] == [8, 8, 24]
    assert arch.compute.word_bits == 8
    assert arch.level("Regs").attributes["technology"] == "45nm"


def test_capacity_is_rows_of_blocks_shared_by_the_copies() -> None:
    level = read().level("Inputs")
    assert (level.size_words, level.capacity_words) == (128, 64)
    assert read().level("DRAM").capacity_words is None


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"depth": 10, "block-size": 4}, 40),
        ({"entries": 40, "block-size": 4}, 40),
        ({"sizeKB": 2}, 2048),
        ({}, None),
    ],
)
def test_size_is_given_as_rows_entries_or_kilobytes(
    attributes: dict[str, int], words: int | None
) -> None:
    tree = changed(lambda t: local(t, "Inputs").update(attributes=attributes))
    assert read(tree).level("Inputs").size_words == words


def test_a_wide_memory_is_a_cluster() -> None:
    tree = changed(lambda t: local(t, "Inputs")["attributes"].update(memory_width=64))
    assert read(tree).level("Inputs").cluster_size == 4


def test_the_dearest_arguments_of_an_action_are_charged() -> None:
    arch = read()
    assert arch.level("Inputs").access_energy_pj == (3.0, 2.0)
    assert arch.compute.energy_pj == 0.5


def test_without_read_and_write_actions_the_built_in_line_holds() -> None:
    # 24 bits x 16 instances = 384 bits by 4 rows = 0.1875 KB; a line through 1 pJ per 16 bits at
    # 0.5 KB with a slope of 5 / 99.5 per KB, shared by the cluster.
    expected = (5 / 99.5 * (0.1875 - 0.5) + 1) * 384 / 16 / 16
    assert read().level("Regs").access_energy_pj == pytest.approx((expected, expected))


def test_a_dram_without_a_table_costs_200_pj_per_16_bits() -> None:
    level = Level(name="DRAM", technology="DRAM", block_size=4, word_bits=16)
    assert level.access_energy_pj == (800.0, 800.0)


def test_area_is_summed_over_instances() -> None:
    assert read().area_um2 == 32 * 10.5 + 64 * 2 + 64 * 100


def test_tables_of_accelergy_are_read() -> None:
    ert = {
        "ERT": {
            "version": 0.3,
            "tables": [
                {
                    "name": f"system.PE[0..15].{name}[0..3]",
                    "actions": [
                        {"name": action, "arguments": {"data_delta": i}, "energy": energy / (i + 1)}
                        for action, value in actions.items()
                        for i, energy in enumerate(value if isinstance(value, list) else [value])
                    ],
                }
                for name, actions in ENERGY.items()
            ],
        }
    }
    art = {"ART": {"tables": [{"name": f"system.{n}", "area": a} for n, a in AREA.items()]}}
    assert read(TREE, yaml.safe_dump(ert), art) == read()


def test_older_energy_tables_are_read() -> None:
    ert = {
        "ERT": {
            "version": 0.2,
            "tables": {
                f"system.{name}": {
                    action: [{"arguments": None, "energy": e} for e in value]
                    if isinstance(value, list)
                    else value
                    for action, value in actions.items()
                }
                for name, actions in ENERGY.items()
            },
        }
    }
    assert read(TREE, ert) == read()


def test_files_texts_and_dictionaries_are_the_same(tmp_path: Any) -> None:
    path = tmp_path / "arch.yaml"
    path.write_text(yaml.safe_dump(TREE), encoding="utf-8")
    assert read(path) == read(str(path)) == read(yaml.safe_dump(TREE)) == read()
    assert read(TREE["architecture"]) == read()


def test_an_architecture_written_for_timeloop_is_read_back() -> None:
    arch = read()
    again = read(yaml.safe_dump(arch.to_timeloop()))
    assert [level.capacity_words for level in again.levels] == [
        level.capacity_words for level in arch.levels
    ]
    assert [level.access_energy_pj for level in again.levels] == [
        level.access_energy_pj for level in arch.levels
    ]
    for name in ("instances", "mesh_x", "cluster_size", "word_bits", "block_size", "depth"):
        assert [getattr(a, name) for a in again.levels] == [getattr(a, name) for a in arch.levels]
    assert again.compute.instances == arch.compute.instances


def test_architectures_are_values() -> None:
    assert read() == read()
    assert hash(read()) == hash(read())
    assert pickle.loads(pickle.dumps(read())) == read()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(version=0.1), r"version 0.1 is not supported.*0.2, 0.3"),
        (lambda t: t.update(version=0.4, nodes=[]), r"version 0.4 .*'nodes' list of 0.4"),
        (lambda t: t.pop("version"), "Add 'version: 0.3'"),
        (lambda t: t.update(subtre=[]), "architecture: unknown key 'subtre'.*'subtree'"),
        (lambda t: t["subtree"].append({"name": "b"}), "2 subtrees"),
        (lambda t: t["subtree"][0].update(name="PE[0..]"), r"name 'PE\[0..\]'"),
        (lambda t: t["subtree"][0].update(name="PE[3..1]"), "ends before it begins"),
        (lambda t: t["subtree"][0].update(locals=[]), "system: unknown key 'locals'"),
        (lambda t: local(t, "Regs").update(clas="x"), "system.PE.Regs: unknown key 'clas'"),
        (lambda t: local(t, "Regs").update({"class": "wire"}), "Regs: class 'wire' is neither"),
        (
            lambda t: local(t, "Regs")["attributes"].update(meshx=4),
            "system.PE.Regs: unknown attribute 'meshx'. Did you mean 'meshX'",
        ),
        (lambda t: local(t, "Regs")["attributes"].update(depth=0), "Regs: depth is 0"),
        (lambda t: local(t, "Regs")["attributes"].update(meshX=7), "Regs: 64 instances"),
        (lambda t: local(t, "Inputs")["attributes"].update(memory_width=24), "width 24 is no"),
        (lambda t: local(t, "Inputs")["attributes"].update(memory_width=48), "clusters of 3"),
        (lambda t: local(t, "Inputs")["attributes"].update(entries=6), "not several"),
        (lambda t: local(t, "Inputs")["attributes"].update(read_bandwidth=-1), "read_bandwidth is"),
        (lambda t: local(t, "MAC").update(name="MAC[0..3] x"), "name 'MAC"),
        (lambda t: t["subtree"][0]["subtree"][0]["local"].pop(), "exactly one compute node"),
        (lambda t: local(t, "Regs").update(name="DRAM"), "'DRAM' is used more than once"),
    ],
)
def test_a_faulty_tree_names_the_node(
    change: Callable[[dict[str, Any]], object], message: str
) -> None:
    energy, area = ENERGY | {"MAC": ENERGY["MAC"]}, dict(AREA)
    with pytest.raises(InvalidConfigError, match=message):
        read(changed(change), energy, area)


def test_tags_of_version_0_4_are_refused_with_the_line() -> None:
    text = "architecture:\n  version: 0.4\n  nodes:\n  - !Container\n    name: system\n"
    with pytest.raises(InvalidConfigError, match="line 4: the tag !Container"):
        Architecture.from_timeloop(text)


@pytest.mark.parametrize(
    ("energy", "area", "message"),
    [
        ({k: v for k, v in ENERGY.items() if k != "Regs"}, AREA, "energy table has no .*'Regs'"),
        (ENERGY | {"MAC": {"multiply": 1}}, AREA, "'MAC' has the actions multiply"),
        (ENERGY | {"DRAM": {"read": "x"}}, AREA, "DRAM.read is 'x'"),
        (ENERGY | {"DRAM": {"read": -1}}, AREA, "DRAM.read is -1"),
        (ENERGY, {"DRAM": 0}, "area table has no component 'Inputs'"),
        (ENERGY, AREA | {"MAC": None}, "area table: MAC is None"),
        ("ERT:\n - 3", AREA, "energy table: expected components"),
    ],
)
def test_a_faulty_table_names_the_component(energy: Any, area: Any, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        read(TREE, energy, area)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no/such/file.yaml", "cannot read the architecture no/such/file.yaml"),
        ("architecture: [", "is not YAML"),
        ("- 1\n- 2\n", "holds a list"),
        (3, "is a int"),
    ],
)
def test_sources_that_are_none_are_refused(source: Any, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        read(source)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"technology": "dram"}, "technology is 'dram'"),
        ({"depth": 1.5}, "depth is 1.5"),
        ({"instances": 6, "cluster_size": 4}, "clusters of 4"),
        ({"instances": 6, "mesh_x": 4}, "mesh 4 wide"),
        ({"read_energy_pj": -1.0}, "read_energy_pj is -1.0"),
        ({"multiple_buffering": 0}, "multiple_buffering is 0"),
        ({"shared_bandwidth": "2"}, "shared_bandwidth is '2'"),
    ],
)
def test_levels_out_of_range_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        Level(name="L", **change)


def test_levels_and_compute_need_different_names() -> None:
    with pytest.raises(InvalidConfigError, match="'mac' is used more than once"):
        Architecture("a", (Level(name="mac"),), Compute())
    with pytest.raises(InvalidConfigError, match="0 storage levels"):
        Architecture("a", (), Compute())


def test_an_unknown_level_is_refused_with_a_hint() -> None:
    with pytest.raises(InvalidConfigError, match=r"no level 'Input'\. Did you mean 'Inputs'"):
        read().level("Input")


def test_estimates_can_be_those_of_accelergy_for_which_depth_is_free() -> None:
    spad = {"memory_depth": 64, "memory_width": 16, "word-bits": 16, "block-size": 1}
    content = {
        "architecture": {
            "version": 0.3,
            "subtree": [
                {
                    "name": "chip",
                    "attributes": {"technology": "45nm"},
                    "local": [
                        {"name": "DRAM", "class": "DRAM", "attributes": {"type": "LPDDR4"}},
                        {"name": "spad", "class": "regfile", "attributes": spad},
                        {"name": "mac", "class": "intmac", "attributes": {"datawidth": 16}},
                    ],
                }
            ],
        }
    }
    ours = Architecture.from_timeloop(content).levels[1]
    theirs = Architecture.from_timeloop(content, compatibility="accelergy").levels[1]
    assert ours.area_um2 > 2 * theirs.area_um2
