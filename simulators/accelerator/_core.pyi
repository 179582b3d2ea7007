"""Timeloop's cost of mappings."""

from typing import Annotated

import numpy
from numpy.typing import NDArray


class Result:
    """The cost of one mapping; levels outermost first."""

    @property
    def cycles(self) -> float: ...

    @property
    def compute_cycles(self) -> float: ...

    @property
    def energy_pj(self) -> float: ...

    @property
    def compute_energy_pj(self) -> float: ...

    @property
    def utilization(self) -> float: ...

    @property
    def limiting_level(self) -> int: ...

    def level(self, level: int) -> tuple[float, float, float, float]:
        """Cycles, slowdown, instances in use, fan-out."""

    def traffic(self, level: int, tensors: int) -> list[tuple[float, float, float, float, float, float, float, float, float, list[tuple[float, float, float]]]]:
        """
        Per tensor: tile, partition, reads, updates, fills, energy, ingresses, link transfers, spatial reductions, ingress list.
        """

class Model:
    """A hierarchy and a layer, packed."""

    def __init__(self, levels: list[dict[str, float]], compute: tuple[int, int, float], bounds: list[int], tensors: list[list[list[tuple[int, int]]]], output: int, fills_of_2022: bool) -> None: ...

    def evaluate(self, loops: list[int], keep: bytes) -> Result | tuple[int, int, float, float]:
        """
        Return the result for flat loops (bound, dim, level, kind, ...), or why there is none.
        """

    def evaluate_batch(self, bounds: Annotated[NDArray[numpy.int32], dict(shape=(None, None), order='C', device='cpu', writable=False)], dims: Annotated[NDArray[numpy.int8], dict(shape=(None, None), order='C', device='cpu', writable=False)], levels: Annotated[NDArray[numpy.int8], dict(shape=(None, None), order='C', device='cpu', writable=False)], kinds: Annotated[NDArray[numpy.int8], dict(shape=(None, None), order='C', device='cpu', writable=False)], keep: Annotated[NDArray[numpy.uint8], dict(shape=(None, None, None), order='C', device='cpu', writable=False)], threads: int, cycles: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], compute_cycles: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], energy: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], utilization: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], reason: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu')], where: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu')], used: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], available: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], limiting: Annotated[NDArray[numpy.int8], dict(shape=(None,), order='C', device='cpu')], counts: Annotated[NDArray[numpy.float64], dict(shape=(None, None, None, None), order='C', device='cpu')]) -> None:
        """Evaluate rows of loops into the output arrays."""
