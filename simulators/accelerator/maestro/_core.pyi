"""Native core of the MAESTRO cost model."""

from collections.abc import Sequence
from typing import Annotated

import numpy
from numpy.typing import NDArray


def evaluate_batch(sizes: Sequence[int], strides: Sequence[int], coupled: Sequence[int], slides: bool, directives: Annotated[NDArray[numpy.int64], dict(shape=(None, None, 4), order='C', device='cpu', writable=False)], hardware: Annotated[NDArray[numpy.int64], dict(shape=(None, 5), order='C', device='cpu', writable=False)]) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None, None))], Annotated[NDArray[numpy.float64], dict(shape=(None, None))]]:
    """
    Evaluate mappings of one layer; rows of integers and of reals, see _cost.py.
    """
