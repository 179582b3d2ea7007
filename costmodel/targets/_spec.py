"""What a label is: its device, quantity, unit, and how it may be compared."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["TargetSpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSpec:
    """One label that a program can have."""

    device: str
    """What the program is compiled for or run on, such as ``x86-64-znver4``."""
    quantity: str
    """What is counted or measured, such as ``spills``."""
    unit: str
    """Unit of the value; ``1`` if it is a plain ratio."""
    description: str
    """One sentence: how the value is obtained."""
    deterministic: bool = True
    """Whether the same text and tool versions give the same value; False if it is measured."""
    direction: Literal["min", "max"] = "min"
    """Which way is better."""
    log: bool = False
    """Whether values span decades, so that models should learn their logarithm."""

    @property
    def name(self) -> str:
        """The column's name: ``device/quantity``."""
        return f"{self.device}/{self.quantity}"
