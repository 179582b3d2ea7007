"""Numbers parsed from the text of a program: operations, loops, accesses, lives of values."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from costmodel import _core
from costmodel._text import all_to_bytes

__all__ = ["feature_names", "features"]


@lru_cache(maxsize=1)
def feature_names() -> tuple[str, ...]:
    """Return the names of the features, in order."""
    return tuple(_core.feature_names())


def features(texts: Iterable[str | bytes]) -> npt.NDArray[np.float32]:
    """Return one row of :func:`feature_names` for each text; counts are ``log2(1 + x)``.

    Any text has features, whether it parses or not. Of each the first 8 MiB are read.
    """
    return _core.features(all_to_bytes(texts))
