"""
Native core: reads MLIR text into tokens and features, and evaluates trees.
"""

from collections.abc import Sequence
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

def features(texts: list[bytes]) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
    """Return one row of features (float32) for each text, given as bytes."""

def site_feature_names() -> list[str]:
    """Return the names of the features of a site."""

def site_features(texts: list[bytes]) -> tuple[Annotated[NDArray[numpy.float32], dict(shape=(None, None))], Annotated[NDArray[numpy.int64], dict(shape=(None,))]]:
    """
    Return rows of features (float32) of the sites of all texts, at least one for each, and where those of each text start (int64, one more than texts).
    """

def decode(ids: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> bytes:
    """Return canonical text that has these tokens."""

class Trees:
    """Sums of decision trees for several targets."""

    def __init__(self, features: Annotated[NDArray[numpy.uint16], dict(shape=(None,), order='C', device='cpu', writable=False)], thresholds: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], left: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], right: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], leaves: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], tree_nodes: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], tree_leaves: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], tree_targets: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], targets: int, width: int) -> None: ...

    def predict(self, rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], targets: Sequence[int]) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """
        Return the sums (float64) for each row (float32) and each of these targets.
        """

    def leaves(self, rows: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], target: int) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """
        Return the leaf (float32) that each row reaches in each tree of a target.
        """
