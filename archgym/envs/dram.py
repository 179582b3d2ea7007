"""DRAM-v0: find a memory controller for a workload and a memory."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal, get_args

from archgym.env import ArchGymEnv
from archgym.envs._dram_space import SPACES, dram_space
from archgym.errors import InvalidConfigError, did_you_mean
from archgym.objective import Objective
from archgym.problem import Evaluation, Evaluator, MetricSpec, Problem
from archgym.space import Design, DesignSpace
from simulators.dram import (
    AddressMapping,
    ControllerConfig,
    MemorySpec,
    Metrics,
    Trace,
    load_workload,
    simulate,
    simulate_batch,
    workloads,
)
from simulators.errors import SimulationStalledError

__all__ = ["DRAMEnv", "DRAMProblem"]

SpaceName = Literal["full", "paper", "paper-dense"]
Compatibility = Literal["dramsys40", "corrected"]
MemoryLike = str | PathLike[str] | Mapping[str, Any] | MemorySpec
WorkloadLike = str | PathLike[str] | Trace

DEFAULT_MAPPING = "row-bank-column"
BAR_WIDTH = 40


# Unit, direction, meaning, whether it can be zero.
METRICS: dict[str, tuple[str, Literal["min", "max"], str, bool]] = {
    "time_ns": ("ns", "min", "Time until the last response.", False),
    "latency_mean_ns": ("ns", "min", "Mean time from request to response.", False),
    "latency_p50_ns": ("ns", "min", "Median latency.", False),
    "latency_p95_ns": ("ns", "min", "95th percentile of latency.", False),
    "latency_p99_ns": ("ns", "min", "99th percentile of latency.", False),
    "latency_max_ns": ("ns", "min", "Longest latency.", False),
    "stall_mean_ns": ("ns", "min", "Mean time from sending a request to its acceptance.", True),
    "bandwidth_gb_s": ("GB/s", "max", "Data moved per second.", True),
    "bandwidth_utilization": ("", "max", "Share of the peak bandwidth.", True),
    "row_hit_rate": ("", "max", "Share of accesses that found their row open.", True),
    "energy_pj": ("pJ", "min", "Energy of the DRAM devices.", False),
    "power_mw": ("mW", "min", "Mean power of the DRAM devices.", False),
}
ENERGY_METRICS = ("energy_pj", "power_mw")


class DRAMProblem(Problem):
    """Memory controllers for one workload on one memory.

    The space "full" has 13 parameters, conditional where one has no effect. It contains
    ``refresh_policy="NoRefresh"`` as the 2023 paper's does, but marks such designs infeasible
    (constraint ``retention``): they lose data, so a search must not win by them. They are measured
    all the same, to show what refresh costs. The spaces "paper" and "paper-dense" are exactly the
    paper's ten-parameter grids (442,368 and 1,769,472 designs), where NoRefresh is legal.

    The default objective is the product of mean latency, energy and total time. Latency and power
    alone would reward throttling: latency starts when a request is sent, so a controller that
    accepts one request at a time has a short latency and a low power while the program takes
    several times longer and more energy. On sparse traces the last time stamp pins the total time,
    and latency and energy decide.

    Args:
        workload: name of a generator or shipped trace, path of a trace file, or a `Trace`.
        memory: name of a preset, path or content of a DRAMSys memspec, or a `MemorySpec`.
        space: "full", "paper" (powers of two) or "paper-dense" (sizes 1 to 8).
        objective: specification of the default objective; None: latency, energy and time, without
            energy where the memory has no energy model.
        requests: length of a generated trace, or to cut others to; None: the workload's own.
        seed: of the workload's generator.
        compatibility: "dramsys40" or "corrected", see `simulators.dram.simulate`.
        threads: designs simulated at the same time, at least 1.
        evaluator: replaces the simulator.

    Raises:
        InvalidConfigError: an argument is not allowed.
        TraceFormatError: the trace file is damaged.
    """

    name = "archgym/DRAM-v0"
    measures_illegal = True

    def __init__(
        self,
        *,
        workload: WorkloadLike = "stream",
        memory: MemoryLike = "DDR4-2400",
        space: SpaceName = "full",
        objective: str | Objective | None = None,
        requests: int | None = None,
        seed: int = 0,
        compatibility: Compatibility = "dramsys40",
        threads: int = 2,
        evaluator: Evaluator | None = None,
    ) -> None:
        if not isinstance(threads, int) or threads < 1:
            raise InvalidConfigError(f"threads={threads!r}. Use a whole number of at least 1.")
        modes = get_args(Compatibility)
        if compatibility not in modes:
            raise InvalidConfigError(
                f"compatibility={compatibility!r} is not allowed."
                f"{did_you_mean(compatibility, modes)} Allowed: {', '.join(modes)}."
            )
        self.memory = _memory(memory)
        self.trace = _trace(workload, requests, seed)
        self.evaluator = evaluator
        self.workload = self.trace.name
        self.work = (len(self.trace), "requests")
        self.space = dram_space(space, self.memory)
        self.metrics = _metrics(self.memory)
        self.default_objective = _default_objective(objective, self.metrics)
        self.default_design = _default_design(self.space)
        self._compatibility = compatibility
        self._threads = threads
        is_preset = isinstance(memory, str) and memory in MemorySpec.presets()
        self._config = {
            "workload": _workload_config(workload, self.trace),
            "memory": memory if is_preset else self.memory.to_dramsys(),
            "space": space,
            "objective": self.default_objective,
            "requests": requests,
            "seed": seed,
            "compatibility": compatibility,
            "threads": threads,
        }

    @property
    def config(self) -> dict[str, Any]:
        """JSON-compatible keyword arguments that make the same problem again."""
        return dict(self._config)

    @classmethod
    def choices(cls) -> dict[str, dict[str, str]]:
        """Return workloads, memories and spaces with one line about each."""
        memories = {name: MemorySpec.preset(name) for name in MemorySpec.presets()}
        sizes = {name: dram_space(name, memories["DDR4-2400"]).size for name in SPACES}
        return {
            "workload": workloads(),
            "memory": {name: _summary(memory) for name, memory in memories.items()},
            "space": {name: f"{size:,} designs on DDR4-2400" for name, size in sizes.items()},
        }

    def identity(self) -> dict[str, Any]:
        """Return JSON-compatible data that differs whenever results may differ."""
        return {
            **super().identity(),
            "config": {"compatibility": self._compatibility},
            "memory": self.memory.to_dramsys(),
            "trace": self.trace.digest,
        }

    def hardware(self, design: Design) -> tuple[AddressMapping, ControllerConfig]:
        """Return the simulator's configuration of a design.

        What the space leaves out, or the design has inactive, is as in the default design.
        """
        fields = {name: value for name, value in design.items() if name != "address_mapping"}
        mapping = str(design.get("address_mapping", DEFAULT_MAPPING))
        controller = ControllerConfig.from_dramsys(fields)
        return AddressMapping.preset(self.memory, mapping), controller

    def simulate(self, designs: Sequence[Design]) -> list[Evaluation]:
        """Measure ``designs`` command by command, in parallel."""
        hardware = [self.hardware(design) for design in designs]
        measured = simulate_batch(
            self.memory,
            [mapping for mapping, _ in hardware],
            [controller for _, controller in hardware],
            self.trace,
            threads=self._threads,
            compatibility=self._compatibility,
        )
        return [self._evaluation(outcome) for outcome in measured]

    @classmethod
    def backends(cls) -> dict[str, str]:
        """Return DRAMSys."""
        return {"dramsys": "DRAMSys 4.0, which prints bandwidth with two decimals only"}

    def measure_with(
        self, backend: str, design: Design, executable: Path | None
    ) -> Mapping[str, float | None]:
        """Measure a design with the user's DRAMSys."""
        if backend not in self.backends():
            return super().measure_with(backend, design, executable)
        if executable is None:
            raise InvalidConfigError(
                "Measuring with DRAMSys needs an installed DRAMSys 4.0. Give its program with "
                "--executable."
            )
        from simulators.dram._dramsys import simulate_dramsys

        return simulate_dramsys(executable, self.memory, *self.hardware(design), self.trace)

    def _evaluation(self, outcome: Metrics | SimulationStalledError) -> Evaluation:
        if isinstance(outcome, SimulationStalledError):
            return Evaluation.failed(str(outcome))
        return Evaluation(metrics={name: float(getattr(outcome, name)) for name in self.metrics})

    def describe(self, design: Design, evaluation: Evaluation) -> str:
        """Return the design, its metrics, and where time and energy go."""
        text = super().describe(design, evaluation)
        if not evaluation.metrics or self.evaluator is not None:
            return text
        return "\n".join([text, "", *_breakdown(self.measure(design))])

    def breakdown(self, design: Design) -> dict[str, dict[str, float]]:
        """Return the counts of commands and the energy by kind."""
        if self.evaluator is not None:
            return {}
        metrics = self.measure(design)
        parts = {"commands": {name: float(count) for name, count in metrics.commands.items()}}
        if metrics.energy_breakdown_pj is not None:
            nj = {name: pj / 1e3 for name, pj in metrics.energy_breakdown_pj.items()}
            parts["energy (nJ)"] = nj
        return parts

    def measure(self, design: Design, *, log: bool = False) -> Metrics:
        """Simulate one design and return all that the simulator says of it; ``log``: see there."""
        mapping, controller = self.hardware(design)
        return simulate(
            self.memory, mapping, controller, self.trace, compatibility=self._compatibility, log=log
        )


class DRAMEnv(ArchGymEnv):
    """Find a memory controller: every step simulates one on a trace of memory requests.

    ## Description
    A memory controller stands between a program's memory requests and the DRAM devices. It decides
    in which order requests are served, when rows are opened and closed, when the devices are
    refreshed and when they sleep. An action is a whole controller; a step simulates the workload on
    it, command by command, as DRAMSys 4.0 does (`simulators.dram`). The environment is the DRAM
    environment of Krishnan et al., "ArchGym", ISCA 2023, with its design space made complete and
    its rewards sound.

    ## Action Space
    ``space="full"``: `MultiDiscrete` of 13 indices (in this order; details: ``problem.space``):

    | parameter | values | active if |
    |---|---|---|
    | page_policy | Open, OpenAdaptive, Closed, ClosedAdaptive | |
    | scheduler | Fifo, FrFcfs, FrFcfsGrp | |
    | scheduler_buffer | Bankwise, ReadWrite, Shared | |
    | request_buffer_size | 1 to 8, 16, 32, 64, 128 | |
    | resp_queue | Fifo, Reorder | |
    | refresh_policy | NoRefresh (infeasible), AllBank; LPDDR4 and HBM2 also PerBank | |
    | refresh_max_postponed | 1 to 8 | refresh_policy is not NoRefresh |
    | refresh_max_pulledin | 1 to 8 | refresh_policy is not NoRefresh |
    | arbiter | Simple, Fifo, Reorder | |
    | max_active_transactions | 1 to 128 | arbiter is Fifo or Reorder |
    | address_mapping | the presets that differ on the memory | |
    | cmd_mux | Oldest, Strict | scheduler is Fifo |
    | power_down_policy | NoPowerDown, Staggered | |

    A controller without refresh loses data: it is measured, but infeasible (constraint
    ``retention``). ``space="paper"`` is the 2023 paper's grid of ten unconditional parameters with
    powers of two (442,368 designs), ``space="paper-dense"`` the one with sizes 1 to 8 (1,769,472);
    there NoRefresh is feasible.

    ## Observation Space
    `Box` of float32: log2 of how many times better than the default controller each metric was in
    the last step, in the order below, in [-16, 16]; then feasibility as 1 or -1.

    ## Reward
    That of the objective; by default log2 of how many times smaller the product of mean latency,
    energy and total time is than the default controller's (without energy where the memory has no
    energy model). Infeasible: -17.

    ## Starting State
    Zeros.

    ## Episode End
    Never terminates; truncated after ``max_episode_steps``, 100 unless set in `gymnasium.make`.

    ## Metrics
    time_ns, latency_mean_ns, latency_p50_ns, latency_p95_ns, latency_p99_ns, latency_max_ns,
    stall_mean_ns, bandwidth_gb_s, bandwidth_utilization, row_hit_rate; energy_pj and power_mw where
    the memory has an energy model (DDR3, DDR4).

    ## Arguments
    Those of `ArchGymEnv` and, by keyword, those of `DRAMProblem`:

        gymnasium.make("archgym:archgym/DRAM-v0", workload="stream", memory="DDR4-2400",
                       objective="pareto:latency_mean_ns,energy_pj", space="full")

    ## Version History
    v0: first version.
    """


def _summary(memory: MemorySpec) -> str:
    energy = "with" if memory.core_config()["energy"] is not None else "without"
    return (
        f"{memory.standard}, channels: {memory.channels}, ranks: {memory.ranks}, "
        f"{memory.capacity_bytes / 2**30:g} GiB, {memory.peak_bandwidth_gb_s:.1f} GB/s peak, "
        f"{energy} energy model"
    )


def _metrics(memory: MemorySpec) -> dict[str, MetricSpec]:
    has_energy = memory.core_config()["energy"] is not None
    return {
        name: MetricSpec(
            name=name, unit=unit, direction=direction, description=text, can_be_zero=can_be_zero
        )
        for name, (unit, direction, text, can_be_zero) in METRICS.items()
        if has_energy or name not in ENERGY_METRICS
    }


def _memory(memory: MemoryLike) -> MemorySpec:
    if isinstance(memory, MemorySpec):
        return memory
    if isinstance(memory, Mapping):
        return MemorySpec.from_dramsys(dict(memory))
    # A name without folder or suffix means a preset, so that a typo gets the list of presets.
    if isinstance(memory, str) and not Path(memory).suffix and not Path(memory).is_file():
        return MemorySpec.preset(memory)
    return MemorySpec.from_dramsys(Path(memory))


def _trace(workload: WorkloadLike, requests: int | None, seed: int) -> Trace:
    if isinstance(workload, Trace):
        if requests is not None:
            raise InvalidConfigError(
                f"requests={requests} with a Trace object. Cut the trace itself, or leave it out."
            )
        return workload
    if isinstance(workload, str | PathLike):
        return load_workload(workload, requests=requests, seed=seed)
    raise InvalidConfigError(
        f"workload={workload!r} is a {type(workload).__name__}. "
        "Give the name of a workload, the path of a trace file, or a Trace."
    )


def _workload_config(workload: WorkloadLike, trace: Trace) -> Any:
    if isinstance(workload, Trace):
        # Refused by `_trace` with a clear message when a run is made again from its record.
        return {"trace": trace.name, "digest": trace.digest}
    name = fspath(workload)
    return str(Path(name).resolve()) if Path(name).is_file() else name


def _default_objective(objective: str | Objective | None, metrics: Mapping[str, MetricSpec]) -> str:
    if objective is None:
        energy = "*energy_pj" if "energy_pj" in metrics else ""
        return f"product:latency_mean_ns{energy}*time_ns"
    return objective if isinstance(objective, str) else objective.spec


def _default_design(space: DesignSpace) -> Design:
    """Return the design nearest to DRAMSys 4.0's own FR-FCFS configuration."""
    defaults = {**asdict(ControllerConfig()), "address_mapping": DEFAULT_MAPPING}
    return space.decode([p.index(defaults[p.name]) for p in space.parameters])


def _breakdown(metrics: Metrics) -> list[str]:
    latencies = {
        name: getattr(metrics, f"latency_{name}_ns")
        for name in ("p50", "mean", "p95", "p99", "max")
    }
    lines = ["latency", *_bars(latencies, metrics.latency_max_ns, "ns")]
    commands = {name: float(count) for name, count in metrics.commands.items() if count}
    lines += ["", "commands", *_bars(commands, sum(commands.values()), "")]
    if metrics.wrapped_requests:
        lines += ["", f"{metrics.wrapped_requests:,} requests beyond the memory's size: wrapped"]
    energy = metrics.energy_breakdown_pj
    if energy is None or metrics.energy_pj is None:
        return [*lines, "", f"energy: none, {metrics.energy_reason}"]
    spent = {name: value for name, value in energy.items() if value}
    return [*lines, "", "energy", *_bars(spent, metrics.energy_pj, "pJ")]


def _bars(values: Mapping[str, float], whole: float, unit: str) -> list[str]:
    width = max(map(len, values), default=0)
    return [
        f"  {name:<{width}}  {value:>14,.5g} {unit:<2}  {value / whole:6.1%}  "
        f"{'#' * round(BAR_WIDTH * value / whole)}".rstrip()
        for name, value in values.items()
    ]
