"""Data that a problem gives for pictures of one design; see `Problem.charts`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Chart", "Roofline", "RooflinePoint", "StackedBars"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackedBars:
    """Amounts made of parts, for example the energy of each layer by memory level."""

    title: str
    """What is drawn; the key by which the charts of two designs are set side by side."""
    label: str
    """Title of the axis, with the unit."""
    bars: Mapping[str, Mapping[str, float]]
    """Bar -> part -> amount, 0 or more; drawn in this order from the top."""
    caption: str = ""
    """How to read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RooflinePoint:
    """One workload on a machine."""

    intensity: float
    """Operations per unit of data moved to or from ``Roofline.bandwidths``' memories."""
    performance: float
    """Operations per cycle that it reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofline:
    """What a machine can do at most, and what it does (Williams et al., CACM 52(4), 2009)."""

    title: str
    """What is drawn; see `StackedBars.title`."""
    points: Mapping[str, RooflinePoint]
    """Workload, for example a layer -> what it reaches."""
    peak: float
    """Operations per cycle at most."""
    bandwidth: float | None
    """Units of data per cycle at most; None: unlimited."""
    intensity_label: str = "operational intensity (MACs per word)"
    performance_label: str = "MACs per cycle"
    caption: str = ""
    """How to read it."""


Chart: TypeAlias = StackedBars | Roofline
"""Anything that `Problem.charts` may return."""
