"""``archgym dataset``: gather the trials of all agents into one file, describe it, convert it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from archgym._text import duration, number
from simulators._terminal import Output, grid


@dataclass(frozen=True, kw_only=True)
class DatasetMerge:
    """Gather runs of one design space into one Parquet file, with a data card beside it."""

    out: Annotated[Positional[Path], arg(metavar="FILE.parquet")]
    """The file to write; the card has the same name with .md."""
    sources: Annotated[Positional[tuple[Path, ...]], arg(metavar="SOURCE...")]
    """Run folders or folders above some, tables of `archgym enumerate` (also by the name of one
    that is shipped, e.g. dram-paper-stream-DDR4-2400), data sets."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Merge, then describe."""
        from archgym.dataset import merge_dataset

        dataset = merge_dataset(self.sources, self.out)
        summary = dataset.summary()
        output.show(
            f"Wrote {self.out} and {self.out.with_suffix('.md').name}: {summary.rows:,} trials of "
            f"{summary.runs:,} runs, {summary.designs:,} different designs.\n\nNext:\n"
            f"  archgym proxy train {self.out} --out proxy\n"
            "      learn to predict the metrics of designs"
        )
        output.result({"out": str(self.out), **asdict(summary)})
        return 0


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """Describe a data set: counts, agents, different designs, failures, ranges of metrics."""

    path: Annotated[Positional[Path], arg(metavar="FILE.parquet")]
    """The data set."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Describe."""
        from archgym.dataset import DataSet

        dataset = DataSet.load(self.path)
        found = dataset.summary()
        agents = [
            [row[n] if n == "agent" else f"{row[n]:,}" for n in _AGENT_COLUMNS]
            for row in found.agents
        ]
        metrics = [
            [name, dataset.metadata["metrics"][name]["unit"]]
            + [number(row[key]) for key in ("least", "median", "greatest")]
            + [f"{row['different']:,}"]
            for name, row in found.metrics.items()
        ]
        workloads = ", ".join(f"{p['workload']} ({p['rows']:,})" for p in dataset.problems)
        output.show(
            f"{dataset.metadata['problem']}: {found.rows:,} trials of {found.runs:,} runs on "
            f"{workloads}\n{found.designs:,} different designs, {found.feasible:,} trials "
            f"feasible, {found.failed:,} failed, {found.repeated:,} repeated; "
            f"{duration(found.simulator_s)} of simulation\n",
            grid(
                [h if h == "agent" else f">{h.replace('_', ' ')}" for h in _AGENT_COLUMNS], agents
            ),
            "",
            grid(["metric", "unit", ">least", ">median", ">greatest", ">different"], metrics),
        )
        if found.conflicts:
            output.note(f"{found.conflicts:,} designs were measured with different metrics.")
        output.result({"problem": dataset.metadata["problem"], **asdict(found)})
        return 0


_AGENT_COLUMNS = ("agent", "runs", "rows", "designs", "own_designs", "feasible", "failed")


@dataclass(frozen=True, kw_only=True)
class DatasetExport:
    """Write a data set in another format."""

    path: Annotated[Positional[Path], arg(metavar="FILE.parquet")]
    """The data set."""
    out: Annotated[Positional[Path], arg(metavar="FILE")]
    """The file to write."""
    format: str = "csv"
    """csv."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Convert."""
        from archgym.dataset import DataSet

        dataset = DataSet.load(self.path)
        written = dataset.export(self.out, self.format)
        output.show(f"Wrote {written}: {len(dataset):,} rows.")
        output.result({"out": str(written), "rows": len(dataset), "bytes": written.stat().st_size})
        return 0
