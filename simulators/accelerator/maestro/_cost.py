"""What an evaluation gives: counts from the native core, and energy, area and power from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.accelerator.maestro._hardware import Hardware
from simulators.accelerator.maestro._layer import MaestroLayer

TENSORS = ("input", "filter", "output")
_COUNTS = ("l1_reads", "l1_writes", "l2_reads", "l2_writes", "l1_size_bytes", "l2_size_bytes")
_DELAYS = ("ingress", "egress", "compute")

INTEGERS = (
    "status",
    "directive",
    "cycles",
    "macs",
    *(f"{tensor}_{count}" for count in _COUNTS for tensor in TENSORS),
    "peak_noc_bandwidth",
    "offchip_bandwidth",
    *(f"{delay}_delay_{which}_cycles" for delay in _DELAYS for which in ("min", "max", "mean")),
)
"""Columns of the native core's integers."""

REALS = ("mean_noc_bandwidth", "utilized_pes", "arithmetic_intensity")
"""Columns of the native core's reals."""

REASONS = (
    "",
    "unknown_dimension",
    "repeated_dimension",
    "no_spatial_map",
    "many_spatial_maps",
    "partial_filter",
    "many_levels",
    "fanout",
    "no_work",
    "size",
)
"""Why a mapping is refused; the index is the core's status, and 0 means that it is not."""

# Energies are multiples of one MAC's: 8-bit, 1 nJ = 1e-9 J. MAESTRO's cost data base.
_MAC_ENERGY_NJ = 0.00023
_L1_ENERGY = 1.68
_L2_ENERGY = 18.61
_MAC_AREA_UM2, _MAC_POWER_MW = 283.0, 1.2223
_BYTE_AREA_UM2, _BYTE_POWER_MW = 0.104, 0.00345
_BUS_AREA_UM2, _BUS_POWER_MW = 101.7938, 0.8
_ARBITER_AREA_UM2, _ARBITER_POWER_MW = 395.473, 0.34


@dataclass(frozen=True, slots=True)
class TensorCounts:
    """Accesses to one tensor and the buffer space that it needs."""

    l1_reads: int
    """Elements read from all L1 buffers."""
    l1_writes: int
    """Elements written to all L1 buffers."""
    l2_reads: int
    """Elements read from L2; of the output: its elements."""
    l2_writes: int
    """Elements written to L2; of an input: its elements."""
    l1_size_bytes: int
    """Space in the L1 of one processing element, double buffering included."""
    l2_size_bytes: int
    """Space in L2, double buffering included."""

    @property
    def reuse_factor(self) -> float:
        """L1 reads per element written to L1."""
        return self.l1_reads / self.l1_writes if self.l1_writes else float("nan")


@dataclass(frozen=True, slots=True)
class Delay:
    """Cycles per iteration case at the top level; the mean is weighted and rounded down."""

    min: int
    max: int
    mean: int


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one layer under one mapping, and every column that MAESTRO writes."""

    cycles: int
    """Runtime of the layer."""
    energy_nj: float
    """Energy of the L1 and L2 accesses; MAESTRO adds none for the MACs and the memory behind L2."""
    macs: int
    """Multiply-accumulates, those on elements that two outputs' tiles share counted twice."""
    input: TensorCounts
    filter: TensorCounts
    output: TensorCounts
    l1_size_bytes: int
    """L1 that each processing element needs."""
    l2_size_bytes: int
    """L2 that the mapping needs."""
    peak_noc_bandwidth: int
    """Elements per cycle that the top level's network must carry, in the busiest case."""
    mean_noc_bandwidth: float
    """The same, on average over iterations."""
    offchip_bandwidth: int
    """Elements per cycle from off-chip memory, as MAESTRO reports it: halved case after case."""
    ingress_delay: Delay
    """Of the network, bringing inputs and filters."""
    egress_delay: Delay
    """Of the network, taking outputs."""
    compute_delay: Delay
    """Of the slowest sub-cluster."""
    utilized_pes: float
    """Processing elements busy, on average over iterations."""
    arithmetic_intensity: float
    """MACs per element brought in, in the last iteration case."""
    area_um2: float
    """Area of PEs, L1 and L2 as large as needed, bus and arbiter."""
    pe_power_mw: float
    l1_power_mw: float
    l2_power_mw: float
    noc_power_mw: float
    hardware: Hardware = field(repr=False)
    """What it was evaluated on."""
    layer: MaestroLayer = field(repr=False)
    """What was evaluated."""

    @property
    def utilization(self) -> float:
        """Share of the processing elements that is busy."""
        return self.utilized_pes / self.hardware.pes

    @property
    def throughput_macs_per_cycle(self) -> float:
        """MACs per cycle."""
        return self.macs / self.cycles

    @property
    def power_mw(self) -> float:
        """Power of all parts."""
        return self.pe_power_mw + self.l1_power_mw + self.l2_power_mw + self.noc_power_mw

    @property
    def macs_per_joule(self) -> float:
        """MACs per joule of access energy."""
        return self.macs / self.energy_nj * 1e9

    @property
    def energy_by_buffer_nj(self) -> dict[str, float]:
        """Energy of the layer's own accesses by buffer and tensor, as in ``"L1 input"``."""
        parts = {}
        for tensor in TENSORS:
            counts: TensorCounts = getattr(self, tensor)
            l2 = counts.l2_writes + (counts.l2_reads if tensor != "output" else 0)
            parts[f"L1 {tensor}"] = energy_nj(counts.l1_reads + counts.l1_writes, 0)
            parts[f"L2 {tensor}"] = energy_nj(0, l2)
        return parts

    @property
    def fits(self) -> bool:
        """Whether the hardware's L1 and L2 hold what the mapping needs; MAESTRO only warns."""
        return (
            self.l1_size_bytes <= self.hardware.l1_size
            and self.l2_size_bytes <= self.hardware.l2_size
        )

    def to_row(self) -> dict[str, float]:
        """Return MAESTRO's CSV columns, under their names there.

        MAESTRO writes "Compute Delay (Min)" twice: the second is the maximum, here "(Max)".
        """
        inputs, weights = self.layer.tensor_sizes()
        row: dict[str, float] = {
            "NumPEs": self.hardware.pes,
            "Runtime (Cycles)": self.cycles,
            "Activity count-based Energy (nJ)": self.energy_nj,
            "Throughput (MACs/Cycle)": self.throughput_macs_per_cycle,
            "Throughput Per Energy (GMACs/s*J)": self.macs_per_joule / self.cycles,
            "Area": self.area_um2,
            "Power": self.power_mw,
            "NoC BW Req (Elements/cycle)": self.peak_noc_bandwidth,
            "Avg BW Req": self.mean_noc_bandwidth,
            "Peak BW Req": self.peak_noc_bandwidth,
            "Vector Width": self.hardware.simd,
            "Offchip BW Req (Elements/cycle)": self.offchip_bandwidth,
            "L2 SRAM Size Req (Bytes)": self.l2_size_bytes,
            "L1 SRAM Size Req (Bytes)": self.l1_size_bytes,
            "Multicasting Factor (Weight)": self.filter.l1_writes / self.filter.l2_reads,
            "Multicasting Factor (Input)": self.input.l1_writes / self.input.l2_reads,
            "Num Total Input Pixels": inputs,
            "Num Total Weight Pixels": weights,
            "Ops/J": self.macs_per_joule,
            "Num MACs": self.macs,
            "PE power": self.pe_power_mw,
            "L1 power": self.l1_power_mw,
            "L2 power": self.l2_power_mw,
            "NOC power": self.noc_power_mw,
        }
        for tensor in TENSORS:
            counts: TensorCounts = getattr(self, tensor)
            row[f"{tensor} l1 read"] = counts.l1_reads
            row[f"{tensor} l1 write"] = counts.l1_writes
            row[f"{tensor} l2 read"] = counts.l2_reads
            row[f"{tensor} l2 write"] = counts.l2_writes
            row[f"{tensor} reuse factor"] = counts.reuse_factor
        for name in _DELAYS:
            delay: Delay = getattr(self, f"{name}_delay")
            row[f"{name.capitalize()} Delay (Min)"] = delay.min
            row[f"{name.capitalize()} Delay (Max)"] = delay.max
            row[f"{name.capitalize()} Delay (Avg)"] = delay.mean
        row["Avg number of utilized PEs"] = self.utilized_pes
        row["Arithmetic Intensity"] = self.arithmetic_intensity
        return row


def l1_accesses(integers: dict[str, Any]) -> Any:
    """Return the accesses to L1 that energy counts; of numbers, or of arrays."""
    return sum(integers[f"{t}_{count}"] for t in TENSORS for count in ("l1_reads", "l1_writes"))


def l2_accesses(integers: dict[str, Any]) -> Any:
    """Return the accesses to L2 that energy counts: the output's reads are not among them."""
    reads = integers["input_l2_reads"] + integers["filter_l2_reads"]
    return reads + sum(integers[f"{t}_l2_writes"] for t in TENSORS)


def energy_nj(l1: Any, l2: Any) -> Any:
    """Return the energy of so many accesses to L1 and L2."""
    return _MAC_ENERGY_NJ * (_L1_ENERGY * l1 + _L2_ENERGY * l2)


def area_um2(pes: Any, simd: Any, bandwidth: Any, l1: Any, l2: Any) -> Any:
    """Return the area: MACs and L1 per PE, L2, a bus per unit of bandwidth, a matrix arbiter."""
    return (
        pes * (_MAC_AREA_UM2 * simd + _BYTE_AREA_UM2 * l1)
        + _BYTE_AREA_UM2 * l2
        + _BUS_AREA_UM2 * _bus_scale(pes) * bandwidth
        + _ARBITER_AREA_UM2 * np.maximum(_arbiter_scale(pes), 1.0)
    )


def powers_mw(pes: Any, simd: Any, bandwidth: Any, l1: Any, l2: Any) -> tuple[Any, Any, Any, Any]:
    """Return the power of PEs, L1, L2 and the network."""
    noc = _BUS_POWER_MW * _bus_scale(pes) / 1000 * bandwidth
    noc = noc + _ARBITER_POWER_MW * np.maximum(_arbiter_scale(pes) / 1000, 1.0)
    return pes * simd * _MAC_POWER_MW, pes * l1 * _BYTE_POWER_MW, l2 * _BYTE_POWER_MW, noc


# Growth of the two with the number of ports, fitted by MAESTRO's authors to 28 nm synthesis.
def _bus_scale(ports: Any) -> Any:
    return 14.662 * ports + 28.895


def _arbiter_scale(ports: Any) -> Any:
    return (1.2886 * ports + 5.5814) * ports - 23.711


def cost_of(
    layer: MaestroLayer,
    hardware: Hardware,
    integers: Sequence[int],
    reals: Sequence[float],
    l1_counted: int | None = None,
) -> Cost:
    """Return the cost of one row of the native core; ``l1_counted`` replaces the L1 accesses."""
    n = dict(zip(INTEGERS, integers, strict=True))
    counts = [TensorCounts(*(n[f"{t}_{count}"] for count in _COUNTS)) for t in TENSORS]
    delays = [
        Delay(*(n[f"{name}_delay_{w}_cycles"] for w in ("min", "max", "mean"))) for name in _DELAYS
    ]
    l1 = sum(c.l1_size_bytes for c in counts)
    l2 = sum(c.l2_size_bytes for c in counts)
    resources = (hardware.pes, hardware.simd, hardware.noc_bandwidth, l1, l2)
    powers = powers_mw(*resources)
    return Cost(
        cycles=n["cycles"],
        energy_nj=energy_nj(l1_accesses(n) if l1_counted is None else l1_counted, l2_accesses(n)),
        macs=n["macs"],
        input=counts[0],
        filter=counts[1],
        output=counts[2],
        l1_size_bytes=l1,
        l2_size_bytes=l2,
        peak_noc_bandwidth=n["peak_noc_bandwidth"],
        mean_noc_bandwidth=reals[0],
        offchip_bandwidth=n["offchip_bandwidth"],
        ingress_delay=delays[0],
        egress_delay=delays[1],
        compute_delay=delays[2],
        utilized_pes=reals[1],
        arithmetic_intensity=reals[2],
        area_um2=float(area_um2(*resources)),
        pe_power_mw=powers[0],
        l1_power_mw=powers[1],
        l2_power_mw=powers[2],
        noc_power_mw=float(powers[3]),
        hardware=hardware,
        layer=layer,
    )


@dataclass(frozen=True, slots=True)
class CostBatch:
    """Costs of many mappings of one layer: one array per figure; entries of invalid ones are 0.

    `integers` and `reals` hold every further column; `cost` gives one mapping's `Cost`.
    """

    valid: NDArray[np.bool_]
    """Which mappings could be evaluated."""
    status: NDArray[np.int64]
    """Index into `REASONS`."""
    cycles: NDArray[np.int64]
    energy_nj: NDArray[np.float64]
    area_um2: NDArray[np.float64]
    power_mw: NDArray[np.float64]
    macs: NDArray[np.int64]
    l1_size_bytes: NDArray[np.int64]
    l2_size_bytes: NDArray[np.int64]
    utilized_pes: NDArray[np.float64]
    integers: NDArray[np.int64]
    """Columns `INTEGERS`."""
    reals: NDArray[np.float64]
    """Columns `REALS`."""
    l1_counted: NDArray[np.int64]
    """L1 accesses that the energy holds."""
    hardware: tuple[Hardware, ...]
    """One, or one per mapping."""
    layer: MaestroLayer

    def __len__(self) -> int:
        return len(self.valid)

    def column(self, name: str) -> NDArray[Any]:
        """Return a column by its name in `INTEGERS` or `REALS`, e.g. ``"input_l2_reads"``."""
        if name in REALS:
            return self.reals[:, REALS.index(name)]
        return self.integers[:, INTEGERS.index(name)]

    def reason(self, i: int) -> str:
        """Return why mapping ``i`` is refused; empty if it is not."""
        return REASONS[self.status[i]]

    def cost(self, i: int) -> Cost:
        """Return the cost of the valid mapping ``i``."""
        hardware = self.hardware[i if len(self.hardware) > 1 else 0]
        return cost_of(
            self.layer,
            hardware,
            self.integers[i].tolist(),
            self.reals[i].tolist(),
            int(self.l1_counted[i]),
        )


def batch_of(
    layer: MaestroLayer,
    hardware: tuple[Hardware, ...],
    integers: NDArray[np.int64],
    reals: NDArray[np.float64],
    single_level: NDArray[np.bool_] | None,
) -> CostBatch:
    """Return the costs of the native core's rows.

    ``single_level``: the mappings whose energy holds their L1 accesses; None: all.
    """
    n = {name: integers[:, i] for i, name in enumerate(INTEGERS)}
    l1_counted = l1_accesses(n)
    if single_level is not None:
        l1_counted = np.where(single_level, l1_counted, 0)
    l1 = sum(n[f"{t}_l1_size_bytes"] for t in TENSORS)
    l2 = sum(n[f"{t}_l2_size_bytes"] for t in TENSORS)
    columns = np.array([(h.pes, h.simd, h.noc_bandwidth) for h in hardware]).T
    valid = n["status"] == 0
    resources = (*columns, l1, l2)
    return CostBatch(
        valid=valid,
        status=n["status"],
        cycles=n["cycles"],
        energy_nj=energy_nj(l1_counted, l2_accesses(n)),
        area_um2=np.where(valid, area_um2(*resources), 0.0),
        power_mw=np.where(valid, sum(powers_mw(*resources)), 0.0),
        macs=n["macs"],
        l1_size_bytes=np.asarray(l1),
        l2_size_bytes=np.asarray(l2),
        utilized_pes=reals[:, REALS.index("utilized_pes")],
        integers=integers,
        reals=reals,
        l1_counted=np.asarray(l1_counted),
        hardware=hardware,
        layer=layer,
    )
