"""``costmodel corpus``: build data sets of labelled programs."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from costmodel._cli._output import Output
from costmodel.corpus import (
    DEFAULT_TARGETS,
    BuildEvent,
    CorpusConfig,
    build_corpus,
    extend_corpus,
)
from simulators.errors import InvalidConfigError

__all__ = ["CorpusBuild", "CorpusExtend"]

_LINE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class CorpusBuild:
    """Draw, schedule, compile and run programs; write rows, failures and a data card."""

    size: int
    """Programs to label; a program under a schedule counts as a program."""
    out: Path
    """Folder of the corpus. A build that was interrupted goes on; a larger size adds to it."""
    seed: int = 0
    """Everything random comes from it: equal seed and tools, equal files."""
    workers: int = 1
    """Compilers to run at once."""
    targets: tuple[str, ...] = DEFAULT_TARGETS
    """Targets (device/quantity), devices, or all."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Build, and say where it is."""
        if self.workers < 1:
            raise InvalidConfigError(f"--workers {self.workers} is not positive. Give 1 or more.")
        config = CorpusConfig(size=self.size, seed=self.seed, targets=self.targets)
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
    targets: tuple[str, ...]
    """Targets (device/quantity) or devices, such as nvidia-sm90 or x86-64-znver4/latency."""
    workers: int = 1
    """Compilers to run at once; leave it at 1 for measured targets."""
    json: bool = False
    """Write JSON."""

    def run(self, output: Output) -> int:
        """Label, and say where the rows are."""
        if self.workers < 1:
            raise InvalidConfigError(f"--workers {self.workers} is not positive. Give 1 or more.")
        path = extend_corpus(self.out, self.targets, workers=self.workers, watch=_Progress(output))
        output.show(f"Added {len(self.targets)} targets to {path}.")
        output.result({"rows": str(path), "targets": list(self.targets)})
        return 0


@dataclass(slots=True)
class _Progress:
    """One line every ten seconds with rate and time left."""

    output: Output
    started: float = field(default_factory=time.monotonic)
    reported: float = field(default_factory=time.monotonic)
    phase: str = ""
    before: int = 0

    def __call__(self, event: BuildEvent) -> None:
        now = time.monotonic()
        if event.phase != self.phase:
            # What an earlier run did was not done at this run's speed.
            self.phase, self.started, self.before = event.phase, now, event.done
            return
        if now - self.reported < _LINE_SECONDS and event.done < event.total:
            return
        self.reported = now
        rate = (event.done - self.before) / max(now - self.started, 1e-9)
        left = (event.total - event.done) / rate if rate > 0 else float("inf")
        self.output.note(
            f"{event.phase}: {event.done:,} of {event.total:,}, {event.lost:,} lost, "
            f"{rate:.2f}/s, {_duration(left)} left"
        )


def _duration(seconds: float) -> str:
    if seconds == float("inf"):
        return "unknown time"
    minutes = int(seconds) // 60
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes + 1} min"
