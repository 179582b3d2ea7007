"""Label one program: lower it, compile it for each device, run it, ask each tool."""

import contextlib
import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from costmodel.targets import (
    accelerator,
    amd,
    analytic,
    code_generation,
    execution,
    latency,
    nvidia,
    throughput,
)
from costmodel.targets._assembly import Block, blocks_of
from costmodel.targets._buffers import Argument, Buffers, arguments_of
from costmodel.targets._codegen import CPUS, Compilation
from costmodel.targets._jit import Kernel, host_runs
from costmodel.targets._lowering import (
    Module,
    apply_passes,
    entry_function,
    parse,
    stablehlo_context,
    to_linalg,
    to_llvm_dialect,
    to_llvm_ir,
    to_loops,
)
from costmodel.targets._sandbox import Failure, Report, SampleError, sandboxed
from costmodel.targets._spec import TargetSpec
from costmodel.targets._toolchain import llvm, mlir, versions
from simulators.errors import BackendError, InvalidConfigError, did_you_mean

__all__ = [
    "TARGETS",
    "Labels",
    "Measurement",
    "label",
    "loops_of",
    "measure",
    "measure_text",
    "preload",
    "resolve_targets",
]

_FAMILIES = (code_generation, execution, throughput, latency, nvidia, amd, accelerator, analytic)
TARGETS: Mapping[str, TargetSpec] = {
    spec.name: spec for family in _FAMILIES for spec in family.TARGETS
}
"""Every label by its name."""

_ACCELERATOR = {spec.name for spec in accelerator.TARGETS}
_STATIC = {spec.name for spec in code_generation.TARGETS}
_COUNTED = {spec.name for spec in (*execution.TARGETS, *throughput.TARGETS)}
_TIMED = {spec.name for spec in latency.TARGETS}
_ENTRY = "kernel"
_SEED = 20230


class UnwantedError(Exception):
    """The program is trivial or wrong, or the compiler makes more code of it than is wanted."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What the compilers said about one program."""

    values: Mapping[str, float]
    failures: Mapping[str, Failure]
    """Target or device → stage and reason, for what could not be labelled."""
    versions: Mapping[str, str] = field(default_factory=versions)


@dataclass(slots=True)
class Measurement:
    """What is known while one program is being labelled."""

    wanted: frozenset[str]
    report: Report
    values: dict[str, float] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    outputs: Buffers | None = None
    """The arguments after the run, if the program was run."""
    least_executed: int = 0
    """A program that executes fewer instructions is refused."""
    most_instructions: int | None = None
    """Larger code is refused; None for any."""

    def wants(self, *prefixes: str) -> bool:
        """Whether a wanted target starts with one of the prefixes."""
        return any(name.startswith(prefixes) for name in self.wanted)

    def add(self, labels: Mapping[str, float]) -> None:
        """Keep those labels that are wanted."""
        kept = {name: value for name, value in labels.items() if name in self.wanted}
        self.values.update(kept)
        self.report.value("labels", self.values)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Name the stage; a sample error inside fails this part only."""
        self.report.stage(name)
        try:
            yield
        except (SampleError, BackendError, ImportError, RuntimeError, OSError) as error:
            self.failures[name] = Failure(name, " ".join(str(error).split())[:300])
            self.report.value("failures", [[one.stage, one.reason] for one in self._all()])

    def _all(self) -> list[Failure]:
        return list(self.failures.values())


def resolve_targets(names: Sequence[str]) -> list[str]:
    """Return the targets that names, devices or ``all`` stand for.

    Raises:
        InvalidConfigError: If a name is none of them.
    """
    found: dict[str, None] = {}
    for name in names:
        matching = [one for one in TARGETS if name in ("all", one, TARGETS[one].device)]
        if not matching:
            devices = sorted({spec.device for spec in TARGETS.values()})
            hint = did_you_mean(name, [*TARGETS, *devices])
            raise InvalidConfigError(
                f"No target or device is called '{name}'.{hint} "
                f"Devices: {', '.join(devices)}; a target is device/quantity."
            )
        found.update(dict.fromkeys(matching))
    return list(found)


def label(text: str, targets: Sequence[str] = ("all",), *, limit_s: float = 60.0) -> Labels:
    """Label one program with the real compilers, in a process of its own.

    Args:
        text: MLIR: one function of linalg, StableHLO, affine, scf or vector operations.
        targets: Names of targets or devices.
        limit_s: Wall time after which the program is given up, in seconds.

    Raises:
        InvalidConfigError: If a target does not exist.
        BackendError: If the compilers are not installed.
    """
    wanted = frozenset(resolve_targets(targets))
    versions_now = versions()
    if wanted - _ACCELERATOR:
        preload()

    def task(report: Report) -> None:
        measurement = Measurement(wanted, report)
        measure_text(text, measurement)

    outcome = sandboxed(task, limit_s=limit_s)
    failures = {stage: Failure(stage, reason) for stage, reason in _failures(outcome.values)}
    if outcome.failure is not None:
        failures[outcome.failure.stage] = outcome.failure
    return Labels(outcome.values.get("labels", {}), failures, versions_now)


def _failures(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(stage, reason) for stage, reason in values.get("failures", [])]


def preload() -> None:
    """Import the compilers, so that forked children share what their parent has loaded.

    Raises:
        BackendError: If they are not installed.
    """
    for name in ("ir", "passmanager", "dialects.llvm", "dialects.transform.interpreter"):
        mlir(name)
    llvm()
    # Neither StableHLO nor the accelerator simulator is needed by every program.
    with contextlib.suppress(BackendError, ImportError):
        stablehlo_context()
        importlib.import_module("simulators.accelerator._mlir")


def loops_of(text: str) -> Module:
    """Parse a program and lower it to loops on buffers.

    Raises:
        SampleError: If it does not parse or lower.
    """
    module = parse(to_linalg(text))
    if str(module).count("func.func") > 1:
        apply_passes(module, "inline,symbol-dce")
    function = entry_function(module)
    function.attributes["sym_name"] = type(function.attributes["sym_name"]).get(
        _ENTRY, module.context
    )
    to_loops(module)
    return module


def measure_text(text: str, measurement: Measurement) -> None:
    """Add all wanted labels of a program as its author wrote it.

    Raises:
        SampleError: If it does not parse or lower.
    """
    for device in accelerator.DEVICES:
        if measurement.wants(device):
            with measurement.part(device):
                measurement.add(accelerator.labels(text, device))
    if measurement.wanted - _ACCELERATOR:
        measurement.report.stage("parse")
        measure(loops_of(text), measurement)


def measure(module: Module, measurement: Measurement) -> None:
    """Add all wanted labels of a program on buffers; the module is lowered in place.

    Raises:
        SampleError: If the program cannot be lowered to LLVM at all.
    """
    if measurement.wants("analytic/"):
        with measurement.part("analytic"):
            measurement.add(analytic.labels(module))
    loops = str(module)
    measurement.report.stage("arguments")
    arguments = arguments_of(module)
    if measurement.wants(*CPUS):
        measurement.report.stage("lower")
        to_llvm_dialect(module)
        _measure_cpus(to_llvm_ir(module), arguments, measurement)
    for device in (*nvidia.DEVICES, *amd.DEVICES):
        if measurement.wants(device):
            with measurement.part(device):
                measurement.add(_gpu_labels(loops, device))


def _gpu_labels(loops: str, device: str) -> Mapping[str, float]:
    return nvidia.labels(loops) if device in nvidia.DEVICES else amd.labels(loops, device)


def _measure_cpus(ir: str, arguments: list[Argument], measurement: Measurement) -> None:
    # The one that runs comes first, then the one of the most code: they may refuse the program.
    for device in sorted(CPUS.values(), key=lambda one: (one.name != execution.DEVICE, one.is_x86)):
        if not measurement.wants(device.name):
            continue
        with measurement.part(f"compile {device.name}"):
            compilation = Compilation(ir, device)
            blocks = blocks_of(compilation.assembly, x86=device.is_x86)
            _check_size(blocks, device.name, measurement)
            if device.name == execution.DEVICE:
                _run(compilation.assembly, blocks, arguments, measurement)
            if _STATIC & measurement.wanted:
                measurement.add(code_generation.labels(compilation, blocks))


def _check_size(blocks: list[Block], device: str, measurement: Measurement) -> None:
    count = sum(len(block.instructions) for block in blocks)
    most = measurement.most_instructions
    if most is not None and count > most:
        raise UnwantedError(f"{count:,} instructions for {device}; at most {most:,} wanted")


def _run(
    assembly: str, blocks: list[Block], arguments: list[Argument], measurement: Measurement
) -> None:
    if not (_COUNTED | _TIMED) & measurement.wanted or not host_runs(execution.DEVICE):
        return
    with measurement.part("run"):
        if _COUNTED & measurement.wanted:
            _add_counted(assembly, blocks, arguments, measurement)
        if _TIMED & measurement.wanted:
            with measurement.part("latency"):
                kernel = Kernel(assembly, _ENTRY, arguments, CPUS[execution.DEVICE])
                measurement.add(latency.labels(kernel, Buffers(arguments, _SEED)))


def _add_counted(
    assembly: str, blocks: list[Block], arguments: list[Argument], measurement: Measurement
) -> None:
    counts = _counted_run(assembly, blocks, arguments, measurement)
    labels = execution.labels(blocks, counts)
    executed = labels[f"{execution.DEVICE}/executed_instructions"]
    if executed < measurement.least_executed:
        raise UnwantedError(f"trivial: executes {executed:,.0f} instructions")
    measurement.add(labels)
    if throughput.TARGETS[0].name in measurement.wanted:
        with measurement.part("llvm-mca"):
            measurement.add(throughput.labels(blocks, counts))


def _counted_run(
    assembly: str, blocks: list[Block], arguments: list[Argument], measurement: Measurement
) -> list[int]:
    kernel = Kernel(assembly, _ENTRY, arguments, CPUS[execution.DEVICE], blocks)
    buffers = Buffers(arguments, _SEED)
    kernel(buffers.values())
    overrun = buffers.overrun()
    if overrun:
        raise UnwantedError(overrun)
    measurement.outputs = buffers
    return kernel.counts()
