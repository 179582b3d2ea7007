"""Native core: reads MLIR text into tokens."""

from typing import Annotated

import numpy
from numpy.typing import NDArray


def vocabulary() -> list[str]:
    """Return the token of every id."""

def encode(text: bytes, limit: int = 0) -> tuple[Annotated[NDArray[numpy.int32], dict(shape=(None,))], Annotated[NDArray[numpy.float64], dict(shape=(None,))]]:
    """
    Return token ids (int32) and the numbers they stand for (float64, NaN if none).

    At most `limit` tokens are made; 0 is no limit.
    """

def feature_names() -> list[str]:
    """Return the names of the features."""

def features(texts: list) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
    """Return one row of features (float32) for each text, given as bytes."""

def decode(ids: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> bytes:
    """Return canonical text that has these tokens."""
