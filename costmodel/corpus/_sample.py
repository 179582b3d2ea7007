"""Label one program: as it is, and under random schedules that leave its answer unchanged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from costmodel.corpus._operations import loop_nests, mark_operations
from costmodel.corpus._program import Program
from costmodel.corpus._schedule import Step, random_schedule, scheduled
from costmodel.targets._label import Measurement, measure
from costmodel.targets._lowering import parse, to_linalg
from costmodel.targets._sandbox import Report, SampleError, in_this_process, sandboxed

__all__ = [
    "CPU_S",
    "LEAST_INSTRUCTIONS",
    "LEAST_INSTRUCTIONS_OF_LOOPS",
    "LIMIT_S",
    "MAX_CHARACTERS",
    "MAX_INSTRUCTIONS",
    "Sample",
    "label_program",
]

LIMIT_S, CPU_S = 150.0, 10.0
"""Wall and processor time for one schedule of a program."""
MAX_CHARACTERS = 10_000
MAX_INSTRUCTIONS = 2_500
"""Longer texts and larger code say little more, and take long to compile."""
LEAST_INSTRUCTIONS, LEAST_INSTRUCTIONS_OF_LOOPS = 500, 30
"""Executed; of fewer, a program is trivial. Loops over short arrays are what is timed by hand."""
_ANALYTIC = "analytic/"


@dataclass(frozen=True, slots=True)
class Sample:
    """What became of one program under one schedule."""

    steps: list[Step]
    text: str
    """The lowered program; empty if it was lost before."""
    labels: Mapping[str, float]
    failures: list[tuple[str, str]]
    """Stage and reason of each label that is missing, or of the loss of the whole sample."""
    lost: bool = False
    linalg: str = ""
    """The program in ``linalg``; for the unscheduled sample only."""


def label_program(
    program: Program,
    rng: np.random.Generator,
    targets: frozenset[str],
    schedules: int,
    *,
    protected: bool,
) -> list[Sample]:
    """Label a program without a schedule and under ``schedules`` random ones.

    To be called in a sandboxed child. If that child dies, the program may be labelled once more,
    protected: then each schedule gets a child of its own, and only the one that kills it is lost.

    Raises:
        SampleError: If the program itself cannot be labelled, or is trivial.
    """
    linalg = to_linalg(program.text)
    nests = loop_nests_of(linalg)
    kernel = program.source == "kernel"
    least = LEAST_INSTRUCTIONS_OF_LOOPS if program.source == "loops" else LEAST_INSTRUCTIONS
    plain, outputs = _plain(linalg, targets, least)
    samples = [plain]
    seen = {plain.text}
    for _ in range(schedules):
        steps = random_schedule(rng, nests, kernel=kernel)
        sample = _scheduled_sample(linalg, steps, targets, outputs, protected=protected)
        if not sample.lost:
            if sample.text in seen:
                continue
            seen.add(sample.text)
            analytic = {
                name: value for name, value in plain.labels.items() if name.startswith(_ANALYTIC)
            }
            sample = Sample(
                sample.steps, sample.text, {**sample.labels, **analytic}, sample.failures
            )
        samples.append(sample)
    return samples


def loop_nests_of(linalg: str) -> list[Any]:
    """Return the loops of a program's operations."""
    module = parse(linalg)
    return loop_nests(mark_operations(module))


class _Silent:
    """A report that nobody reads."""

    def stage(self, name: str) -> None:
        pass

    def value(self, name: str, value: Any) -> None:
        pass


def _plain(linalg: str, targets: frozenset[str], least: int) -> tuple[Sample, Any]:
    module, _ = scheduled(linalg, [])
    text = _checked(str(module))
    measurement = Measurement(
        targets,
        _Silent(),
        least_executed=least,
        most_instructions=MAX_INSTRUCTIONS,
    )
    measure(module, measurement)
    labels = measurement.values
    work = labels.get("x86-64-znver4/executed_instructions", labels.get("analytic/flops", 0.0))
    if work < least:
        raise SampleError(f"trivial: fewer than {least} instructions")
    failures = [(one.stage, one.reason) for one in measurement.failures.values()]
    outputs = measurement.outputs
    return Sample([], text, labels, failures, linalg=linalg), outputs and outputs.copied()


def _checked(text: str) -> str:
    if len(text) > MAX_CHARACTERS:
        raise SampleError(f"more than {MAX_CHARACTERS:,} characters")
    return text


def _scheduled_sample(
    linalg: str,
    steps: Sequence[Step],
    targets: frozenset[str],
    outputs: Any,
    *,
    protected: bool,
) -> Sample:
    wanted = frozenset(name for name in targets if not name.startswith(_ANALYTIC))

    def task(report: Report) -> None:
        report.stage("schedule")
        module, applied = scheduled(linalg, steps)
        report.value("steps", applied)
        report.value("text", _checked(str(module)))
        measurement = Measurement(wanted, report, most_instructions=MAX_INSTRUCTIONS)
        measure(module, measurement)
        if outputs is not None and measurement.outputs is not None:
            report.stage("differential check")
            difference = measurement.outputs.differs(outputs)
            if difference:
                raise SampleError(difference)

    run = partial(sandboxed, limit_s=LIMIT_S, cpu_s=CPU_S) if protected else in_this_process
    outcome = run(task)
    values = outcome.values
    failures = [(stage, reason) for stage, reason in values.get("failures", [])]
    if outcome.failure is not None:
        failures = [(outcome.failure.stage, outcome.failure.reason)]
        return Sample(list(values.get("steps", steps)), "", {}, failures, lost=True)
    return Sample(values["steps"], values["text"], values.get("labels", {}), failures)
