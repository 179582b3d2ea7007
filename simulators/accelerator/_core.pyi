"""Timeloop's cost of mappings."""

from collections.abc import Sequence
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

    def traffic(self, level: int) -> list[tuple[float, float, float, float, float, float, float, float, float, float, list[tuple[float, float, float]]]]:
        """
        Per tensor: tile, partition, reads, updates, fills, energy, ingresses, link transfers, spatial reductions, hops, ingress list.
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

class MappingSpace:
    """Constraints on mappings, packed."""

    def __init__(self, sizes: Sequence[int], tensors: Sequence[Sequence[Sequence[tuple[int, int]]]], levels: Sequence[tuple[int, int, int, int, int, tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int]], tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int]]]]) -> None: ...

    def places(self, dim: int) -> tuple[int, list[int]]:
        """
        What is left of a bound for the free places, and the most that each takes.
        """

    def sample(self, count: int, seed: int, tries: int) -> tuple[Annotated[NDArray[numpy.int32], dict(shape=(None, None))], Annotated[NDArray[numpy.int8], dict(shape=(None, None))], Annotated[NDArray[numpy.int8], dict(shape=(None, None))], Annotated[NDArray[numpy.int8], dict(shape=(None, None))], Annotated[NDArray[numpy.uint8], dict(shape=(None, None, None))]]:
        """Legal mappings drawn at random, as the columns of a MappingBatch."""

    def first_legal(self) -> tuple[int, int, int, float, float]:
        """
        Status (0 found, 1 none, 2 gave up), obstacle, level, needed, available.
        """

class MappingWalk:
    """All legal mappings, one after the other."""

    def __init__(self, space: MappingSpace, limit: int) -> None: ...

    def complete(self) -> bool:
        """Whether no dimension has too many factorisations."""

    def count(self, limit: int) -> int: ...

    def next_rows(self, space: MappingSpace, most: int) -> tuple[Annotated[NDArray[numpy.int32], dict(shape=(None, None))], Annotated[NDArray[numpy.int8], dict(shape=(None, None))], Annotated[NDArray[numpy.int8], dict(shape=(None, None))], Annotated[NDArray[numpy.int8], dict(shape=(None, None))], Annotated[NDArray[numpy.uint8], dict(shape=(None, None, None))]]:
        """The next mappings, as the columns of a MappingBatch."""

def search_mapping(space: MappingSpace, model: Model, objective: int, budget: int, seed: int, threads: int, least_energy_pj: float) -> tuple[int, tuple[Annotated[NDArray[numpy.int32], dict(shape=(None, None))], Annotated[NDArray[numpy.int8], dict(shape=(None, None))], Annotated[NDArray[numpy.int8], dict(shape=(None, None))], Annotated[NDArray[numpy.int8], dict(shape=(None, None))], Annotated[NDArray[numpy.uint8], dict(shape=(None, None, None))]], float, float, int, bool]:
    """
    Status, columns of the mapping, its value, lower bound, evaluations, optimal.
    """
