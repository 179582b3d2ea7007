"""Threads of linear algebra in child processes."""

import contextlib
import os
from collections.abc import Iterator

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables that say how many threads a process uses."""


@contextlib.contextmanager
def single_threaded() -> Iterator[None]:
    """Let processes started here inherit one thread for linear algebra, unless set by the user.

    They share the cores, where more threads would only get in each other's way.
    """
    added = {name: "1" for name in VARIABLES if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
