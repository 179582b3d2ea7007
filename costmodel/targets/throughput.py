"""Cycles and port utilisation by llvm-mca: each block's steady state, weighted by its count."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from costmodel.targets._assembly import Block
from costmodel.targets._sandbox import SampleError
from costmodel.targets._spec import TargetSpec
from costmodel.targets._toolchain import binary

__all__ = ["DEVICE", "TARGETS", "labels"]

DEVICE = "x86-64-znver4"
_CPU = "znver4"
_ITERATIONS = 20
_TIMEOUT_S = 20.0

TARGETS = (
    TargetSpec(
        device=DEVICE,
        quantity="mca_cycles",
        unit="cycles",
        log=True,
        description="llvm-mca's steady-state cycles of each block times how often it ran.",
    ),
    TargetSpec(
        device=DEVICE,
        quantity="port_utilization",
        unit="1",
        direction="max",
        description="Share of those cycles in which the busiest execution port is busy.",
    ),
)


def labels(blocks: list[Block], counts: list[int]) -> Mapping[str, float]:
    """Return the labels of a run whose blocks were entered ``counts`` times.

    Raises:
        SampleError: If llvm-mca fails.
    """
    ran = [(block, count) for block, count in zip(blocks, counts, strict=True) if count]
    regions = _analysed([block for block, _ in ran])
    cycles = 0.0
    ports: dict[int, float] = {}
    for (_, count), region in zip(ran, regions, strict=True):
        cycles += count * region["SummaryView"]["TotalCycles"] / _ITERATIONS
        for resource, used in _port_cycles(region).items():
            ports[resource] = ports.get(resource, 0.0) + count * used
    busiest = max(ports.values(), default=0.0)
    return {
        f"{DEVICE}/mca_cycles": cycles,
        f"{DEVICE}/port_utilization": min(busiest / cycles, 1.0) if cycles else 0.0,
    }


def _analysed(blocks: list[Block]) -> list[dict[str, Any]]:
    command = [
        str(binary("llvm", "llvm-mca")),
        "-mtriple=x86_64-unknown-linux-gnu",
        f"-mcpu={_CPU}",
        "--json",
        f"-iterations={_ITERATIONS}",
        "-instruction-info=false",
        "-skip-unsupported-instructions=any",
    ]
    done = subprocess.run(  # noqa: S603 (a program of the tool chain)
        command, input=_regions(blocks), capture_output=True, text=True, timeout=_TIMEOUT_S
    )
    if done.returncode:
        raise SampleError(f"llvm-mca: {done.stderr.strip()[:200]}")
    regions: list[dict[str, Any]] = json.loads(done.stdout)["CodeRegions"]
    if len(regions) != len(blocks):
        raise SampleError(f"llvm-mca analysed {len(regions)} of {len(blocks)} blocks")
    return regions


def _regions(blocks: list[Block]) -> str:
    lines = []
    for number, block in enumerate(blocks):
        lines.append(f"# LLVM-MCA-BEGIN {number}")
        lines.extend(f"\t{instruction.text}" for instruction in block.instructions)
        lines.append("# LLVM-MCA-END")
    return "\n".join(lines) + "\n"


def _port_cycles(region: Mapping[str, Any]) -> dict[int, float]:
    # The last "instruction" of the view is the sum over one iteration.
    view = region["ResourcePressureView"]["ResourcePressureInfo"]
    summary = len(region["Instructions"])
    return {
        entry["ResourceIndex"]: entry["ResourceUsage"]
        for entry in view
        if entry["InstructionIndex"] == summary
    }
