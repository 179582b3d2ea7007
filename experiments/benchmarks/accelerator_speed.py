"""Measure how fast `simulators.accelerator` evaluates mappings.

    python -m experiments.benchmarks.accelerator_speed [--mappings 50000] [--repeats 5] [--json]
    python -m experiments.benchmarks.accelerator_speed --reference-executable PATH-OF-TIMELOOP-MODEL

Timeloop's semantics: random legal mappings of three ResNet-50 layers on the preset "eyeriss" (six
storage levels), evaluated as one array, as a list of mapping objects, on two threads, and one by
one. MAESTRO's semantics: the same layers, a weight-stationary mapping of two cluster levels with
other tile sizes each time.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import tyro

from experiments.benchmarks.accelerator_mappings import legal_mappings
from experiments.benchmarks.dram_speed import processor
from simulators.accelerator import Architecture, Layer, backends, evaluate, evaluate_batch, maestro
from simulators.errors import ArchGymError

ARCHITECTURE = "eyeriss"
LAYERS: Mapping[str, Layer] = {
    "3x3": Layer.conv(c=64, m=64, r=3, s=3, p=56, q=56),
    "1x1": Layer.conv(c=256, m=64, r=1, s=1, p=56, q=56),
    "7x7/2": Layer.conv(c=3, m=64, r=7, s=7, p=112, q=112, stride=(2, 2)),
}
"""Of ResNet-50 (He et al., CVPR 2016): conv2_x's 3x3, a 1x1 that reduces, and conv1."""
TIMELOOP_MODEL_S = (0.020, 0.040)
"""What one run of timeloop-model takes, as a whole process: measured on a machine of the kind this
project was developed on; measure your own with --reference-executable."""
SINGLES = 2000
"""Mappings evaluated one by one, or given as objects."""
HARDWARE = maestro.Hardware(pes=256, noc_bandwidth=64, offchip_bandwidth=64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Evaluations per second on one layer; the fastest repeat unless said."""

    batch_per_s: float
    """Packed arrays, one core."""
    median_batch_per_s: float
    """The same, median of the repeats."""
    two_threads: float
    """Time on one thread, as a multiple of that on two."""
    objects_per_s: float
    """A list of `Mapping` objects, packed on the way."""
    single_per_s: float
    """`evaluate`, one mapping after the other."""
    maestro_single_per_s: float
    maestro_batch_per_s: float
    timeloop_model_s: float | None
    """Seconds of timeloop-model for one of the mappings; None: not measured."""


def seconds(action: Callable[[], object]) -> float:
    """Return the wall time of ``action``."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def measure(layer: Layer, mappings: int, repeats: int, executable: Path | None = None) -> Speed:
    """Measure one layer; the measurements take turns, so that a slow spell hits all alike."""
    architecture = Architecture.preset(ARCHITECTURE)
    batch = legal_mappings(architecture, layer, mappings, seed=0)
    few = min(SINGLES, mappings)
    objects = [batch.mapping(architecture, layer, i) for i in range(few)]
    texts = [maestro.MaestroMapping.from_text(text) for text in maestro_mappings(layer, few)]
    shape = maestro.MaestroLayer.from_layer(layer)
    actions: dict[str, Callable[[], object]] = {
        "batch": lambda: evaluate_batch(architecture, layer, batch),
        "threads": lambda: evaluate_batch(architecture, layer, batch, threads=2),
        "objects": lambda: evaluate_batch(architecture, layer, objects),
        "single": lambda: [evaluate(architecture, layer, mapping) for mapping in objects],
        "maestro": lambda: [maestro.evaluate(shape, text, HARDWARE) for text in texts],
        "maestro batch": lambda: maestro.evaluate_batch(shape, texts, HARDWARE),
    }
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(repeats):
        for name, action in actions.items():
            times[name].append(seconds(action))
    best = {name: min(found) for name, found in times.items()}
    return Speed(
        batch_per_s=len(batch) / best["batch"],
        median_batch_per_s=len(batch) / median(times["batch"]),
        two_threads=best["batch"] / best["threads"],
        objects_per_s=few / best["objects"],
        single_per_s=few / best["single"],
        maestro_single_per_s=few / best["maestro"],
        maestro_batch_per_s=few / best["maestro batch"],
        timeloop_model_s=None
        if executable is None
        else backends.evaluate(
            "timeloop", architecture, layer, objects[0], executable=executable
        ).wall_s,
    )


def maestro_mappings(layer: Layer, count: int) -> list[str]:
    """Return weight-stationary mappings of two cluster levels, tile sizes changing."""
    channels, filters = layer.dims["C"], layer.dims["M"]
    texts = []
    for i in range(count):
        c, k, columns = 1 + i % channels, 1 + i // channels % filters, 1 + i % 4
        cluster = (1, 2, 4, 8)[i % 4]
        texts.append(
            f"SpatialMap({k},{k}) K; TemporalMap({c},{c}) C; TemporalMap(Sz(R),Sz(R)) R; "
            f"TemporalMap(Sz(S),Sz(S)) S; TemporalMap(Sz(R),1) Y; TemporalMap({columns},{columns}) "
            f"X'; Cluster({cluster},P); SpatialMap(1,1) C;"
        )
    return texts


def report(speeds: Mapping[str, Speed], mappings: int) -> str:
    """Return the tables as text."""
    low, high = TIMELOOP_MODEL_S
    lines = [
        processor(),
        f"Timeloop's semantics, preset {ARCHITECTURE}, {mappings} random legal mappings a layer of "
        "ResNet-50; evaluations/s, the fastest repeat on one core.",
        "",
        f"{'layer':<8}{'batch':>10}{'median':>10}{'2 threads':>11}{'objects':>10}{'single':>10}"
        f"{'times timeloop-model':>24}",
    ]
    for name, speed in speeds.items():
        lines.append(
            f"{name:<8}{speed.batch_per_s:>10,.0f}{speed.median_batch_per_s:>10,.0f}"
            f"{speed.two_threads:>10.2f}x{speed.objects_per_s:>10,.0f}{speed.single_per_s:>10,.0f}"
            f"{_times_timeloop(speed):>24}"
        )
    if all(speed.timeloop_model_s is None for speed in speeds.values()):
        lines += [
            "",
            f"timeloop-model: {1e3 * low:.0f} to {1e3 * high:.0f} ms a mapping as a whole process, "
            "a figure stated with this project, measured on a machine of this kind but not now; "
            "--reference-executable measures yours.",
        ]
    lines += ["", f"MAESTRO's semantics, {HARDWARE.pes} PEs, evaluations/s:"]
    lines.append(f"{'layer':<8}{'single':>10}{'batch':>10}")
    for name, speed in speeds.items():
        lines.append(
            f"{name:<8}{speed.maestro_single_per_s:>10,.0f}{speed.maestro_batch_per_s:>10,.0f}"
        )
    return "\n".join(lines)


def _times_timeloop(speed: Speed) -> str:
    if speed.timeloop_model_s is not None:
        return f"{speed.batch_per_s * speed.timeloop_model_s:,.0f} (measured)"
    low, high = (speed.batch_per_s * seconds for seconds in TIMELOOP_MODEL_S)
    return f"{low:,.0f} to {high:,.0f}"


def main(
    mappings: int = 50_000,
    repeats: int = 5,
    reference_executable: Path | None = None,
    json_output: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> int:
    """Measure how fast the accelerator models are.

    Args:
        mappings: evaluated in a batch, per layer.
        repeats: times that each measurement is repeated; the best counts.
        reference_executable: a timeloop-model executable, to be timed on one mapping a layer.
        json_output: print one JSON object instead of tables.
    """
    if mappings < 1 or repeats < 1:
        print("error: mappings and repeats must be at least 1.", file=sys.stderr)
        return 2
    try:
        speeds = {
            name: measure(layer, mappings, repeats, reference_executable)
            for name, layer in LAYERS.items()
        }
    except (ArchGymError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if json_output:
        figures = {name: asdict(speed) for name, speed in speeds.items()}
        print(json.dumps({"cpu": processor(), "layers": figures}, indent=2))
    else:
        print(report(speeds, mappings))
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
