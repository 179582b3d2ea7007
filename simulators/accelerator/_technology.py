"""Scaling of energy and area between CMOS nodes by published factors."""

import math
import tomllib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from simulators.errors import InvalidConfigError

__all__ = ["NodeScale", "node_scale"]

TABLE_NM = 45.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeScale:
    """Factors from one node to another."""

    energy: float
    """Energy of an operation at the target, divided by that at the source."""

    area: float
    """Area of a circuit at the target, divided by that at the source."""


def node_scale(technology_nm: float, source_nm: float = TABLE_NM) -> NodeScale:
    """Return the factors that take a circuit from ``source_nm`` to ``technology_nm``.

    The factors are those of Stillmaker and Baas, "Scaling equations for the accurate prediction of
    CMOS device performance from 180 nm to 7 nm", Integration 58 (2017), at each node's nominal
    supply. Between two nodes of the paper they are interpolated linearly in logarithms.

    Raises:
        InvalidConfigError: a node is outside 7 to 180 nm.
    """
    target, source = _factors(technology_nm), _factors(source_nm)
    return NodeScale(energy=target[0] / source[0], area=target[1] / source[1])


@cache
def _factors(node_nm: float) -> tuple[float, float]:
    nodes, energies, areas = _table()
    if not isinstance(node_nm, int | float) or not nodes[-1] >= node_nm >= nodes[0]:
        raise InvalidConfigError(
            f"technology_nm={node_nm!r} is outside the published factors. "
            f"Allowed: {nodes[0]:g} to {nodes[-1]:g} nm."
        )
    return _between(nodes, energies, node_nm), _between(nodes, areas, node_nm)


def _between(nodes: Sequence[float], values: Sequence[float], node_nm: float) -> float:
    above = bisect_left(nodes, node_nm)
    if nodes[above] == node_nm:
        return values[above]
    low, high = nodes[above - 1], nodes[above]
    share = math.log(node_nm / low) / math.log(high / low)
    return math.exp((1 - share) * math.log(values[above - 1]) + share * math.log(values[above]))


@cache
def _table() -> tuple[list[float], list[float], list[float]]:
    """Return nodes, energy factors and area factors, by increasing node."""
    text = files(__package__).joinpath("tables/nodes.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    rows = sorted(
        zip(table["node_nm"], table["vdd_v"], table["area"], table["energy"], strict=True)
    )
    energies = [a * vdd**2 + b * vdd + c for _, vdd, _, (a, b, c) in rows]
    return [float(row[0]) for row in rows], energies, [float(row[2]) for row in rows]
