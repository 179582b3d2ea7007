"""Reader of ``timeloop-model.stats.txt``."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulators.accelerator.backends._result import BackendCost
from simulators.errors import BackendError

STATISTICS = {
    "Scalar reads (per-instance)": "reads",
    "Scalar updates (per-instance)": "updates",
    "Scalar fills (per-instance)": "fills",
    "Actual scalar reads (per-instance)": "reads",
    "Actual scalar updates (per-instance)": "updates",
    "Actual scalar fills (per-instance)": "fills",
    "Temporal reductions (per-instance)": "temporal_reductions",
    "Address generations (per-cluster)": "address_generations",
    "Partition size": "partition_size",
    "Utilized capacity": "tile_size",
    "Max utilized data storage capacity": "tile_size",
    "Utilized instances (max)": "instances",
    "Energy (total)": "energy_pj",
}
"""Timeloop's names, also those of its sparse-aware versions, and ours."""

_LEVEL = re.compile(r"=== (?P<name>\S.*?) ===")
_SECTION = re.compile(r"(?P<name>Networks|Operational Intensity Stats|Summary Stats)")
_FIELD = re.compile(r"(?P<indent> *)(?P<name>\S.*?)\s*[:=]\s+(?P<value>\S.*)")
_TENSOR = re.compile(r"    (?P<name>[^\s:][^:]*):")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|nan|inf)")


@dataclass(slots=True)
class _Level:
    own: dict[str, float] = field(default_factory=dict)
    tensors: dict[str, dict[str, float]] = field(default_factory=dict)


def parse_stats(text: str) -> BackendCost:
    """Read what timeloop-model writes.

    Raises:
        BackendError: there is no level or no number of cycles, or a figure is not finite.
    """
    levels: dict[str, _Level] = {}
    summary: dict[str, float] = {}
    for section, tensor, name, value in _fields(text):
        if section.startswith("="):
            level = levels.setdefault(section[1:], _Level())
            place = level.tensors.setdefault(tensor, {}) if tensor else level.own
            place[name] = value
        elif section == "Summary Stats":
            summary.setdefault(name, value)
        elif name.startswith("Total topology"):
            summary[name] = value
    if not levels or "Cycles" not in summary:
        raise BackendError(
            "timeloop-model's statistics hold no levels or no 'Cycles' under 'Summary Stats'. "
            "Is this timeloop-model of Timeloop 3?"
        )
    return _cost(levels, summary)


def _fields(text: str) -> Iterator[tuple[str, str, str, float]]:
    """Yield (section, tensor, name, number); the section of level L is "=L"."""
    section, tensor = "", ""
    for line in text.splitlines():
        if match := _LEVEL.match(line):
            section, tensor = "=" + match["name"], ""
        elif match := _SECTION.fullmatch(line.strip()):
            section, tensor = match["name"], ""
        elif line.strip() in ("SPECS", "MAPPING", "STATS"):
            tensor = ""
        elif match := _TENSOR.fullmatch(line.rstrip()):
            tensor = match["name"]
        elif (match := _FIELD.match(line)) and (number := _NUMBER.match(match["value"])):
            yield section, tensor, match["name"], _finite(match["name"], number.group(), match)


def _finite(name: str, text: str, match: re.Match[str]) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BackendError(f"timeloop-model's statistics hold {name} = {text}, no finite number.")
    return value / 100 if match["value"].endswith("%") else value


def _cost(levels: dict[str, _Level], summary: dict[str, float]) -> BackendCost:
    energy_pj: dict[str, float] = {}
    counts: dict[str, dict[str, dict[str, float]]] = {}
    for name, level in levels.items():
        stored = {
            tensor: {STATISTICS[key]: value for key, value in found.items() if key in STATISTICS}
            for tensor, found in level.tensors.items()
        }
        tensors = {tensor: found for tensor, found in stored.items() if found}
        if "Energy (total)" in level.own:
            energy_pj[name] = level.own["Energy (total)"]
        else:
            energy_pj[name] = sum(found.get("energy_pj", 0.0) for found in tensors.values())
            counts[name] = tensors
    macs = summary.get("Computes", summary.get("Actual Computes"))
    return BackendCost(
        backend="timeloop",
        cycles=summary["Cycles"],
        energy_pj=sum(energy_pj.values()),
        area_um2=_area_um2(levels),
        utilization=summary.get("Utilization"),
        macs=None if macs is None else int(macs),
        level_energy_pj=energy_pj,
        level_cycles={name: int(levels[name].own.get("Cycles", 0)) for name in counts},
        levels=counts,
        columns=summary,
    )


def _area_um2(levels: dict[str, _Level]) -> float:
    """Add up the areas, as the summary's has two decimals of a mm2 only."""
    return sum(
        level.own.get("Area (total)", level.own.get("Area", 0.0) * level.own.get("Instances", 1))
        for level in levels.values()
    )
