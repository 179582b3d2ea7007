"""Numbers parsed from the text of a program: operations, loops, accesses, lives of values."""

import hashlib
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from costmodel import _core
from costmodel._text import all_to_bytes

__all__ = [
    "Parsed",
    "Sites",
    "feature_names",
    "features",
    "features_digest",
    "site_feature_names",
    "site_features",
]


class Sites(NamedTuple):
    """Sites of several programs: innermost loops, code between loops, operations on tensors.

    Each makes code of its own, so that a program needs as many registers as the worst of its
    sites, and spills and runs as much as all of them together.
    """

    rows: npt.NDArray[np.float32]
    """One row of :func:`site_feature_names` for each site, those of a program together."""

    starts: npt.NDArray[np.int64]
    """Where the rows of each program start, and the number of all rows; none has no row."""


class Parsed:
    """Several texts, and what is read from them when it is asked for.

    Args:
        texts: MLIR, or anything.
    """

    def __init__(self, texts: list[bytes]) -> None:
        self.texts = texts

    @cached_property
    def rows(self) -> npt.NDArray[np.float32]:
        """One row of features for each text."""
        return features(self.texts)

    @cached_property
    def sites(self) -> Sites:
        """The sites of all texts."""
        return site_features(self.texts)


@lru_cache(maxsize=1)
def feature_names() -> tuple[str, ...]:
    """Return the names of the features, in order."""
    return tuple(_core.feature_names())


def features(texts: Iterable[str | bytes]) -> npt.NDArray[np.float32]:
    """Return one row of :func:`feature_names` for each text; counts are ``log2(1 + x)``.

    Any text has features, whether it parses or not. Of each the first 8 MiB are read.
    """
    return _core.features(all_to_bytes(texts))


@lru_cache(maxsize=1)
def site_feature_names() -> tuple[str, ...]:
    """Return the names of the features of a site, in order."""
    return tuple(_core.site_feature_names())


@lru_cache(maxsize=1)
def features_digest() -> str:
    """Return what differs between versions that read other features: a SHA-256 of their names."""
    names = "\n".join((*feature_names(), *site_feature_names()))
    return hashlib.sha256(names.encode()).hexdigest()


def site_features(texts: Iterable[str | bytes]) -> Sites:
    """Return the sites of texts; counts and sizes are ``log2(1 + x)``.

    Any text has one site at least, whether it parses or not; of each the first 256 are kept.
    """
    return Sites(*_core.site_features(all_to_bytes(texts)))
