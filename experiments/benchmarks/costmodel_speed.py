"""Measure how fast programs are read and predicted, on one core.

    python -m experiments.benchmarks.costmodel_speed [--model fast] [--programs FOLDER] [--json]

The candidates are 1,000 programs of about 2 kB. Reported is the fastest of several repeats.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro

from costmodel import _core
from costmodel.features import features
from costmodel.models import load_model
from costmodel.testing import matmul_affine

CANDIDATES = 1000


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """What to measure."""

    model: str | None = "fast"
    """A shipped model or the folder of one; None: tokens and features only."""
    programs: Path | None = None
    """Folder of .mlir files; by default unrolled loops of about 2 kB."""
    repeats: int = 7
    """Repeats, of which the fastest counts."""
    json: bool = False
    """Write JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Figures of one core; None: not measured."""

    mean_bytes: float
    tokenizer_mb_s: float
    features_mb_s: float
    features_us: float
    """A candidate."""
    rank_ms: float | None = None
    """All candidates, by one target."""
    predict_ms: float | None = None
    """All candidates, all targets, with intervals and out-of-distribution score."""


def measure(config: Benchmark) -> Speed:
    """Return the figures."""
    texts = _candidates(config.programs)
    total = sum(map(len, texts))
    tokens = _fastest(lambda: [_core.encode(text) for text in texts], config.repeats)
    parsed = _fastest(lambda: features(texts), config.repeats)
    rank = predict = None
    if config.model is not None:
        model = load_model(config.model)
        target = model.targets[0].name
        rank = 1e3 * _fastest(lambda: model.rank(texts, target), config.repeats)
        predict = 1e3 * _fastest(lambda: model.predict(texts), config.repeats)
    return Speed(
        mean_bytes=total / len(texts),
        tokenizer_mb_s=total / tokens / 1e6,
        features_mb_s=total / parsed / 1e6,
        features_us=1e6 * parsed / len(texts),
        rank_ms=rank,
        predict_ms=predict,
    )


def _candidates(folder: Path | None) -> list[bytes]:
    if folder is None:
        made = [matmul_affine(8 + i % 40, 16, 60, 5).encode() for i in range(CANDIDATES)]
        return made
    files = [path.read_bytes() for path in sorted(folder.rglob("*.mlir"))]
    return [files[i % len(files)] for i in range(CANDIDATES)]


def _fastest(work: Callable[[], object], repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def main() -> int:
    """Measure and print."""
    config = tyro.cli(Benchmark, description=__doc__)
    speed = asdict(measure(config))
    if config.json:
        print(json.dumps(speed, indent=2))
    else:
        for name, value in speed.items():
            print(f"{name:16} {'-' if value is None else format(value, ',.1f')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
