"""The card beside a data set: what it holds, where it comes from, what it is not."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archgym._text import number
from archgym.trials import METADATA_KEY

if TYPE_CHECKING:
    from archgym.dataset._table import DataSet, Summary


def card(dataset: "DataSet", path: Path) -> str:
    """Return the Markdown card of the data set that was written to ``path``."""
    summary = dataset.summary()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    parts = [
        f"# {path.name}",
        f"{summary.rows:,} trials of {dataset.metadata['problem']}: {summary.runs:,} runs, "
        f"{summary.designs:,} different designs, {summary.feasible:,} feasible trials, "
        f"{summary.failed:,} failed ones, {summary.repeated:,} repeats that a run answered from "
        f"its cache. {number(summary.simulator_s, 3)} s of simulation.",
        f"SHA-256 `{digest}`. The same runs give the same bytes.",
        "```python\nfrom archgym.dataset import DataSet\n\n"
        f'frame = DataSet.load("{path.name}").to_frame()\n```',
        "## Problems",
        _problems(dataset),
        "## Agents",
        _agents(summary),
        "## Metrics",
        _metrics(dataset, summary),
        "## Columns",
        _columns(dataset),
        "## Limits",
        _limits(summary),
    ]
    return "\n\n".join(parts) + "\n"


def markdown(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; a header that starts with ``>`` aligns to the right."""
    lines = [
        "| " + " | ".join(h.removeprefix(">") for h in headers) + " |",
        "|" + "|".join("---:" if h.startswith(">") else "---" for h in headers) + "|",
    ]
    for row in rows:
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |")
    return "\n".join(lines)


def _problems(dataset: "DataSet") -> str:
    return markdown(
        ["workload", "fingerprint", ">runs", ">trials", "configuration"],
        [
            [p["workload"], p["fingerprint"], p["runs"], f"{p['rows']:,}", _code(p["config"])]
            for p in dataset.problems
        ],
    )


def _code(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return f"`{text}`" if len(text) <= 400 else f"`{text[:400]}` ..."


def _agents(summary: "Summary") -> str:
    headers = [">runs", ">trials", ">designs", ">of no other agent", ">feasible", ">failed"]
    names = ("runs", "rows", "designs", "own_designs", "feasible", "failed")
    return markdown(
        ["agent", *headers],
        [[row["agent"], *[f"{row[name]:,}" for name in names]] for row in summary.agents],
    )


def _metrics(dataset: "DataSet", summary: "Summary") -> str:
    rows = []
    for name, spec in dataset.metadata["metrics"].items():
        found = summary.metrics[name]
        spread = [number(found[key]) for key in ("least", "median", "greatest")]
        rows.append([name, spec["unit"], *spread, f"{found['different']:,}", spec["description"]])
    headers = ["metric", "unit", ">least", ">median", ">greatest", ">different", "meaning"]
    return markdown(headers, rows)


def _columns(dataset: "DataSet") -> str:
    meanings = {
        p["name"]: p.get("description", "") for p in dataset.metadata["space"]["parameters"]
    }
    rows = [
        [f"`{f.name}`", f"`{f.type}`", meanings.get(f.name.removeprefix("design."), "")]
        for f in dataset.table.schema
    ]
    key = METADATA_KEY.decode()
    return markdown(["column", "type", "meaning"], rows) + (
        f"\n\nThe key `{key}` of the file's metadata holds the design space, the metrics and the "
        "configurations as JSON. A parameter is null while it is inactive, a metric where the "
        "evaluation failed."
    )


def _limits(summary: "Summary") -> str:
    lines = [
        "- Agents look where rewards are high: trials are no uniform sample of the design space.",
        "- Simulators are deterministic: the same design of the same problem always has the same "
        "metrics. Split by design, not by row, or a test set holds what was learnt from.",
        "- Rewards of different objectives do not compare.",
        "- `ask_s` and `wall_s` depend on the machine; they are null for enumerated tables.",
    ]
    if summary.conflicts:
        lines.append(
            f"- **{summary.conflicts:,} designs were measured with different metrics**: runs of "
            "a simulator that is not deterministic, or that changed without its version."
        )
    return "\n".join(lines)
