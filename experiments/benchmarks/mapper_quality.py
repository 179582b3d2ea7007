"""Measure how good the mappings are that `search_mapping` finds, and how long it takes.

    python -m experiments.benchmarks.mapper_quality [--networks resnet50 mobilenetv2] [--json]
    python -m experiments.benchmarks.mapper_quality --reference mapper_eyeriss.csv

Every different layer of the networks is mapped onto the preset "eyeriss" under the constraints of
its row-stationary dataflow, for the lowest energy-delay product. With --reference, the layers are
those of a CSV file of another mapper's results instead (columns ``net``, ``layer``, ``mode``,
``status``, ``C``, ``M``, ``R``, ``P``, ``stride``, ``cycles``, ``energy_uJ``, ``mapper_seconds``):
square convolutions with one batch, a line per mode of that mapper. Exit code: 0 if every layer has
a legal mapping, 1 if not, 2 if the reference cannot be used.
"""

import csv
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from experiments.benchmarks.dram_speed import processor
from experiments.validation.reference import ReferenceFolderError
from simulators.accelerator import (
    Architecture,
    InvalidMappingError,
    Layer,
    MappingConstraints,
    search_mapping,
)
from simulators.errors import ArchGymError

PRESET = "eyeriss"
_COLUMNS = ("net", "layer", "mode", "status", "C", "M", "R", "P", "stride", "cycles", "energy_uJ")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerResult:
    """One layer; figures of a layer without a legal mapping are None."""

    network: str
    layer: str
    repeats: int
    """How often the network has a layer of this shape."""
    seconds: float
    edp_j_cycle: float | None = None
    cycles: int | None = None
    energy_pj: float | None = None
    utilization: float | None = None
    evaluations: int = 0
    optimal: bool = False
    """Proven by enumeration."""
    problem: str = ""
    """Why there is no mapping."""
    ratios: Mapping[str, float] = field(default_factory=dict)
    """Mode of the reference -> our EDP as a share of its."""
    reference_seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """A layer to map, and what the reference found: mode -> (EDP in J x cycles, seconds)."""

    network: str
    layer: Layer
    repeats: int = 1
    found: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def network_layers(names: Sequence[str]) -> Iterator[Work]:
    """Yield every different shape of the networks once."""
    for name in names:
        shapes: dict[Any, list[Layer]] = {}
        for layer in Layer.network(name):
            shapes.setdefault((layer.dims, layer.tensors), []).append(layer)
        for alike in shapes.values():
            yield Work(name, alike[0], sum(layer.count for layer in alike))


def reference_layers(path: Path) -> list[Work]:
    """Return the layers of a table of another mapper's results, in its order.

    Raises:
        ReferenceFolderError: no such file, other columns, or no number where one is needed.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReferenceFolderError(f"{path} cannot be read: {error}.") from None
    if missing := [name for name in _COLUMNS if not rows or name not in rows[0]]:
        raise ReferenceFolderError(f"{path} has no rows with {', '.join(missing)}.")
    works: dict[tuple[str, str], Work] = {}
    for row in rows:
        if row["status"] != "ok":
            continue
        try:
            number = {name: int(row[name]) for name in ("C", "M", "R", "P", "stride", "cycles")}
            edp = number["cycles"] * float(row["energy_uJ"]) * 1e-6
            seconds = float(row.get("mapper_seconds") or "nan")
        except ValueError as error:
            raise ReferenceFolderError(f"{path}, {row['net']} {row['layer']}: {error}.") from None
        name = f"{row['net']} {row['layer']}"
        size, stride = number["R"], number["stride"]
        layer = Layer.conv(
            c=number["C"], m=number["M"], r=size, s=size, p=number["P"], q=number["P"],
            stride=(stride, stride), name=name,
        )  # fmt: skip
        old = works.get((row["net"], row["layer"]), Work(row["net"], layer))
        found = {**old.found, row["mode"]: (edp, seconds)}
        works[row["net"], row["layer"]] = Work(row["net"], layer, 1, found)
    return list(works.values())


def measure(work: Work, budget: int, seed: int) -> LayerResult:
    """Search a mapping for one layer."""
    architecture = Architecture.preset(PRESET)
    constraints = MappingConstraints.preset(PRESET)
    begin = time.perf_counter()
    try:
        best = search_mapping(
            architecture, work.layer, "edp", budget=budget, seed=seed, constraints=constraints
        )
    except InvalidMappingError as error:
        return LayerResult(
            network=work.network,
            layer=work.layer.name,
            repeats=work.repeats,
            seconds=time.perf_counter() - begin,
            problem=str(error),
        )
    seconds = time.perf_counter() - begin
    cost = best.cost
    return LayerResult(
        network=work.network,
        layer=work.layer.name,
        repeats=work.repeats,
        seconds=seconds,
        edp_j_cycle=cost.edp_j_cycle,
        cycles=cost.cycles,
        energy_pj=cost.energy_pj,
        utilization=cost.utilization,
        evaluations=best.evaluations,
        optimal=best.optimal,
        ratios={mode: cost.edp_j_cycle / edp for mode, (edp, _) in work.found.items()},
        reference_seconds={mode: seconds for mode, (_, seconds) in work.found.items()},
    )


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean of positive numbers; NaN of none."""
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def report(results: Sequence[LayerResult]) -> str:
    """Return a table of the layers and the sums of each network."""
    modes = list(dict.fromkeys(mode for result in results for mode in result.ratios))
    width = max(len(result.layer) for result in results)
    header = (
        f"{'layer':<{width}}{'times':>6}{'EDP (J cycles)':>16}{'Mcycles':>10}{'uJ':>12}{'util.':>7}"
        f"{'evaluations':>13}{'s':>7}  proven"
    )
    lines = [processor(), f"Preset {PRESET} under its constraints, objective EDP.", ""]
    for network in dict.fromkeys(result.network for result in results):
        mine = [result for result in results if result.network == network]
        lines += [network, header + "".join(f"{'/ ' + mode:>10}" for mode in modes)]
        lines += [_line(result, width, modes) for result in mine]
        lines += [*_sums(mine, modes), ""]
    return "\n".join(lines[:-1])


def _line(result: LayerResult, width: int, modes: Sequence[str]) -> str:
    start = f"{result.layer:<{width}}{result.repeats:>6}"
    if result.edp_j_cycle is None or result.cycles is None or result.energy_pj is None:
        return f"{start}  no legal mapping in {result.seconds:.2f} s: {result.problem}"
    ratios = "".join(
        f"{result.ratios[mode]:>10.3f}" if mode in result.ratios else f"{'-':>10}" for mode in modes
    )
    return (
        f"{start}{result.edp_j_cycle:>16.5g}{result.cycles / 1e6:>10.4f}"
        f"{result.energy_pj / 1e6:>12.2f}{result.utilization or 0:>7.2f}{result.evaluations:>13,}"
        f"{result.seconds:>7.2f}  {'yes' if result.optimal else '-':<6}{ratios}"
    )


def _sums(results: Sequence[LayerResult], modes: Sequence[str]) -> list[str]:
    legal = [result for result in results if result.edp_j_cycle is not None]
    slowest = max(result.seconds for result in results)
    lines = [
        f"{len(legal)} of {len(results)} different layers have a legal mapping; "
        f"{sum(result.optimal for result in legal)} proven optimal; "
        f"{sum(result.seconds for result in results) / len(results):.2f} s a layer on average, "
        f"{slowest:.2f} s at most."
    ]
    if legal:
        cycles = sum((result.cycles or 0) * result.repeats for result in legal)
        energy_mj = sum((result.energy_pj or 0.0) * result.repeats for result in legal) / 1e9
        lines.append(f"all their repeats: {cycles / 1e6:.2f} Mcycles, {energy_mj:.2f} mJ.")
    for mode in modes:
        ratios = [result.ratios[mode] for result in legal if mode in result.ratios]
        seconds = [result.reference_seconds.get(mode, math.nan) for result in legal]
        if ratios:
            lines.append(
                f"EDP / that of the reference's {mode!r}: geometric mean "
                f"{geometric_mean(ratios):.3f}, worst {max(ratios):.3f}, best {min(ratios):.3f} "
                f"({len(ratios)} layers; it took {sum(seconds) / len(seconds):.1f} s a layer)."
            )
    return lines


def to_json(results: Sequence[LayerResult]) -> dict[str, Any]:
    """Return all figures in types that JSON has."""
    modes = dict.fromkeys(mode for result in results for mode in result.ratios)
    return {
        "cpu": processor(),
        "layers": [asdict(result) for result in results],
        "layers_with_a_mapping": sum(result.edp_j_cycle is not None for result in results),
        "seconds_at_most": max(result.seconds for result in results),
        "geometric_mean_ratio": {
            mode: geometric_mean([r.ratios[mode] for r in results if mode in r.ratios])
            for mode in modes
        },
    }


def main(
    networks: tuple[str, ...] = ("resnet50", "mobilenetv2"),
    reference: Path | None = None,
    budget: int = 100_000,
    seed: int = 0,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> int:
    """Measure the mapper on networks, or against another mapper's results.

    Args:
        networks: names of `Layer.networks`, if there is no reference.
        reference: CSV file of another mapper's results.
        budget: evaluations per layer, about.
        seed: of the search.
        json_output: print one JSON object instead of tables.
    """
    try:
        works = list(network_layers(networks)) if reference is None else reference_layers(reference)
        if not works:
            raise ReferenceFolderError("there is no layer to map: give networks or a reference.")
        results = [measure(work, budget, seed) for work in works]
    except ArchGymError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(to_json(results), indent=2) if json_output else report(results))
    return int(any(result.edp_j_cycle is None for result in results))


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
