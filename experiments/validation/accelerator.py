"""Print how well `simulators.accelerator` agrees with recorded runs of Timeloop.

    python -m experiments.validation.accelerator --reference DIR [--json] [--model literal]
    python -m experiments.validation.accelerator --random 2000 --seed 0

DIR holds rows.jsonl: one evaluation per line with its architecture (``arch_yaml``), energy and
area tables (``ert``, ``art``), problem (``instance``), mapping (``loops``, ``keep``) and what
Timeloop printed. --random compares with a literal model instead (`accelerator_literal`), on
architectures, layers and mappings drawn at random. Exit code: 0 if every figure agrees, 1 if any
differs, 2 if DIR cannot be used.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from experiments.validation import accelerator_literal as literal
from experiments.validation.accelerator_agreement import (
    RowResult,
    by_family,
    by_statistic,
    compare,
    table,
    to_json,
)
from experiments.validation.accelerator_figures import (
    REFUSAL,
    Figures,
    Key,
    core_figures,
    literal_figures,
    rounded_terms,
    row_figures,
)
from experiments.validation.accelerator_random import describe, literal_inputs, make_case
from experiments.validation.reference import ReferenceFolderError
from simulators.accelerator import Architecture, Layer, evaluate
from simulators.accelerator import Mapping as LoopMapping
from simulators.errors import ArchGymError, InvalidMappingError

ROUNDING = (
    "Counts and cycles must be equal; energies, areas, bandwidths and utilisation must round to "
    "what Timeloop prints (2 decimals; half a unit per term of a sum)."
)
ROWS = "rows.jsonl"
_REQUIRED = ("id", "family", "valid")
_VALID = ("arch_yaml", "ert", "art", "instance", "loops", "keep", "levels", "networks", "summary")
_SHOWN = 20
_SHOWN_PER_ROW = 4


def main(
    reference: Path | None = None,
    random: int = 0,
    seed: int = 0,
    model: Literal["core", "literal"] = "core",
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> int:
    """Compare the accelerator model with recorded runs of Timeloop, or with a literal model.

    Args:
        reference: folder of the recorded runs.
        random: compare on so many random cases with the literal model.
        seed: of the random cases.
        model: what is compared with the recorded runs: the simulator, or the literal model.
        json_output: print one JSON object instead of tables.
    """
    if (reference is None) == (random < 1):
        print("error: give either --reference DIR or --random N with N > 0.", file=sys.stderr)
        return 2
    skipped = 0
    try:
        if reference is None:
            results = [random_result(number, seed) for number in range(random)]
        else:
            rows = list(read_rows(reference))
            usable = [(number, row) for number, row in rows if row.get("loops") is not None]
            skipped = len(rows) - len(usable)
            results = [row_result(number, row, model) for number, row in usable]
    except (ArchGymError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if json_output:
        print(json.dumps({**to_json(results), "rows_without_mapping": skipped}, indent=2))
    else:
        print(report(results, skipped))
    return int(any(result.differences for result in results))


def read_rows(folder: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line number and the content of every row.

    Raises:
        ReferenceFolderError: no such folder or file, or a line that is no row.
    """
    path = folder / ROWS
    if not path.is_file():
        raise ReferenceFolderError(f"{path} is missing. It holds one evaluation per line.")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ReferenceFolderError(f"{path}:{number}: not JSON: {error}.") from None
        if not isinstance(row, dict):
            raise ReferenceFolderError(f"{path}:{number}: not an object.")
        required = (*_REQUIRED, *_VALID) if row.get("valid") else (*_REQUIRED, "error")
        if missing := [key for key in required if key not in row]:
            raise ReferenceFolderError(f"{path}:{number}: lacks {', '.join(missing)}.")
        yield number, row


def row_result(number: int, row: Mapping[str, Any], model: str = "core") -> RowResult:
    """Evaluate a row and compare."""
    try:
        ours = _literal_row(row) if model == "literal" else _core_row(row)
        expected = row_figures(row)
    except (KeyError, TypeError, ValueError) as error:
        raise ReferenceFolderError(f"{ROWS}:{number} ({row['id']}): {error!r}.") from None
    return compare(number, str(row["id"]), str(row["family"]), ours, expected, rounded_terms(row))


def _core_row(row: Mapping[str, Any]) -> Figures:
    architecture = Architecture.from_timeloop(row["arch_yaml"], row["ert"], row["art"])
    layer = Layer.from_timeloop(row["instance"])
    mapping = LoopMapping.from_loops(row["loops"], row["keep"])
    try:
        return core_figures(evaluate(architecture, layer, mapping))
    except InvalidMappingError as error:
        return {Key(REFUSAL): _said(error)}


def _literal_row(row: Mapping[str, Any]) -> Figures:
    machine, workload, blocks = literal.read_row(row)
    try:
        return literal_figures(machine, literal.evaluate_literally(machine, workload, blocks))
    except literal.Unmappable as error:
        return {Key(REFUSAL): _said(error)}


def _said(error: InvalidMappingError | literal.Unmappable) -> str:
    """Return the refusal as Timeloop words it, as far as it has words for it."""
    text = str(error)
    begin = text.find("mapped tile size")
    return f"level {error.level}: {text[begin:]}" if begin >= 0 else text


def random_result(number: int, seed: int) -> RowResult:
    """Compare core and literal model on random case ``number``."""
    case = make_case(np.random.default_rng([seed, number]))
    try:
        version = "timeloop2022" if case.year_2022 else "timeloop3"
        cost = evaluate(case.architecture, case.layer, case.mapping, compatibility=version)
        ours = core_figures(cost)
    except InvalidMappingError as error:
        ours = {Key(REFUSAL): f"{error.reason} {error.level}"}
    machine, workload, blocks = literal_inputs(case)
    try:
        result = literal.evaluate_literally(machine, workload, blocks, year_2022=case.year_2022)
        found = literal_figures(machine, result)
    except literal.Unmappable as refusal:
        found = {Key(REFUSAL): f"{refusal.reason} {refusal.level}"}
    return compare(number, f"random {seed}/{number}", describe(case), ours, found, None)


def report(results: Sequence[RowResult], skipped: int) -> str:
    """Return the agreement tables and the rows that differ, as text."""
    equal = sum(not result.differences for result in results)
    lines = [f"{equal} of {len(results)} rows agree in every figure."]
    if skipped:
        lines.append(f"{skipped} rows record no mapping (refused before one was found): left out.")
    lines += [ROUNDING, "", *table("figure", by_statistic(results))]
    lines += ["", *table("rows by kind", by_family(results))]
    differing = [result for result in results if result.differences]
    lines += ["", f"{len(differing)} rows differ:"] if differing else []
    for result in differing[:_SHOWN]:
        lines.append(f"row {result.number} ({result.name}, {result.family})")
        lines += [f"  {difference}" for difference in result.differences[:_SHOWN_PER_ROW]]
        if (more := len(result.differences) - _SHOWN_PER_ROW) > 0:
            lines.append(f"  ... and {more} more figures")
    if len(differing) > _SHOWN:
        lines.append(f"... and {len(differing) - _SHOWN} more rows; --json lists all.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
