"""Instructions that a run executes, counted block by block: no performance counters needed."""

from collections.abc import Mapping

from costmodel.targets._assembly import Block
from costmodel.targets._spec import TargetSpec

__all__ = ["DEVICE", "TARGETS", "labels"]

DEVICE = "x86-64-znver4"
_QUANTITIES = {
    "executed_instructions": "Instructions that one run executes, library calls excluded.",
    "dynamic_spills": "Stores of spilled registers that one run executes.",
    "dynamic_reloads": "Loads of spilled registers that one run executes.",
}
TARGETS = tuple(
    TargetSpec(
        device=DEVICE, quantity=quantity, unit="instructions", description=description, log=True
    )
    for quantity, description in _QUANTITIES.items()
)


def labels(blocks: list[Block], counts: list[int]) -> Mapping[str, float]:
    """Return the labels of a run whose blocks were entered ``counts`` times."""
    totals = dict.fromkeys(_QUANTITIES, 0)
    for block, count in zip(blocks, counts, strict=True):
        totals["executed_instructions"] += count * len(block.instructions)
        totals["dynamic_spills"] += count * sum(one.spill for one in block.instructions)
        totals["dynamic_reloads"] += count * sum(one.reload for one in block.instructions)
    return {f"{DEVICE}/{name}": float(total) for name, total in totals.items()}
