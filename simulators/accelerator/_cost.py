"""What a mapping costs: cycles, energy, area, and every count of every level and tensor."""

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulators.accelerator._counts import Counts

REASONS = (
    "capacity",
    "fanout",
    "factors",
    "unknown_dimension",
    "unknown_level",
    "keep",
    "width",
    "cluster",
)
"""Why a mapping is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCost:
    """One tensor at one level that keeps it. Counts are scalar words of one instance."""

    tile_size: int
    """Words of the tile kept ("utilized capacity")."""
    partition_size: int
    """Words of the whole tensor that fall to this instance."""
    instances: int
    """Instances in use."""
    clusters: int
    """Clusters of instances in use: what energy is charged for."""
    reads: int
    """Words read for the next inner level, or to be reduced into."""
    updates: int
    """Words of partial sums written from the next inner level."""
    fills: int
    """Words written from the next outer level."""
    temporal_reductions: int
    """Additions of partial sums at this level."""
    address_generations: int
    """Addresses computed, per cluster."""
    energy_pj: float
    """Of all instances."""
    read_bandwidth: float
    """Words per cycle that one instance reads, at the level's own speed."""
    write_bandwidth: float
    """Words per cycle that are filled and updated, likewise."""
    fanout: int
    """Instances of the next inner level (or multipliers) that one instance feeds."""
    ingresses: float
    """Words entering the network below this level."""
    multicast_factor: int
    """Most receivers of one word in that network."""
    link_transfers: int
    """Words passed between neighbours of the next inner level instead."""
    spatial_reductions: int
    """Additions in that network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkCost:
    """One tensor on the network between two levels, whether they keep it or not."""

    ingress: tuple[tuple[int, int, float], ...]
    """(multicast factor, scatter factor, words), one per kind of transfer."""
    fanout: int
    """Receivers of one sender."""
    multicast_factor: int
    """The largest of ``ingress``."""
    ingresses: float
    """Words entering."""
    link_transfers: int
    """Words passed between neighbours."""
    spatial_reductions: int
    """Additions on the way up."""
    hops: float
    """Links of the mesh that an entering word passes, on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of one mapping.

    ``cost.levels["L1"]["Weights"].reads`` is a count; ``str(cost)`` is a table.
    """

    cycles: int
    """Of the slowest level, or of the multipliers."""
    compute_cycles: int
    """Product of the temporal loop bounds."""
    energy_pj: float
    """Of all levels and the multipliers; no leakage."""
    area_um2: float
    """Of the whole architecture."""
    utilization: float
    """Multiply-accumulates per multiplier and cycle, 0 to 1."""
    edp_j_cycle: float
    """Energy (J) x cycles."""
    macs: int
    """Multiply-accumulates."""
    limiting_level: str
    """The level whose bandwidth sets ``cycles``, else "compute"."""
    compute_energy_pj: float
    """Of the multipliers."""
    _counts: "Counts" = field(repr=False, compare=False)

    @property
    def levels(self) -> dict[str, dict[str, LevelCost]]:
        """Level name -> tensor name -> counts, for the tensors kept there."""
        return self._counts.levels()

    @property
    def networks(self) -> dict[str, dict[str, NetworkCost]]:
        """``"outer <==> inner"`` -> tensor name -> transfers."""
        return self._counts.networks()

    @property
    def level_energy_pj(self) -> dict[str, float]:
        """Level name -> energy of all its instances, outermost first."""
        return self._counts.level_energy_pj()

    @property
    def level_cycles(self) -> dict[str, int]:
        """Level name -> cycles it needs at its bandwidths, outermost first."""
        return self._counts.level_cycles()

    def explain(self) -> str:
        """Return a table of energy, accesses and bandwidth, and what limits the speed."""
        from simulators.accelerator._explain import explain

        return explain(self)

    def __str__(self) -> str:
        return self.explain()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain dictionaries, lists and numbers (JSON)."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "_counts"}
        plain["level_energy_pj"] = self.level_energy_pj
        plain["level_cycles"] = self.level_cycles
        for key, table in (("levels", self.levels), ("networks", self.networks)):
            plain[key] = {
                name: {tensor: asdict(cost) for tensor, cost in row.items()}
                for name, row in table.items()
            }
        return plain
