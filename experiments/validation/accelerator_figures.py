"""The figures of one evaluation, of whatever origin, by one set of keys."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from experiments.validation.accelerator_literal import Machine, Result
from simulators.accelerator._cost import Cost

Value: TypeAlias = float | str | tuple[tuple[float, ...], ...]
"""A number; for deliveries every (multicast factor, groups, words)."""


class Key(NamedTuple):
    """What a figure is about; level and tensor are empty where it is about all."""

    statistic: str
    level: str = ""
    tensor: str = ""

    def __str__(self) -> str:
        return " / ".join(part for part in (self.level, self.tensor, self.statistic) if part)


Figures: TypeAlias = dict[Key, Value]


@dataclass(frozen=True, slots=True)
class Statistic:
    """One compared statistic of a tensor at a level, and how the reference prints it."""

    name: str
    column: str
    """Its name in Timeloop's statistics."""
    decimals: int = 0


STORAGE = (
    Statistic("reads", "Scalar reads (per-instance)"),
    Statistic("updates", "Scalar updates (per-instance)"),
    Statistic("fills", "Scalar fills (per-instance)"),
    Statistic("temporal_reductions", "Temporal reductions (per-instance)"),
    Statistic("address_generations", "Address generations (per-cluster)"),
    Statistic("tile_size", "Utilized capacity"),
    Statistic("partition_size", "Partition size"),
    Statistic("instances", "Utilized instances (max)"),
    Statistic("clusters", "Utilized clusters (max)"),
    Statistic("energy_pj", "Energy (total)", 2),
    Statistic("read_bandwidth", "Read Bandwidth (per-instance)", 2),
    Statistic("write_bandwidth", "Write Bandwidth (per-instance)", 2),
)
NETWORK = (
    Statistic("ingresses", "Ingresses", 2),
    Statistic("multicast_factor", "Multicast factor"),
    Statistic("link_transfers", "Link transfers"),
    Statistic("spatial_reductions", "Spatial reductions"),
    Statistic("hops", "Average number of hops", 2),
)
INGRESS, REFUSAL = "ingress", "refusal"
DECIMALS: Mapping[str, int] = {
    **{statistic.name: statistic.decimals for statistic in (*STORAGE, *NETWORK)},
    INGRESS: 2,
    "level_cycles": 0,
    "cycles": 0,
    "macs": 0,
    "utilization": 2,
    "compute_energy_pj": 2,
    "total_energy_pj": 2,
    "area_um2": 2,
}
"""Every statistic, in the order of the tables, and the decimals that the reference prints."""


def row_figures(row: Mapping[str, Any]) -> Figures:
    """Return the figures of a reference row that has a mapping."""
    if not row["valid"]:
        return {Key(REFUSAL): str(row["error"])}
    summary = row["summary"]
    figures: Figures = {
        Key("cycles"): int(summary["Cycles"]),
        Key("macs"): int(summary["Computes"]),
        Key("utilization"): summary["Utilization"],
        Key("total_energy_pj"): row["energy_pJ_total"],
        Key("area_um2"): row["area_um2_total"],
    }
    for level, content in row["levels"].items():
        specs = content["specs"]
        if "Bandwidth throttling" not in specs:
            figures[Key("compute_energy_pj")] = specs["Energy (total)"]
            continue
        figures[Key("level_cycles", level)] = specs["Cycles"]
        for tensor, stored in content["ds"].items():
            for statistic in STORAGE:
                figures[Key(statistic.name, level, tensor)] = stored[statistic.column]
    for pair, network in row["networks"].items():
        level = pair.split(" <==> ")[0]
        for tensor, sent in network.items():
            figures[Key(INGRESS, level, tensor)] = _deliveries(sent["ingress"])
            for statistic in NETWORK:
                figures[Key(statistic.name, level, tensor)] = sent[statistic.column]
    return figures


def rounded_terms(row: Mapping[str, Any]) -> dict[Key, int]:
    """Return of how many rounded numbers the reference made its sums."""
    levels = row.get("levels", {}).values()
    stored = sum(len(content["ds"]) for content in levels)
    instances = sum(content["specs"]["Instances"][0] for content in levels)
    return {Key("total_energy_pj"): stored + 1, Key("area_um2"): instances}


def _deliveries(entries: Iterable[Iterable[float]]) -> tuple[tuple[float, ...], ...]:
    return tuple(sorted(tuple(float(number) for number in entry) for entry in entries))


def literal_figures(machine: Machine, result: Result) -> Figures:
    """Return the figures of a literal evaluation."""
    figures: Figures = {
        Key("cycles"): result.cycles,
        Key("macs"): result.macs,
        Key("utilization"): result.utilization,
        Key("total_energy_pj"): result.energy_pj,
        Key("area_um2"): result.area_um2,
        Key("compute_energy_pj"): result.mac_energy_pj,
    }
    for storage in machine.levels:
        level = storage.name
        figures[Key("level_cycles", level)] = result.level_cycles[level]
        for tensor, counts in result.counts[level].items():
            for statistic in STORAGE:
                figures[Key(statistic.name, level, tensor)] = getattr(counts, statistic.name)
        for tensor, sent in result.deliveries[level].items():
            groups = ((*group, float(words)) for group, words in sent.ingress.items())
            figures |= {
                Key(INGRESS, level, tensor): _deliveries(groups),
                Key("ingresses", level, tensor): float(sum(sent.ingress.values())),
                Key("multicast_factor", level, tensor): max(
                    (m for m, _ in sent.ingress), default=0
                ),
                Key("link_transfers", level, tensor): float(sent.link_transfers),
                Key("spatial_reductions", level, tensor): float(sent.spatial_reductions),
                Key("hops", level, tensor): sent.hops,
            }
    return figures


def core_figures(cost: Cost) -> Figures:
    """Return the figures of the simulator."""
    figures: Figures = {
        Key("cycles"): cost.cycles,
        Key("macs"): cost.macs,
        Key("utilization"): cost.utilization,
        Key("total_energy_pj"): cost.energy_pj,
        Key("area_um2"): cost.area_um2,
        Key("compute_energy_pj"): cost.compute_energy_pj,
    }
    for level, stored in cost.levels.items():
        figures[Key("level_cycles", level)] = cost.level_cycles[level]
        for tensor, counts in stored.items():
            for statistic in STORAGE:
                figures[Key(statistic.name, level, tensor)] = getattr(counts, statistic.name)
    for pair, network in cost.networks.items():
        level = pair.split(" <==> ")[0]
        for tensor, sent in network.items():
            figures[Key(INGRESS, level, tensor)] = _deliveries(sent.ingress)
            for statistic in NETWORK:
                figures[Key(statistic.name, level, tensor)] = getattr(sent, statistic.name)
    return figures
