"""Wall time of a run: measured, and only for kernels that are long enough to be measured."""

import time
from collections.abc import Mapping

from costmodel.targets._buffers import Buffers
from costmodel.targets._jit import Kernel
from costmodel.targets._sandbox import SampleError
from costmodel.targets._spec import TargetSpec

__all__ = ["DEVICE", "TARGETS", "labels"]

DEVICE = "x86-64-znver4"
_SHORTEST_NS = 2000
_TRIALS = 20
_BUDGET_NS = 100_000_000

TARGETS = (
    TargetSpec(
        device=DEVICE,
        quantity="latency",
        unit="ns",
        deterministic=False,
        log=True,
        description="Shortest of up to 20 runs on the machine at hand, warm, one thread.",
    ),
)


def labels(kernel: Kernel, buffers: Buffers) -> Mapping[str, float]:
    """Measure and return the label.

    Raises:
        SampleError: If a run is too short to be told from the call.
    """
    values, call, clock = buffers.values(), kernel.function, time.perf_counter_ns
    call(*values)
    shortest, spent = None, 0
    for _ in range(_TRIALS):
        start = clock()
        call(*values)
        taken = clock() - start
        shortest = taken if shortest is None else min(shortest, taken)
        spent += taken
        if spent > _BUDGET_NS:
            break
    if shortest is None or shortest < _SHORTEST_NS:
        raise SampleError(f"a run takes {shortest} ns; below {_SHORTEST_NS} ns the call dominates")
    return {f"{DEVICE}/latency": float(shortest)}
