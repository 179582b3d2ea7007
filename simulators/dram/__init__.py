"""Cycle-level DRAM memory controller and device simulator."""

from simulators.dram._memory import MemorySpec

__all__ = ["MemorySpec"]
