"""Read a reference row: architecture, tables, problem and loops as plain dicts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from experiments.validation.accelerator_literal.machine import Machine, Storage
from experiments.validation.accelerator_literal.nest import Block, Space, Workload

_DIMENSIONS = "CMRSNPQ"
_INSTANCES = re.compile(r"(?P<name>.+)\[0\.\.(?P<last>\d+)\]")


def read_row(row: Mapping[str, Any]) -> tuple[Machine, Workload, list[Block]]:
    """Return what a row evaluates."""
    keep = {level: frozenset(names) for level, names in row["keep"].items()}
    blocks = [
        Block(
            block["level"],
            tuple((dim, bound) for dim, bound in block["temporal"]),
            tuple((dim, bound, axis) for dim, bound, axis in block["spatial"]),
            keep.get(block["level"], frozenset()),
        )
        for block in row["loops"]
    ]
    return read_machine(row["arch_yaml"], row["ert"], row["art"]), read_problem(row), blocks


def read_problem(row: Mapping[str, Any]) -> Workload:
    """Return the convolution of a row's ``instance``."""
    instance = row["instance"]
    column = (("R", instance.get("Wdilation", 1)), ("P", instance.get("Wstride", 1)))
    line = (("S", instance.get("Hdilation", 1)), ("Q", instance.get("Hstride", 1)))
    plain = {dim: ((dim, 1),) for dim in _DIMENSIONS}
    return Workload(
        {dim: instance[dim] for dim in _DIMENSIONS},
        (
            Space("Weights", tuple(plain[dim] for dim in "CMRS")),
            Space("Inputs", (plain["N"], plain["C"], column, line)),
            Space("Outputs", tuple(plain[dim] for dim in "NMQP"), written=True),
        ),
    )


def read_machine(
    arch: Mapping[str, Any],
    energies: Mapping[str, Mapping[str, float]],
    areas: Mapping[str, float],
) -> Machine:
    """Return the machine of an architecture tree, costs taken from the tables."""
    found = list(_components(arch["architecture"], 1, {}))
    *storages, (mac, mac_instances, mac_attributes) = found
    actions = energies[mac]
    return Machine(
        levels=tuple(
            _storage(name, count, attributes, energies[name], areas[name])
            for name, count, attributes in storages
        ),
        mac_name=mac,
        mac_instances=mac_instances,
        mac_mesh_x=mac_attributes.get("meshX", mac_instances),
        mac_energy_pj=actions["mac_random"] if "mac_random" in actions else actions["compute"],
        mac_area_um2=areas[mac],
    )


def _components(
    node: Mapping[str, Any], count: int, inherited: Mapping[str, Any]
) -> Iterator[tuple[str, int, dict[str, Any]]]:
    inherited = {**inherited, **node.get("attributes", {})}
    for component in node.get("local", ()):
        name, own = _named(component["name"])
        attributes = {**inherited, **component.get("attributes", {})}
        attributes["class"] = component.get("subclass", component["class"])
        yield name, count * own, attributes
    for child in node.get("subtree", ()):
        _, own = _named(child["name"])
        yield from _components(child, count * own, inherited)


def _named(name: str) -> tuple[str, int]:
    if match := _INSTANCES.fullmatch(name):
        return match["name"], int(match["last"]) + 1
    return name, 1


def _first(attributes: Mapping[str, Any], names: Sequence[str], default: Any) -> Any:
    return next((attributes[name] for name in names if name in attributes), default)


def _storage(
    name: str,
    instances: int,
    attributes: Mapping[str, Any],
    actions: Mapping[str, float],
    area_um2: float,
) -> Storage:
    dram = attributes["class"] == "DRAM"
    rows = None if dram else _first(attributes, ("memory_depth", "depth"), None)
    block_size = _first(attributes, ("block-size", "block_size"), 1)
    word_bits = _first(attributes, ("word-bits", "word_bits"), 8)
    cluster_size = _first(attributes, ("cluster-size", "cluster_size"), 1)
    built_in = built_in_energy_pj(dram, rows or 0, word_bits * block_size, cluster_size)
    return Storage(
        name=name,
        dram=dram,
        rows=rows,
        block_size=block_size,
        word_bits=word_bits,
        instances=instances,
        mesh_x=attributes.get("meshX", instances),
        cluster_size=cluster_size,
        multiple_buffering=_first(attributes, ("multiple-buffering", "multiple_buffering"), 1.0),
        read_bandwidth=attributes.get("read_bandwidth"),
        write_bandwidth=attributes.get("write_bandwidth"),
        shared_bandwidth=attributes.get("shared_bandwidth"),
        read_energy_pj=actions.get("read", built_in),
        write_energy_pj=actions.get("write", built_in),
        area_um2=area_um2,
    )


def built_in_energy_pj(dram: bool, rows: int, row_bits: int, cluster_size: int) -> float:
    """Return the energy of an access where the table has neither "read" nor "write"."""
    width = row_bits * cluster_size
    if dram:
        return 200 * width / 16 / cluster_size
    kilobytes = width * rows / 8192
    return (5 / 99.5 * (kilobytes - 0.5) + 1) * width / 16 / cluster_size
