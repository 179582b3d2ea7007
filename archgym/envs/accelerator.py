"""Accelerator-v0: find a DNN accelerator for a layer or a whole network."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any, Literal, get_args

from archgym.charts import Chart
from archgym.env import ArchGymEnv
from archgym.envs._accelerator_measure import LayerMapper, MappingObjective, Measurement
from archgym.envs._accelerator_space import (
    Dataflow,
    Memory,
    accelerator_space,
    architecture_of,
    default_design,
    mapping_constraints,
)
from archgym.envs._accelerator_text import breakdown, charts, explain
from archgym.envs._accelerator_workload import WorkloadLike, load_layers
from archgym.envs._tool_backends import TIMELOOP, measure_timeloop
from archgym.errors import InvalidConfigError, did_you_mean
from archgym.objective import Objective
from archgym.problem import Evaluation, Evaluator, MetricSpec, Problem
from archgym.space import Design
from simulators.accelerator import Architecture, Layer

__all__ = ["AcceleratorEnv", "AcceleratorProblem"]

# Measurements kept for what explains a design, which often follows its evaluation.
KEPT = 32

DEFAULT_OBJECTIVE = "product:cycles*energy_pj*area_mm2"

# Unit, direction, meaning.
METRICS: dict[str, tuple[str, Literal["min", "max"], str]] = {
    "cycles": ("cycles", "min", "Cycles of all layers, one after the other."),
    "energy_pj": ("pJ", "min", "Energy of all accesses and multiply-accumulates, no leakage."),
    "area_mm2": ("mm²", "min", "Area of the chip's memories and multipliers."),
    "utilization": ("", "max", "Multiply-accumulates per PE and cycle."),
    "edp_j_cycle": ("J·cycle", "min", "Energy times cycles."),
}


class AcceleratorProblem(Problem):
    """Accelerators for one layer, or for all layers of a network.

    Every design is a hierarchy as Eyeriss has it: DRAM, a shared buffer, an array of PEs with a
    scratchpad each for inputs, weights and partial sums. For every layer the best mapping that a
    search of ``mapping_budget`` evaluations finds counts, so that a design is judged by what it can
    do and not by one fixed schedule. The search is the same for the same hardware and layer.

    The space is made of sizes that can be built together, and of no others. What bandwidth a
    memory has follows from the width of its rows, its banks and its ports, and is paid for in
    energy and area; so is every bit of storage.

    The default objective is the product of cycles, energy and area: without area the largest chip
    would win.

    Args:
        workload: network ("resnet50"), one of its layers ("alexnet/3", "alexnet/conv3"), file
            (Timeloop problem, MLIR module, SCALE-Sim topology), `Layer` or list of layers.
        batch: images or sequences at once, for networks.
        dataflow: "row-stationary" (Eyeriss's) or "flexible": any loop anywhere.
        dram: type of the DRAM.
        dram_bandwidth: words of 16 bits per cycle; None: unlimited.
        technology_nm: node of the chip, 7 to 180.
        max_area_mm2: designs above are illegal; None: no limit.
        mapping_objective: what mappings are chosen by: "edp", "cycles" or "energy".
        mapping_budget: mappings evaluated per layer and design, at least 1.
        seed: of the search for mappings.
        objective: specification of the default objective; None: cycles, energy and area.
        threads: layers mapped at the same time, at least 1.
        evaluator: replaces the cost model.

    Raises:
        InvalidConfigError: an argument is not allowed, or a layer needs more than the largest
            hardware of the space.
    """

    name = "archgym/Accelerator-v0"
    tradeoff = ("cycles", "energy_pj", "area_mm2")

    def __init__(
        self,
        *,
        workload: WorkloadLike = "resnet18",
        batch: int = 1,
        dataflow: Dataflow = "row-stationary",
        dram: str = "LPDDR4",
        dram_bandwidth: float | None = 8.0,
        technology_nm: float = 45.0,
        max_area_mm2: float | None = None,
        mapping_objective: MappingObjective = "edp",
        mapping_budget: int = 2000,
        seed: int = 0,
        objective: str | Objective | None = None,
        threads: int = 2,
        evaluator: Evaluator | None = None,
    ) -> None:
        _one_of("dataflow", dataflow, get_args(Dataflow))
        _one_of("mapping_objective", mapping_objective, get_args(MappingObjective))
        _count("mapping_budget", mapping_budget)
        _count("threads", threads)
        loaded = load_layers(workload, batch)
        self.layers: tuple[Layer, ...] = loaded.layers
        self.workload = loaded.name
        self.memory = Memory(
            dram=dram,
            dram_bandwidth=dram_bandwidth,
            technology_nm=technology_nm,
            max_area_mm2=max_area_mm2,
        )
        self.dataflow: Dataflow = dataflow
        self.evaluator = evaluator
        self.space = accelerator_space(self.layers, dataflow, self.memory)
        self.metrics = {
            name: MetricSpec(name=name, unit=unit, direction=direction, description=text)
            for name, (unit, direction, text) in METRICS.items()
        }
        self.default_design = default_design(self.space)
        # A table that lacks the memory or the node says so here, not at the first design.
        self.architecture(self.default_design)
        self.default_objective = _spec(objective)
        self._mapper = LayerMapper(objective=mapping_objective, budget=mapping_budget, seed=seed)
        self._threads = threads
        self._kept: OrderedDict[tuple[int, ...], Measurement | str] = OrderedDict()
        self._lock = Lock()
        self._config = {
            "workload": loaded.config,
            "batch": batch,
            "dataflow": dataflow,
            "dram": dram,
            "dram_bandwidth": dram_bandwidth,
            "technology_nm": technology_nm,
            "max_area_mm2": max_area_mm2,
            "mapping_objective": mapping_objective,
            "mapping_budget": mapping_budget,
            "seed": seed,
            "objective": self.default_objective,
            "threads": threads,
        }

    @property
    def config(self) -> dict[str, Any]:
        """JSON-compatible keyword arguments that make the same problem again."""
        return dict(self._config)

    @classmethod
    def choices(cls) -> dict[str, dict[str, str]]:
        """Return networks and dataflows with one line about each."""
        return {
            "workload": Layer.networks(),
            "dataflow": {
                "row-stationary": "a filter row per PE, as in Eyeriss",
                "flexible": "any loop at any level, limited only by what each memory holds",
            },
        }

    def identity(self) -> dict[str, Any]:
        """Return JSON-compatible data that differs whenever results may differ."""
        inert = ("threads", "objective")
        return {
            **super().identity(),
            "config": {name: v for name, v in self._config.items() if name not in inert},
            "layers": [[layer.count, layer.to_timeloop()] for layer in self.layers],
        }

    def architecture(self, design: Design) -> Architecture:
        """Return the hardware of a design; its ``to_timeloop()`` is the file for that tool."""
        return architecture_of(design, self.memory)

    def measure(self, design: Design) -> Measurement | str:
        """Map every layer on ``design``; return all costs, or why a layer cannot be mapped."""
        return self._measured([design])[0]

    def simulate(self, designs: Sequence[Design]) -> list[Evaluation]:
        """Map every layer on every design, several at the same time."""
        return [
            Evaluation.failed(measured)
            if isinstance(measured, str)
            else Evaluation(metrics=measured.metrics)
            for measured in self._measured(designs)
        ]

    @classmethod
    def backends(cls) -> dict[str, str]:
        """Return Timeloop."""
        return {"timeloop": TIMELOOP}

    def measure_with(
        self, backend: str, design: Design, executable: Path | None
    ) -> Mapping[str, float | None]:
        """Measure a design, and the mappings found for it, with the user's timeloop-model."""
        if backend not in self.backends():
            return super().measure_with(backend, design, executable)
        measured = self.measure(design)
        if isinstance(measured, str):
            raise InvalidConfigError(f"there is nothing to measure: {measured}")
        return measure_timeloop(measured, executable)

    def _measured(self, designs: Sequence[Design]) -> list[Measurement | str]:
        keys = [self.space.key(design) for design in designs]
        with self._lock:
            found = {key: self._kept[key] for key in keys if key in self._kept}
        missing = {
            key: design for key, design in zip(keys, designs, strict=True) if key not in found
        }
        found.update(zip(missing, self._map(list(missing.values())), strict=True))
        with self._lock:
            self._kept.update((key, found[key]) for key in missing)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return [found[key] for key in keys]

    def _map(self, designs: Sequence[Design]) -> list[Measurement | str]:
        chips = [self.architecture(design) for design in designs]
        rules = [mapping_constraints(design, self.dataflow) for design in designs]
        jobs = [
            (chip, layer, rule)
            for chip, rule in zip(chips, rules, strict=True)
            for layer in self.layers
        ]
        with ThreadPoolExecutor(self._threads) as pool:
            mapped = list(pool.map(lambda job: self._mapper.map(*job), jobs))
        each = len(self.layers)
        return [
            _measurement(chip, mapped[i * each : (i + 1) * each]) for i, chip in enumerate(chips)
        ]

    def explain(self, design: Design) -> str:
        """Return what costs energy and area, and what limits the speed of every layer."""
        if self.evaluator is not None:
            return ""
        measured = self.measure(design)
        return measured if isinstance(measured, str) else "\n".join(explain(measured))

    def breakdown(self, design: Design) -> dict[str, dict[str, float]]:
        """Return energy by level, cycles by layer, and area by component."""
        if self.evaluator is not None:
            return {}
        measured = self.measure(design)
        return {} if isinstance(measured, str) else breakdown(measured)

    def charts(self, design: Design) -> list[Chart]:
        """Return energy and cycles of every layer, and the layers under the roofline."""
        if self.evaluator is not None:
            return []
        measured = self.measure(design)
        return [] if isinstance(measured, str) else charts(measured, self.memory.dram_bandwidth)


class AcceleratorEnv(ArchGymEnv):
    """Find a DNN accelerator: every step maps a network on one and adds up its costs.

    ## Description
    A DNN accelerator is an array of processing elements (PEs), each with small scratchpads, that
    share a buffer in front of a DRAM. How large the array and each memory are decides how often
    data move, and so energy and speed. An action is a whole accelerator; a step searches a mapping
    for every layer of the workload on it and evaluates that as Timeloop does
    (`simulators.accelerator`). The environment is in the spirit of the Timeloop environment of
    Krishnan et al., "ArchGym", ISCA 2023, in which nearly all designs abort; here every design can
    be built.

    ## Action Space
    `MultiDiscrete` of 25 indices (in this order; details: ``problem.space``):

    | parameter | values | active if |
    |---|---|---|
    | mesh_x, mesh_y | 2 to 32 columns and rows of PEs | |
    | glb_kib | 16 to 512 | |
    | glb_banks | 1, 2, 4, 8, 16 | |
    | glb_ports | 1, 2 | |
    | glb_block_size | 4, 8, 16 words | |
    | glb_weights | bypass, keep | |
    | ifmap_class, weights_class, psum_class | regfile, SRAM | |
    | ifmap_words, weights_words, psum_words | 4 to 64, 8 to 128, 4 to 64 | class is regfile |
    | ifmap_bank_words, ... | 128 to 512 | class is SRAM |
    | ifmap_banks, ... | 1, 2, 4 | class is SRAM |
    | ifmap_ports, ... | 1, 2 | class is SRAM |
    | ifmap_block_size, ... | 1, 2, 4 words | |

    The six parameters of a scratchpad are next to each other. Values that the workload's largest
    filter rules out under the row-stationary dataflow are left out.

    ## Observation Space
    `Box` of float32: log2 of how many times better than the default design, Eyeriss, each metric
    was in the last step, in the order below, in [-16, 16]; then feasibility as 1 or -1.

    ## Reward
    That of the objective; by default log2 of how many times smaller the product of cycles, energy
    and area is than Eyeriss's. Infeasible: -17.

    ## Starting State
    Zeros.

    ## Episode End
    Never terminates; truncated after ``max_episode_steps``, 100 unless set in `gymnasium.make`.

    ## Metrics
    cycles, energy_pj, area_mm2, utilization, edp_j_cycle.

    ## Arguments
    Those of `ArchGymEnv` and, by keyword, those of `AcceleratorProblem`:

        gymnasium.make("archgym:archgym/Accelerator-v0", workload="resnet50",
                       objective="pareto:cycles,energy_pj,area_mm2", mapping_budget=2000)

    ## Version History
    v0: first version.
    """


def _measurement(chip: Architecture, mapped: Sequence[Any]) -> Measurement | str:
    for each in mapped:
        if isinstance(each, str):
            return each
    return Measurement(chip, tuple(mapped))


def _spec(objective: str | Objective | None) -> str:
    if objective is None:
        return DEFAULT_OBJECTIVE
    return objective if isinstance(objective, str) else objective.spec


def _one_of(name: str, value: object, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise InvalidConfigError(
            f"{name}={value!r} is not allowed.{did_you_mean(value, allowed)} "
            f"Allowed: {', '.join(allowed)}."
        )


def _count(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidConfigError(f"{name}={value!r}. Use a whole number of at least 1.")
