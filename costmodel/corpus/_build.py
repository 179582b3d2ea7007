"""Build a corpus: trace, draw, label, deduplicate, split, write. Interrupted builds resume."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

import numpy as np

from costmodel.corpus._card import card_text
from costmodel.corpus._program import Program
from costmodel.corpus._sample import CPU_S, LIMIT_S, Sample, label_program
from costmodel.corpus._sources import Kind, Model, draw_program, model_path, models, trace
from costmodel.corpus._table import (
    FAILURES_FILE,
    ROWS_FILE,
    rows_of,
    write_failures,
    write_rows,
)
from costmodel.targets import TARGETS, resolve_targets
from costmodel.targets._label import preload
from costmodel.targets._sandbox import Outcome, Report, Task, sandboxed, sandboxed_many
from costmodel.targets._toolchain import versions
from simulators.errors import InvalidConfigError

__all__ = ["DEFAULT_TARGETS", "BuildEvent", "CorpusConfig", "Watcher", "build_corpus"]

# GPUs double the time, and accelerators read the program before it is lowered: both can be added.
DEFAULT_TARGETS = tuple(
    name
    for name, spec in TARGETS.items()
    if spec.deterministic and not name.startswith(("nvidia", "amd", "xpu"))
)
_BATCH, _CHUNK, _TASKS_PER_CHILD = 40, 64, 32
_MAX_SCHEDULES = {"kernel": 3}
_SCHEDULES = 2
_TRACE_LIMIT_S, _DRAW_LIMIT_S = 900.0, 60.0
_TRACE_MEMORY = 16 << 30
_DRAWS_PER_PROGRAM = 50
"""A build that needs more draws than this for each program is going nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusConfig:
    """What corpus to build. Equal configurations give equal files."""

    size: int
    """Programs to label; a program under a schedule counts as a program."""
    seed: int = 0
    """Everything random comes from it."""
    kind: Kind = "tensors"
    """Pieces of models, kernels and random graphs; or loops over long arrays."""
    targets: tuple[str, ...] = DEFAULT_TARGETS
    """Names of targets or devices."""
    publish_every: int = 2000
    """Programs after which what is there is written, so that it can be used; 0 for at the end."""

    def __post_init__(self) -> None:
        """Check the values."""
        if self.size < 1:
            raise InvalidConfigError(f"size {self.size} is not positive. Give 1 or more programs.")
        if self.seed < 0:
            raise InvalidConfigError(f"seed {self.seed} is negative. Give 0 or more.")
        if self.kind not in get_args(Kind):
            raise InvalidConfigError(f"There is no kind {self.kind!r}. Kinds: tensors, loops.")
        if self.publish_every < 0:
            raise InvalidConfigError(
                f"publish_every {self.publish_every} is negative. Give programs, or 0 for never."
            )
        resolve_targets(self.targets)

    def command(self) -> str:
        """Return the command line that builds it, with the default targets."""
        kind = "" if self.kind == "tensors" else f" --kind {self.kind}"
        return f"costmodel corpus build{kind} --size {self.size} --seed {self.seed} --out DIR"


@dataclass(frozen=True, slots=True)
class BuildEvent:
    """How far a build is."""

    phase: str
    """``trace`` or ``label``."""
    done: int
    total: int
    lost: int
    """Models or schedules that failed so far."""


Watcher = Callable[[BuildEvent], None]
"""Told how far a build is."""


def build_corpus(
    config: CorpusConfig, out: Path, *, workers: int = 1, watch: Watcher = lambda event: None
) -> Path:
    """Build a corpus, or go on with one that was interrupted.

    Args:
        config: What to build.
        out: Folder of the corpus; what an interrupted build left there is used.
        workers: Compilers to run at once.
        watch: Told about progress.

    Returns:
        The file with the rows.

    Raises:
        InvalidConfigError: If the folder holds a corpus of another configuration.
        BackendError: If the compilers are not installed.
    """
    _claim(config, out)
    preload()
    traced = _trace_all(config, out / "models", workers, watch)
    for done in _labelled(config, traced, out / "parts", workers, watch):
        _publish(replace(config, size=min(done, config.size)), out, final=done >= config.size)
    return out / ROWS_FILE


def _publish(config: CorpusConfig, out: Path, *, final: bool) -> None:
    """Write rows, failures and card of the first ``config.size`` programs."""
    records = list(_records(out / "parts", config.size))
    targets = resolve_targets(config.targets)
    rows = rows_of(records, versions())
    write_rows(rows, targets, out / ROWS_FILE, small=final)
    write_failures(records, out / FAILURES_FILE)
    card = card_text(config.command(), rows, records, targets, out / ROWS_FILE)
    (out / "card.md").write_text(card)


def _claim(config: CorpusConfig, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    path = out / "config.json"
    # A larger size goes on where a smaller one ended.
    wanted = {
        "kind": config.kind, "seed": config.seed, "targets": list(config.targets),
        "versions": versions(),
    }  # fmt: skip
    if path.is_file():
        found = json.loads(path.read_text())
        if found != wanted:
            different = sorted(name for name in wanted if found.get(name) != wanted[name])
            raise InvalidConfigError(
                f"'{out}' holds a corpus with another {', '.join(different)}. "
                "Choose another folder, or the same configuration and tools to go on."
            )
    path.write_text(json.dumps(wanted, indent=1) + "\n")


def _trace_all(
    config: CorpusConfig, folder: Path, workers: int, watch: Watcher
) -> list[tuple[Model, Path]]:
    folder.mkdir(exist_ok=True)
    wanted = models(config.kind)
    missing = [one for one in wanted if not model_path(folder, one).is_file()]
    groups = _batches(missing)

    def tasks() -> Iterator[Task]:
        for group in groups:
            yield partial(_trace, group, config.seed)

    done, failed = len(wanted) - len(missing), 0
    for number, outcome in sandboxed_many(
        tasks(), workers=workers, limit_s=_TRACE_LIMIT_S, memory_bytes=_TRACE_MEMORY
    ):
        for model in groups[number]:
            # A model that cannot be traced leaves an empty file: it is not tried again.
            text = outcome.values.get(_name(model), "")
            failed += not text
            if not text:
                reason = outcome.values.get(f"{_name(model)} failed", str(outcome.failure))
                _write_text(model_path(folder, model).with_suffix(".failed"), f"{reason}\n")
            _write_text(model_path(folder, model), text)
        done += len(groups[number])
        watch(BuildEvent("trace", done, len(wanted), failed))
    paths = [(model, model_path(folder, model)) for model in wanted]
    return [(model, path) for model, path in paths if path.stat().st_size]


def _batches(missing: Sequence[Model]) -> list[list[Model]]:
    # Many models in one child: loading a front end takes longer than tracing.
    batches = []
    for _, group in groupby(missing, key=lambda model: model[0]):
        found = list(group)
        batches += [found[at : at + _BATCH] for at in range(0, len(found), _BATCH)]
    return batches


def _trace(group: Sequence[Model], seed: int, report: Report) -> None:
    for model in group:
        report.stage(f"trace {model[0]} {model[1]}")
        try:
            report.value(_name(model), trace(model, seed))
        except Exception as error:  # one size may fail where another does not
            report.value(f"{_name(model)} failed", f"{type(error).__name__}: {error}"[:300])


def _name(model: Model) -> str:
    return " ".join(map(str, model))


def _write_text(path: Path, text: str) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(path)


def _labelled(
    config: CorpusConfig,
    traced: list[tuple[Model, Path]],
    folder: Path,
    workers: int,
    watch: Watcher,
) -> Iterator[int]:
    """Label chunk after chunk until there are enough programs; yield when to publish them."""
    folder.mkdir(exist_ok=True)
    seen: set[str] = set()
    done = published = lost = chunk = 0
    while done < config.size:
        if chunk * _CHUNK > _DRAWS_PER_PROGRAM * (config.size + _CHUNK):
            raise InvalidConfigError("nearly every draw fails. Look at the failures in the parts.")
        path = _part_path(folder, chunk)
        if not path.is_file():
            watch(BuildEvent("label", done, config.size, lost))
            places = range(chunk * _CHUNK, (chunk + 1) * _CHUNK)

            def labelled(more: int, done: int = done, lost: int = lost) -> None:
                watch(BuildEvent("label", min(done + more, config.size), config.size, lost))

            made = _label_chunk(config, traced, places, seen, workers, labelled)
            _write_text(path, "".join(json.dumps(one) + "\n" for one in made))
        for record in _read(path):
            seen.add(record.get("id", ""))
            done += len(record["samples"])
            lost += len(record["lost"]) + bool(record["failures"])
        chunk += 1
        if config.publish_every and done - published >= config.publish_every:
            published = done
            yield done
    watch(BuildEvent("label", min(done, config.size), config.size, lost))
    yield done


def _part_path(folder: Path, chunk: int) -> Path:
    return folder / f"{chunk:06d}.jsonl"


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _records(folder: Path, size: int) -> Iterator[dict[str, Any]]:
    """Return what became of the draws up to the program number ``size``."""
    done = chunk = 0
    while done < size:
        for record in _read(_part_path(folder, chunk)):
            record["samples"] = record["samples"][: size - done]
            done += len(record["samples"])
            yield record
        chunk += 1


def _label_chunk(
    config: CorpusConfig,
    traced: list[tuple[Model, Path]],
    places: Sequence[int],
    seen: set[str],
    workers: int,
    labelled: Callable[[int], None],
) -> list[dict[str, Any]]:
    drawn = _in_order(
        [partial(_draw, config, traced, place) for place in places],
        workers,
        _DRAW_LIMIT_S,
    )
    records = [_drawn_record(place, one) for place, one in zip(places, drawn, strict=True)]
    known = set(seen)
    fresh = []
    for record in records:
        if record["failures"]:
            continue
        if record["id"] in known:
            record["failures"] = [["draw", "duplicate of an earlier program"]]
            continue
        known.add(record["id"])
        fresh.append(record)
    targets = frozenset(resolve_targets(config.targets))
    children = 1 + max(_SCHEDULES, *_MAX_SCHEDULES.values())
    outcomes = _in_order(
        [partial(_label, config, one, targets, False) for one in fresh],
        workers,
        LIMIT_S * children,
        CPU_S * children,
        labelled,
    )
    for place, outcome in enumerate(outcomes):
        if outcome.died:
            # By one of its schedules, or by what an earlier program left in the process.
            task = partial(_label, config, fresh[place], targets, True)
            outcomes[place] = sandboxed(task, limit_s=LIMIT_S * children, cpu_s=CPU_S)
    for record, outcome in zip(fresh, outcomes, strict=True):
        record["samples"] = outcome.values.get("samples", [])
        record["lost"] = outcome.values.get("lost", [])
        if outcome.failure is not None:
            record["failures"] = [[outcome.failure.stage, outcome.failure.reason]]
    return records


def _in_order(
    tasks: Sequence[Task],
    workers: int,
    limit_s: float,
    cpu_s: float | None = None,
    labelled: Callable[[int], None] = lambda more: None,
) -> list[Outcome]:
    outcomes: dict[int, Outcome] = {}
    for number, outcome in sandboxed_many(
        tasks, workers=workers, limit_s=limit_s, cpu_s=cpu_s, tasks_per_child=_TASKS_PER_CHILD
    ):
        outcomes[number] = outcome
        labelled(sum(len(one.values.get("samples", ())) for one in outcomes.values()))
    return [outcomes[number] for number in range(len(tasks))]


def _draw(
    config: CorpusConfig, traced: list[tuple[Model, Path]], place: int, report: Report
) -> None:
    report.stage("draw")
    program = draw_program(np.random.default_rng([config.seed, 2, place]), traced, config.kind)
    report.value(
        "program", {"text": program.text, "family": program.family, "source": program.source}
    )


def _drawn_record(place: int, outcome: Outcome) -> dict[str, Any]:
    record: dict[str, Any] = {"index": place, "failures": [], "samples": [], "lost": []}
    if outcome.failure is not None:
        record["failures"] = [[outcome.failure.stage, outcome.failure.reason]]
        return record
    drawn = outcome.values["program"]
    return {**record, **drawn, "id": Program(**drawn).id}


def _label(
    config: CorpusConfig,
    record: dict[str, Any],
    targets: frozenset[str],
    protected: bool,
    report: Report,
) -> None:
    report.stage("label")
    program = Program(record["text"], record["family"], record["source"])
    rng = np.random.default_rng([config.seed, 3, record["index"]])
    most = _MAX_SCHEDULES.get(program.source, _SCHEDULES)
    wanted = int(rng.integers(1, most + 1))
    samples = label_program(program, rng, targets, wanted, protected=protected)
    report.value("samples", [_plain(one) for one in samples if not one.lost])
    report.value("lost", [_plain(one) for one in samples if one.lost])


def _plain(sample: Sample) -> dict[str, Any]:
    return {
        "steps": [dict(step) for step in sample.steps],
        "text": sample.text,
        "labels": dict(sample.labels),
        "failures": [list(one) for one in sample.failures],
    }
