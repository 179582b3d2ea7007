"""``archgym report``: one self-contained page about recorded runs or a sweep."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from simulators._terminal import Output


@dataclass(frozen=True, kw_only=True)
class Report:
    """Write one self-contained HTML page about a run, all runs below a folder, or a sweep."""

    path: Annotated[Positional[Path], arg(metavar="RUN_OR_FOLDER")]
    """Folder of a run, a folder above several runs, or the folder of a sweep."""
    out: Path | None = None
    """The page; by default report.html in that folder."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Write the page."""
        from archgym.report import write_report
        from archgym.sweep import Sweep, is_sweep

        written = write_report(self.path, self.out)
        unfinished = Sweep.load(self.path).unfinished if is_sweep(self.path) else ""
        if unfinished:
            output.note(unfinished)
        output.show(f"Wrote {written}: open it in a browser; it needs no network.")
        output.result({"report": str(written), "bytes": written.stat().st_size})
        return 0
