"""The four frozen splits: they depend on what a row is, never on the size of the corpus."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["SPLITS", "TEST_FAMILIES", "VALID_FAMILIES", "assign_splits"]

SPLITS = ("split_random", "split_family", "split_shape", "split_schedule")

TEST_FAMILIES = frozenset(
    {
        "ghostnetv2",
        "squeezenet",
        "llama",
        "swin",
        "mamba",
        "gat",
        "lstm",
        "heat-3d",
        "correlation",
        "kernel-attention",
    }
)
VALID_FAMILIES = frozenset(
    {"poolformer", "regnet", "qwen", "tnt", "gcn", "gru", "fdtd-2d", "covariance"}
)
"""Families of no row that a model may see in training when it is judged on new families."""


def _draw(text: str, salt: str) -> float:
    digest = hashlib.sha256(f"{salt}:{text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _part(draw: float, test: float, valid: float) -> str:
    return "test" if draw < test else "valid" if draw < test + valid else "train"


def assign_splits(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return each row's part (``train``, ``valid`` or ``test``) in each split.

    Rows of one program stay together, except in ``split_schedule``: there, schedules of programs
    whose plain form is in training are held out. In ``split_shape``, sizes of structures that
    training has in other sizes are held out.

    Args:
        rows: Rows with ``program``, ``family``, ``shape_key``, ``schedule`` and ``id``.
    """
    first_of_structure = _first_of_structure(rows)
    return [
        {
            "split_random": _part(_draw(row["program"], "random"), 0.1, 0.1),
            "split_family": _family_part(row["family"]),
            "split_shape": _shape_part(row, first_of_structure),
            "split_schedule": _schedule_part(row),
        }
        for row in rows
    ]


def _family_part(family: str) -> str:
    if family in TEST_FAMILIES:
        return "test"
    return "valid" if family in VALID_FAMILIES else "train"


def _first_of_structure(rows: Iterable[Mapping[str, str]]) -> dict[str, str]:
    first: dict[str, str] = {}
    for row in rows:
        known = first.get(row["shape_key"])
        if known is None or row["program"] < known:
            first[row["shape_key"]] = row["program"]
    return first


def _shape_part(row: Mapping[str, str], first_of_structure: Mapping[str, str]) -> str:
    if first_of_structure[row["shape_key"]] == row["program"]:
        return "train"
    return _part(_draw(row["program"], "shape"), 0.25, 0.15)


def _schedule_part(row: Mapping[str, str]) -> str:
    if row["schedule"] == "[]":
        return "train"
    return _part(_draw(row["id"], "schedule"), 0.2, 0.1)
