"""Print how well `simulators.accelerator.maestro` agrees with recorded runs of MAESTRO.

    python -m experiments.validation.maestro --reference DIR [--json]

DIR holds one or more CSV files: one layer per line with its sizes (``type``, ``K``, ``C``, ``R``,
``S``, ``Y``, ``X``, ``strideY``, ``strideX``), its mapping (``dataflow``), the hardware
(``hw_...``) and the columns that MAESTRO wrote. Exit code: 0 if every figure agrees, 1 if any
differs, 2 if DIR cannot be used.
"""

import csv
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from experiments.validation.accelerator_agreement import Agreement, table
from experiments.validation.reference import ReferenceFolderError
from simulators.accelerator import maestro
from simulators.errors import ArchGymError

ROUNDING = (
    "A figure is equal if it is the same whole number, or rounds to the 6 significant digits that "
    "MAESTRO prints."
)
ENERGY_COLUMNS = (
    "Activity count-based Energy (nJ)",
    "Throughput Per Energy (GMACs/s*J)",
    "Ops/J",
)
"""What holds the L1 energy of the layer before, if the mapping has clusters."""
_RENAMED = {"Compute Delay (Min)": "Compute Delay (Max)"}
"""MAESTRO writes this column twice; a table by name holds the second, the maximum."""
_HARDWARE = {
    "pes": "hw_pes",
    "noc_bandwidth": "hw_noc_bw",
    "noc_hops": "hw_hops",
    "noc_hop_latency": "hw_hop_latency",
    "offchip_bandwidth": "hw_offchip_bw",
    "l1_size": "hw_l1",
    "l2_size": "hw_l2",
    "simd": "hw_simd",
}
_DIMS = "NKCRSYX"
_INPUTS = ("source", "layer", "type", "dataflow", "strideY", "strideX", *_HARDWARE.values())
_DIGITS = 6
"""Significant digits of a real number in MAESTRO's files."""
_SHOWN = 20
_SHOWN_PER_ROW = 4


@dataclass(frozen=True, slots=True)
class RowResult:
    """Everything compared of one row."""

    place: str
    """File and line."""
    name: str
    kind: str
    compared: tuple[str, ...]
    left_out: tuple[str, ...]
    differences: tuple[tuple[str, float, str], ...]
    """Column, ours, the reference's text."""


def main(reference: Path, json_output: Annotated[bool, tyro.conf.arg(name="json")] = False) -> int:
    """Compare the MAESTRO model with recorded runs of the tool.

    Args:
        reference: folder of CSV files.
        json_output: print one JSON object instead of tables.
    """
    try:
        results = [row_result(place, row) for place, row in read_rows(reference)]
    except (ArchGymError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(to_json(results), indent=2) if json_output else report(results))
    return int(any(result.differences for result in results))


def read_rows(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield file name and line, and the content, of every row.

    Raises:
        ReferenceFolderError: no such folder, no CSV file in it, or one of other columns.
    """
    paths = sorted(folder.glob("*.csv")) if folder.is_dir() else []
    if not paths:
        raise ReferenceFolderError(f"{folder} holds no CSV file. Give the folder of the tables.")
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [name for name in _INPUTS if name not in (reader.fieldnames or ())]:
                raise ReferenceFolderError(f"{path} lacks the columns {', '.join(missing)}.")
            for row in reader:
                yield f"{path.name}:{reader.line_num}", row


def row_result(place: str, row: Mapping[str, str]) -> RowResult:
    """Evaluate a row and compare every column that both have."""
    try:
        cost = maestro.evaluate(*inputs(row), compatibility="maestro")
    except (ArchGymError, ValueError) as error:
        raise ReferenceFolderError(f"{place}: {error}") from None
    ours = {name: value for name, value in cost.to_row().items() if _column(name) in row}
    unknown = ENERGY_COLUMNS if _other_layers_energy(row, cost.energy_nj) else ()
    compared = [name for name in ours if name not in unknown and name not in _RENAMED]
    differences = [
        (name, ours[name], row[_column(name)])
        for name in compared
        if not equal(ours[name], row[_column(name)])
    ]
    return RowResult(place, row["layer"], row["type"], tuple(compared), unknown, tuple(differences))


def inputs(
    row: Mapping[str, str],
) -> tuple[maestro.MaestroLayer, str, maestro.Hardware]:
    """Return the layer, mapping and hardware of a row."""
    layer = maestro.MaestroLayer(
        name=row["layer"],
        kind=row["type"],
        dims={dim: int(row[dim]) for dim in _DIMS if row.get(dim)},
        stride=(int(row["strideY"] or 1), int(row["strideX"] or 1)),
    )
    hardware = {name: int(row[column]) for name, column in _HARDWARE.items() if row[column]}
    return layer, row["dataflow"], maestro.Hardware(**hardware)


def _other_layers_energy(row: Mapping[str, str], ours_nj: float) -> bool:
    """Whether a row with clusters holds L1 energy: that of a layer before it in the tool's file."""
    reference = row[ENERGY_COLUMNS[0]]
    clustered = "Cluster" in row["dataflow"]
    return clustered and not equal(ours_nj, reference) and float(reference) > ours_nj


def _column(name: str) -> str:
    return next((old for old, new in _RENAMED.items() if new == name), name)


def equal(ours: float, reference: str) -> bool:
    """Whether ``ours`` prints as ``reference`` does: whole, or with 6 significant digits."""
    value = float(reference)
    if reference.isdigit() and len(reference) > _DIGITS:
        return ours == value
    exponent = math.floor(math.log10(abs(value))) if value else 0
    # The factor admits a figure on the border between two printed ones.
    return abs(ours - value) <= 0.5000001 * 10.0 ** (exponent - _DIGITS + 1)


def report(results: Sequence[RowResult]) -> str:
    """Return the agreement tables and the rows that differ, as text."""
    same = sum(not result.differences for result in results)
    left_out = sum(bool(result.left_out) for result in results)
    lines = [f"{same} of {len(results)} rows agree in every column.", ROUNDING]
    if left_out:
        lines.append(
            f"{left_out} rows with clusters: their energy columns hold the L1 energy of the layer "
            "before in the tool's file, which is not recorded; these are left out."
        )
    lines += [
        "",
        *table("column", by_column(results)),
        "",
        *table("rows by type", by_kind(results)),
    ]
    differing = [result for result in results if result.differences]
    lines += ["", f"{len(differing)} rows differ:"] if differing else []
    for result in differing[:_SHOWN]:
        lines.append(f"{result.place} ({result.name})")
        for name, ours, reference in result.differences[:_SHOWN_PER_ROW]:
            lines.append(f"  {name}: ours {ours:.10g}, reference {reference}")
    if len(differing) > _SHOWN:
        lines.append(f"... and {len(differing) - _SHOWN} more; --json lists all.")
    return "\n".join(lines)


def by_column(results: Sequence[RowResult]) -> list[Agreement]:
    """Sum up by column."""
    total: dict[str, int] = defaultdict(int)
    wrong: dict[str, int] = defaultdict(int)
    for result in results:
        for name in result.compared:
            total[name] += 1
        for name, *_ in result.differences:
            wrong[name] += 1
    return [Agreement(name, count - wrong[name], count) for name, count in total.items()]


def by_kind(results: Sequence[RowResult]) -> list[Agreement]:
    """Sum up whole rows by layer type."""
    found: dict[str, list[bool]] = defaultdict(list)
    for result in results:
        found[result.kind].append(not result.differences)
    return [Agreement(kind, sum(equal), len(equal)) for kind, equal in sorted(found.items())]


def to_json(results: Sequence[RowResult]) -> dict[str, Any]:
    """Return the summary and every difference in types that JSON has."""

    def plain(rows: Sequence[Agreement]) -> dict[str, Any]:
        return {row.name: {"equal": row.equal, "total": row.total} for row in rows}

    return {
        "rows": len(results),
        "rows_equal": sum(not result.differences for result in results),
        "by_type": plain(by_kind(results)),
        "by_column": plain(by_column(results)),
        "differences": [
            {"row": result.place, "column": name, "ours": ours, "reference": reference}
            for result in results
            for name, ours, reference in result.differences
        ],
    }


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
