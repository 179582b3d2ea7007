"""What another tool said about an evaluation, and its comparison with ours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulators.accelerator import maestro
    from simulators.accelerator._cost import Cost

Counts = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Level -> tensor -> statistic -> value."""

COUNTS = (
    "reads",
    "updates",
    "fills",
    "temporal_reductions",
    "tile_size",
    "partition_size",
    "instances",
    "energy_pj",
)
"""Statistics of `LevelCost` that tools report too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendCost:
    """The figures of another tool, in our units and names; None: it does not tell."""

    backend: str
    cycles: float
    energy_pj: float | None
    area_um2: float | None = None
    utilization: float | None = None
    macs: int | None = None
    level_energy_pj: Mapping[str, float] = field(default_factory=dict)
    """By level, and by the name of the multipliers."""
    level_cycles: Mapping[str, int] = field(default_factory=dict)
    levels: Counts = field(default_factory=dict)
    """Counts per instance, by the names of `LevelCost`."""
    columns: Mapping[str, float | str] = field(default_factory=dict)
    """Everything else that the tool prints, by its own names."""
    wall_s: float = 0.0
    """Time of the run, start-up included."""

    @property
    def edp_j_cycle(self) -> float | None:
        """Energy (J) x cycles."""
        return None if self.energy_pj is None else self.energy_pj * 1e-12 * self.cycles


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of both."""

    name: str
    ours: float
    theirs: float

    @property
    def relative_difference(self) -> float:
        """(ours - theirs) / theirs; 0 if both are 0."""
        if self.ours == self.theirs:
            return 0.0
        return (self.ours - self.theirs) / self.theirs if self.theirs else float("inf")


def compare(ours: "Cost | maestro.Cost", theirs: BackendCost) -> list[Comparison]:
    """Return every figure that both give: totals first, then each level and tensor.

    With MAESTRO's semantics, the figures are MAESTRO's columns under their names there.
    """
    columns = getattr(ours, "to_row", None)
    pairs = _pairs(ours, theirs) if columns is None else _columns(columns(), theirs)  # type: ignore[arg-type]
    return [
        Comparison(name, float(mine), float(other))
        for name, mine, other in pairs
        if other is not None
    ]


def _columns(
    ours: Mapping[str, float], theirs: BackendCost
) -> Iterator[tuple[str, float, float | None]]:
    for name, mine in ours.items():
        other = theirs.columns.get(name)
        yield name, mine, other if isinstance(other, float) else None


def _pairs(ours: "Cost", theirs: BackendCost) -> Iterator[tuple[str, float, float | None]]:
    for name in ("cycles", "energy_pj", "area_um2", "utilization", "edp_j_cycle", "macs"):
        yield name, getattr(ours, name), getattr(theirs, name)
    for level, energy_pj in ours.level_energy_pj.items():
        yield f"{level} energy_pj", energy_pj, theirs.level_energy_pj.get(level)
    for level, cycles in ours.level_cycles.items():
        yield f"{level} cycles", cycles, theirs.level_cycles.get(level)
    for level, tensors in ours.levels.items():
        for tensor, counts in tensors.items():
            found = theirs.levels.get(level, {}).get(tensor, {})
            for statistic in COUNTS:
                yield (
                    f"{level} {tensor} {statistic}",
                    getattr(counts, statistic),
                    found.get(statistic),
                )
