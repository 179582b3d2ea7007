"""Cycle-level DRAM memory controller and device simulator."""

from simulators.dram._controller import ControllerConfig
from simulators.dram._mapping import AddressMapping
from simulators.dram._memory import MemorySpec
from simulators.dram._metrics import Metrics
from simulators.dram._simulate import simulate, simulate_batch
from simulators.dram._trace import Trace
from simulators.dram._workloads import load_workload, workloads

__all__ = [
    "AddressMapping",
    "ControllerConfig",
    "MemorySpec",
    "Metrics",
    "Trace",
    "load_workload",
    "simulate",
    "simulate_batch",
    "workloads",
]
