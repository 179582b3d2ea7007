"""``costmodel corpus``: build data sets of labelled programs."""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from simulators._terminal import Output
from simulators._text import duration
from simulators.errors import InvalidConfigError

if TYPE_CHECKING:
    from costmodel.corpus import BuildEvent

__all__ = ["CorpusBuild", "CorpusExtend"]

_BLINK_SECONDS, _LINE_SECONDS = 0.2, 10.0


@dataclass(frozen=True, kw_only=True)
class CorpusBuild:
    """Draw, schedule, compile and run programs; write rows, failures and a data card."""

    size: int
    """Programs to label; a program under a schedule counts as a program."""
    out: Path
    """Folder of the corpus. A build that was interrupted goes on; a larger size adds to it."""
    seed: int = 0
    """Everything random comes from it: equal seed and tools, equal files."""
    kind: Literal["tensors", "loops"] = "tensors"
    """Pieces of models, kernels and random graphs; or loops over long arrays, as one writes them
    by hand, which need no front end."""
    workers: int = 1
    """Compilers to run at once."""
    publish_every: int = 2000
    """Programs after which the files are written, so that an unfinished corpus can be used."""
    targets: Annotated[tuple[str, ...], arg(metavar="NAME...")] = ()
    """Targets (device/quantity), devices, or all; by default all deterministic ones of CPUs."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Build, and say where it is."""
        from costmodel.corpus import DEFAULT_TARGETS, CorpusConfig, build_corpus

        if self.workers < 1:
            raise InvalidConfigError(f"--workers {self.workers} is not positive. Give 1 or more.")
        targets = self.targets or DEFAULT_TARGETS
        config = CorpusConfig(
            size=self.size,
            seed=self.seed,
            kind=self.kind,
            targets=targets,
            publish_every=self.publish_every,
        )
        progress = _Progress(output)
        path = build_corpus(config, self.out, workers=self.workers, watch=progress)
        output.show(f"Wrote {path}, failures.parquet and card.md beside it.")
        output.result({"rows": str(path), "card": str(self.out / "card.md")})
        return 0


@dataclass(frozen=True, kw_only=True)
class CorpusExtend:
    """Add labels to a corpus: other devices, or wall time in a pass of its own."""

    out: Path
    """Folder of the corpus. A run that was interrupted goes on."""
    targets: Annotated[tuple[str, ...], arg(metavar="NAME...")]
    """Targets (device/quantity) or devices, such as nvidia-sm90 or x86-64-znver4/latency."""
    most: int | None = None
    """Programs to label, counted from the first row; by default all."""
    workers: int = 1
    """Compilers to run at once; leave it at 1 for measured targets."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Label, and say where the rows are."""
        from costmodel.corpus import extend_corpus

        if self.workers < 1:
            raise InvalidConfigError(f"--workers {self.workers} is not positive. Give 1 or more.")
        path = extend_corpus(
            self.out, self.targets, workers=self.workers, most=self.most, watch=_Progress(output)
        )
        output.show(f"Added {len(self.targets)} targets to {path}.")
        output.result({"rows": str(path), "targets": list(self.targets)})
        return 0


@dataclass(slots=True)
class _Progress:
    """How far, how fast, how long still: in place on a terminal, every ten seconds elsewhere."""

    output: Output
    started: float = field(default_factory=time.monotonic)
    reported: float = field(default_factory=time.monotonic)
    phase: str = ""
    before: int = 0
    terminal: bool = field(default_factory=lambda: sys.stderr.isatty())

    def __call__(self, event: "BuildEvent") -> None:
        now = time.monotonic()
        if event.phase != self.phase:
            # What an earlier run did was not done at this run's speed.
            self.phase, self.started, self.before = event.phase, now, event.done
        pause = _BLINK_SECONDS if self.terminal else _LINE_SECONDS
        if now - self.reported < pause and event.done < event.total:
            return
        self.reported = now
        line = self._line(event, now)
        if self.terminal:
            sys.stderr.write(f"\r\x1b[2K{line}" + ("\n" if event.done >= event.total else ""))
            sys.stderr.flush()
        else:
            self.output.note(line)

    def _line(self, event: "BuildEvent", now: float) -> str:
        rate = (event.done - self.before) / max(now - self.started, 1e-9)
        left = (event.total - event.done) / rate if rate > 0 else float("inf")
        return (
            f"{event.phase}: {event.done:,} of {event.total:,}, {event.lost:,} lost, "
            f"{rate:.2f}/s, ETA {duration(left)}"
        )
