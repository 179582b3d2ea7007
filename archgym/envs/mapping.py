"""Mapping-v0: find a mapping of a layer onto an array of processing elements."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from archgym.env import ArchGymEnv
from archgym.envs._accelerator_workload import WorkloadLike, load_layer
from archgym.envs._mapping_batch import MappingDecoder
from archgym.envs._mapping_default import default_mapping
from archgym.envs._mapping_space import MappingEncoding
from archgym.envs._tool_backends import MAESTRO, measure_maestro
from archgym.errors import InvalidConfigError, did_you_mean
from archgym.ground_truth import GroundTruth
from archgym.objective import Objective
from archgym.problem import Evaluation, Evaluator, MetricSpec, Problem
from archgym.space import Constraint, Design, DesignSpace, Parameter, Value
from simulators.accelerator import Layer
from simulators.accelerator.maestro import (
    Compatibility,
    Cost,
    CostBatch,
    Hardware,
    MaestroLayer,
    evaluate_batch,
)

__all__ = ["MappingEnv", "MappingProblem"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

# Unit, direction, meaning.
METRICS: dict[str, tuple[str, Literal["min", "max"], str]] = {
    "cycles": ("cycles", "min", "Runtime of the layer."),
    "energy_pj": ("pJ", "min", "Energy of all accesses to L1 and L2."),
    "throughput_macs_per_cycle": ("MAC/cycle", "max", "Multiply-accumulates per cycle."),
    "utilization": ("", "max", "Share of the processing elements that is busy, on average."),
    "l1_bytes": ("B", "min", "L1 that each processing element needs."),
    "l2_bytes": ("B", "min", "L2 that the mapping needs."),
    "area_mm2": ("mm2", "min", "Area with buffers as large as needed."),
}

MAX_COUNTED = 10_000

# Tiles whose L1 is kept.
MAX_KEPT = 65_536


class MappingProblem(Problem):
    """Mappings of one layer onto fixed hardware, in the terms of MAESTRO and GAMMA.

    A design gives, for each level of the array, the dimension that is spread over its sub-clusters
    and the order of the loops; the nested tile sizes of each dimension; and the cluster sizes.
    Every index vector is a different mapping. Three constraints refuse mappings before they are
    evaluated: the innermost tiles must fit L1, the outermost L2, and MAESTRO's closed forms must
    cover the whole layer (they drop the remainder of a few uneven spatial maps, and a search must
    not win by work that is left out).

    Args:
        workload: a layer: of a network by number or name ("resnet18/4", "alexnet/conv3"), a file
            with one (Timeloop problem, MLIR module, SCALE-Sim topology), or a `Layer`.
        pes: processing elements; with ``search_pes`` the most there may be.
        levels: levels of the mapping, 1 to 4: clusters within clusters.
        min_levels: fewest levels; below ``levels``, their number is a parameter. None: ``levels``.
        search_pes: whether the number of processing elements is a parameter.
        noc_bandwidth: elements per cycle of each level's network.
        noc_hops: mean hops of a transfer.
        noc_hop_latency: cycles per hop.
        offchip_bandwidth: elements per cycle to the memory behind L2.
        l1_size: bytes of L1 in each processing element.
        l2_size: bytes of L2.
        simd: multiply-accumulates per cycle and processing element.
        objective: specification of the default objective.
        compatibility: "corrected" or "maestro", see `simulators.accelerator.maestro.evaluate`.
        evaluator: replaces the simulator.

    Raises:
        InvalidConfigError: an argument is not allowed.
    """

    name = "archgym/Mapping-v0"

    def __init__(
        self,
        *,
        workload: WorkloadLike = "resnet18/4",
        pes: int = 168,
        levels: int = 2,
        min_levels: int | None = None,
        search_pes: bool = False,
        noc_bandwidth: int = 8,
        noc_hops: int = 1,
        noc_hop_latency: int = 1,
        offchip_bandwidth: int = 8,
        l1_size: int = 512,
        l2_size: int = 108_000,
        simd: int = 1,
        objective: str | Objective = "product:cycles*energy_pj",
        compatibility: Compatibility = "corrected",
        evaluator: Evaluator | None = None,
    ) -> None:
        hardware = {
            "pes": pes,
            "noc_bandwidth": noc_bandwidth,
            "noc_hops": noc_hops,
            "noc_hop_latency": noc_hop_latency,
            "offchip_bandwidth": offchip_bandwidth,
            "l1_size": l1_size,
            "l2_size": l2_size,
            "simd": simd,
        }
        self.hardware = Hardware(**hardware)
        modes = get_args(Compatibility)
        if compatibility not in modes:
            raise InvalidConfigError(
                f"compatibility={compatibility!r} is not allowed."
                f"{did_you_mean(compatibility, modes)} Allowed: {', '.join(modes)}."
            )
        self._compatibility: Compatibility = compatibility
        found = load_layer(workload)
        self.layer = MaestroLayer.from_layer(found.layers[0])
        self.encoding = MappingEncoding(
            layer=self.layer,
            pes=pes,
            levels=levels,
            min_levels=levels if min_levels is None else min_levels,
            search_pes=bool(search_pes),
        )
        self.evaluator = evaluator
        self.workload = found.name
        self.work = (self.layer.macs, "MACs")
        self.metrics = {
            name: MetricSpec(name=name, unit=unit, direction=direction, description=text)
            for name, (unit, direction, text) in METRICS.items()
        }
        # Two constraints read the same evaluation of the same design.
        self._l1_of_tiles: dict[tuple[Value | None, ...], int] = {}
        self._needs = lru_cache(maxsize=256)(self._measured_needs)
        parameters = self.encoding.parameters()
        self._tile_names = [p.name for p in parameters if p.name.startswith("tiles_")]
        self.space = DesignSpace(parameters, self._constraints(parameters))
        self.default_objective = objective if isinstance(objective, str) else objective.spec
        self.default_design = default_mapping(self.encoding, self.space)
        self._config = {
            "workload": found.config,
            "levels": levels,
            "min_levels": min_levels,
            "search_pes": bool(search_pes),
            **hardware,
            "objective": self.default_objective,
            "compatibility": compatibility,
        }

    @property
    def config(self) -> dict[str, Any]:
        """JSON-compatible keyword arguments that make the same problem again."""
        return dict(self._config)

    @classmethod
    def choices(cls) -> dict[str, dict[str, str]]:
        """Return the networks whose layers are known."""
        layers = {}
        for name, summary in Layer.networks().items():
            layers[f"{name}/1 to {name}/{len(Layer.network(name))}"] = summary
        return {"workload": layers}

    def _constraints(self, parameters: Sequence[Parameter]) -> list[Constraint]:
        l1, l2 = self.hardware.l1_size, self.hardware.l2_size
        # Each costs an evaluation: larger spaces are not walked through to be counted.
        small = prod(p.cardinality for p in parameters) <= MAX_COUNTED
        return [
            Constraint(
                "l1_capacity",
                lambda design: float(self._l1_bytes(design) - l1),
                f"The innermost tiles fit {l1} bytes of L1, twice; in bytes.",
                counted=small,
            ),
            Constraint(
                "l2_capacity",
                lambda design: float(self._needs(tuple(design.items()))[0] - l2),
                f"The outermost tiles fit {l2} bytes of L2, twice; in bytes.",
                counted=small,
            ),
            Constraint(
                "coverage",
                lambda design: self._needs(tuple(design.items()))[1],
                "The cost model covers every multiply-accumulate; the share that it leaves out.",
                counted=small,
            ),
        ]

    def _l1_bytes(self, design: Design) -> int:
        """Return `MappingEncoding.l1_bytes`, which many designs share."""
        tiles = tuple(map(design.get, self._tile_names))
        found = self._l1_of_tiles.get(tiles)
        if found is None:
            found = self.encoding.l1_bytes(design)
            if len(self._l1_of_tiles) < MAX_KEPT:
                self._l1_of_tiles[tiles] = found
        return found

    def _measured_needs(self, items: tuple[tuple[str, Value], ...]) -> tuple[int, float]:
        """Return L2 bytes, and the share of the layer that the cost model leaves out."""
        design = dict(items)
        known = self.evaluator.find(design) if isinstance(self.evaluator, GroundTruth) else None
        if known is not None and known.error is None:
            return int(known.metrics["l2_bytes"]), 0.0
        costs = self._costs([design])
        left_out = 1.0 - int(costs.macs[0]) / self.layer.macs
        return int(costs.l2_size_bytes[0]), max(0.0, left_out)

    # ---------------------------------------------------------------- evaluation

    def _costs(self, designs: Sequence[Design]) -> CostBatch:
        packed = [self.encoding.packed(design) for design in designs]
        table: NDArray[np.int64] = np.zeros(
            (len(packed), max(map(len, packed), default=0), 4), dtype=np.int64
        )
        for row, directives in zip(table, packed, strict=True):
            row[: len(directives)] = directives
        hardware: Hardware | list[Hardware] = self.hardware
        if self.encoding.search_pes:
            hardware = [self.hardware_of(design) for design in designs]
        return evaluate_batch(self.layer, table, hardware, compatibility=self._compatibility)

    def hardware_of(self, design: Design) -> Hardware:
        """Return the hardware with the design's number of processing elements."""
        fields = {name: getattr(self.hardware, name) for name in Hardware.__slots__}
        return Hardware(**{**fields, "pes": self.encoding.array(design)[0]})

    def measure(self, design: Design) -> Cost:
        """Evaluate one design and return all that the cost model says of it."""
        return self._costs([design]).cost(0)

    @classmethod
    def backends(cls) -> dict[str, str]:
        """Return MAESTRO."""
        return {"maestro": MAESTRO}

    def measure_with(
        self, backend: str, design: Design, executable: Path | None
    ) -> Mapping[str, float | None]:
        """Measure a mapping with the user's maestro."""
        if backend not in self.backends():
            return super().measure_with(backend, design, executable)
        hardware = self.hardware_of(design)
        return measure_maestro(self.layer, self.mapping_text(design), hardware, executable)

    def simulate(self, designs: Sequence[Design]) -> list[Evaluation]:
        """Measure ``designs``."""
        costs = self._costs(designs)
        columns = {name: values.tolist() for name, values in self._metrics_of(costs).items()}
        return [
            Evaluation(metrics={name: values[i] for name, values in columns.items()})
            if valid
            else Evaluation.failed(f"MAESTRO cannot evaluate the mapping: {costs.reason(i)}")
            for i, valid in enumerate(costs.valid.tolist())
        ]

    def _metrics_of(self, costs: CostBatch) -> dict[str, Floats]:
        """Return a column per metric; a row without meaning where a mapping is not valid."""
        cycles = np.where(costs.valid, costs.cycles, 1)
        pes = np.array([hardware.pes for hardware in costs.hardware])
        columns = {
            "cycles": cycles,
            "energy_pj": costs.energy_nj * 1e3,
            "throughput_macs_per_cycle": self.layer.macs / cycles,
            "utilization": costs.utilized_pes / pes,
            "l1_bytes": costs.l1_size_bytes,
            "l2_bytes": costs.l2_size_bytes,
            "area_mm2": costs.area_um2 * 1e-6,
        }
        return {name: values.astype(np.float64) for name, values in columns.items()}

    @property
    def tabulates(self) -> bool:
        """Whether `tabulate` can measure the designs of this space."""
        encoding = self.encoding
        return encoding.min_levels == encoding.levels and not encoding.search_pes

    def tabulate(self, vectors: Indices) -> tuple[NDArray[np.bool_], dict[str, Floats]]:
        """Measure many index vectors at once, without a design of each.

        Args:
            vectors: shape (n, parameters).

        Returns:
            Which are legal, shape (n,), and of these each metric.
        """
        decoder = MappingDecoder(self.encoding, self.space)
        legal = decoder.l1_bytes(vectors) <= self.hardware.l1_size
        table = decoder.packed(vectors[legal])
        costs = evaluate_batch(self.layer, table, self.hardware, compatibility=self._compatibility)
        covered = costs.valid & (costs.macs >= self.layer.macs)
        kept = covered & (costs.l2_size_bytes <= self.hardware.l2_size)
        legal[legal] = kept
        return legal, {name: values[kept] for name, values in self._metrics_of(costs).items()}

    # ---------------------------------------------------------------- texts

    def mapping_text(self, design: Design) -> str:
        """Return the design as MAESTRO's mapping text."""
        return self.encoding.mapping(design).to_text()

    def describe(self, design: Design, evaluation: Evaluation) -> str:
        """Return the design, its metrics and its mapping."""
        lines = [super().describe(design, evaluation), "", "mapping"]
        return "\n".join([*lines, *(f"  {line}" for line in self._mapping_lines(design))])

    def _mapping_lines(self, design: Design) -> list[str]:
        return self.mapping_text(design).splitlines()

    def breakdown(self, design: Design) -> dict[str, dict[str, float]]:
        """Return the energy by buffer and tensor, and the mean delays of an iteration."""
        if self.evaluator is not None:
            return {}
        cost = self.measure(design)
        return {"energy (nJ)": cost.energy_by_buffer_nj, "delay (cycles)": _delays(cost)}

    def explain(self, design: Design) -> str:
        """Return what bounds an iteration, which buffer takes the energy, and what is free."""
        if self.evaluator is not None:
            return ""
        cost = self.measure(design)
        delays = _delays(cost)
        slowest = max(delays, key=lambda name: delays[name])
        energy = cost.energy_by_buffer_nj
        total = sum(energy.values())
        lines = [
            f"an iteration of the outermost level is bound by {slowest}: "
            + ", ".join(f"{name} {delay:,.0f}" for name, delay in delays.items())
            + " cycles on average",
            f"busy processing elements: {cost.utilized_pes:,.1f} of {cost.hardware.pes}",
            f"L1 {cost.l1_size_bytes:,} of {cost.hardware.l1_size:,} bytes, "
            f"L2 {cost.l2_size_bytes:,} of {cost.hardware.l2_size:,} bytes",
            "energy: "
            + ", ".join(f"{name} {value / total:.1%}" for name, value in energy.items() if value),
        ]
        return "\n".join(lines)


class MappingEnv(ArchGymEnv):
    """Find a mapping: every step evaluates one of a layer onto an array of processing elements.

    ## Description
    An accelerator's processing elements each have a small buffer (L1) and share a large one (L2). A
    mapping says which part of a layer each of them holds at a time, how these tiles move on, and
    what is shared: it decides how often every tensor is fetched and how many processing elements
    work. The cost of a mapping is MAESTRO's (Kwon et al., "Understanding Reuse, Performance, and
    Hardware Cost of DNN Dataflows", MICRO 2019), evaluated by `simulators.accelerator.maestro`; the
    choices are those of GAMMA (Kao and Krishna, ICCAD 2020), which the mapping environment of
    Krishnan et al., "ArchGym", ISCA 2023, took over. There, decoding an action drew random numbers;
    here a mapping is a function of the action alone.

    ## Action Space
    `MultiDiscrete`; each index vector is a different mapping. For two levels (the default; details:
    ``problem.space``):

    | parameter | values |
    |---|---|
    | spatial_1, spatial_2 | the dimension spread over sub-clusters: of K, C, Y, X those above 1 |
    | order_1, order_2 | the order of the loops, by its rank among all permutations |
    | array | processing elements per cluster: the largest for each number of clusters |
    | tiles_K, tiles_C, tiles_Y, tiles_X | tile sizes "outer/inner": the smallest for each number of
      iterations; of Y and X counted in outputs |

    Batch N and groups G are mapped where they are above 1. ``levels=3`` adds spatial_3, order_3, a
    third tile size and a second cluster size. With ``min_levels`` below ``levels`` the number of
    levels is a parameter too, and tiles_K_of_2 and so on are active with as many levels. With
    ``search_pes=True``, array starts with the number of processing elements.

    ## Observation Space
    `Box` of float32: log2 of how many times better than the default mapping each metric was in the
    last step, in the order below, in [-16, 16]; then feasibility as 1 or -1.

    ## Reward
    That of the objective; by default log2 of how many times smaller the product of cycles and
    energy is than the default mapping's. Infeasible: -17. Infeasible, known before the evaluation,
    are mappings that need more L1 or L2 than there is (constraints ``l1_capacity``,
    ``l2_capacity``), and those of which MAESTRO's closed forms leave out a part (``coverage``).

    ## Starting State
    Zeros.

    ## Episode End
    Never terminates; truncated after ``max_episode_steps``, 100 unless set in `gymnasium.make`.

    ## Metrics
    cycles, energy_pj, throughput_macs_per_cycle, utilization, l1_bytes, l2_bytes, area_mm2.

    ## Arguments
    Those of `ArchGymEnv` and, by keyword, those of `MappingProblem`:

        gymnasium.make("archgym:archgym/Mapping-v0", workload="mobilenetv2/5", pes=256,
                       noc_bandwidth=32, levels=2, objective="cycles")

    ## Version History
    v0: first version.
    """


def _delays(cost: Cost) -> dict[str, float]:
    return {
        "computing": float(cost.compute_delay.mean),
        "bringing inputs": float(max(cost.ingress_delay.mean, 0)),
        "taking outputs": float(max(cost.egress_delay.mean, 0)),
    }
