"""The file that describes a sweep."""

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from archgym.errors import InvalidConfigError, did_you_mean

LABEL_SEPARATOR = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepProblem:
    """A problem of a sweep: ``[[problems]]`` in the file."""

    name: str
    """Id of a registered problem."""

    label: str = ""
    """Name in results; default the problem's id and workload."""

    config: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the problem."""

    objective: str | None = None
    """Specification of the objective; default the problem's own."""

    ground_truth: str | None = None
    """Table of `archgym enumerate`, relative to the file, or name of one of the package's: designs
    are looked up instead of simulated."""

    def __post_init__(self) -> None:
        _require(self, "[[problems]]", _PROBLEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepAgent:
    """An agent of a sweep: ``[[agents]]`` in the file."""

    name: str
    """Name of a registered agent."""

    settings: int = 0
    """Hyperparameter settings drawn from the agent's search ranges, besides its defaults."""

    hyperparameters: Sequence[Mapping[str, Any]] = ()
    """Settings given by hand, besides the drawn ones."""

    defaults: bool = True
    """Whether the defaults are setting 0."""

    def __post_init__(self) -> None:
        _require(self, "[[agents]]", _AGENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepConfig:
    """Everything that is run: problems x agents x settings x seeds x budgets."""

    problems: tuple[SweepProblem, ...]
    """At least one; their labels differ."""

    agents: tuple[SweepAgent, ...]
    """At least one; their names differ."""

    seeds: int = 5
    """Runs of everything, with the seeds 0, 1, ...; paired between agents."""

    budgets: tuple[int, ...] = (100,)
    """Evaluations per run."""

    seed: int = 0
    """Seed from which hyperparameter settings are drawn."""

    timeout_s: float = 3600.0
    """Seconds after which an evaluation counts as hanging and its process is ended."""

    folder: str = "."
    """Where relative paths start; of a file, its own folder."""

    def __post_init__(self) -> None:
        for name in ("problems", "agents", "budgets"):
            if not getattr(self, name):
                raise InvalidConfigError(f"A sweep needs at least one entry in '{name}'.")
        _require(self, "the sweep", _SWEEP)
        _refuse_twins("label", [problem.label or problem.name for problem in self.problems])
        _refuse_twins("agent", [agent.name for agent in self.agents])
        for problem in self.problems:
            if LABEL_SEPARATOR in problem.label:
                raise InvalidConfigError(
                    f"The label {problem.label!r} contains a slash. Use another character."
                )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Read a TOML file.

        Raises:
            InvalidConfigError: it is missing, no TOML, or has an unknown key or a wrong value.
        """
        try:
            content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InvalidConfigError(
                f"Cannot read '{os.fspath(path)}': {error.strerror}. Give a sweep's TOML file."
            ) from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InvalidConfigError(f"'{os.fspath(path)}' is no TOML file: {error}") from None
        return cls.from_dict({"folder": str(Path(path).parent), **content})

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Build the configuration from what a file holds.

        Raises:
            InvalidConfigError: a key is unknown or missing, or a value of the wrong kind.
        """
        values = dict(content)
        for name, kind in (("problems", SweepProblem), ("agents", SweepAgent)):
            entries = values.get(name, ())
            if not isinstance(entries, Sequence) or isinstance(entries, str):
                raise InvalidConfigError(f"'{name}' has to be a list of tables: [[{name}]].")
            values[name] = tuple(_made(kind, entry, f"[[{name}]]") for entry in entries)
        if isinstance(budgets := values.get("budgets"), list):
            values["budgets"] = tuple(budgets)
        made: Self = _made(cls, values, "the sweep")
        return made


def _is_count(value: Any, low: int) -> bool:
    return type(value) is int and value >= low


def _is_list(value: Any, holds: Callable[[Any], bool]) -> bool:
    return isinstance(value, list | tuple) and all(map(holds, value))


_Rules = Mapping[str, tuple[Callable[[Any], bool], str]]

_TEXT = (lambda value: isinstance(value, str), "a text")
_OPTIONAL_TEXT = (lambda value: value is None or isinstance(value, str), "a text")

_PROBLEM: _Rules = {
    **{"name": _TEXT, "label": _TEXT, "objective": _OPTIONAL_TEXT, "ground_truth": _OPTIONAL_TEXT},
    "config": (lambda value: isinstance(value, Mapping), "a table, as { workload = 'stream' }"),
}
_AGENT: _Rules = {
    "name": _TEXT,
    "settings": (lambda value: _is_count(value, 0), "a whole number of at least 0"),
    "hyperparameters": (
        lambda value: _is_list(value, lambda entry: isinstance(entry, Mapping)),
        "a list of tables, as [{ population = 20 }]",
    ),
    "defaults": (lambda value: isinstance(value, bool), "true or false"),
}
_SWEEP: _Rules = {
    "seeds": (lambda value: _is_count(value, 1), "a whole number of at least 1"),
    "budgets": (
        lambda value: _is_list(value, lambda budget: _is_count(budget, 1)),
        "a list of whole numbers of at least 1",
    ),
    "seed": (lambda value: _is_count(value, 0), "a whole number of at least 0"),
    "timeout_s": (
        lambda value: type(value) in (int, float) and value > 0,
        "a number of seconds above 0",
    ),
    "folder": _TEXT,
}


def _require(made: Any, where: str, rules: _Rules) -> None:
    for name, (allowed, what) in rules.items():
        if not allowed(value := getattr(made, name)):
            raise InvalidConfigError(f"{where}: {name}={value!r} is not allowed. Give {what}.")


def _made(kind: Any, values: Any, where: str) -> Any:
    if not isinstance(values, Mapping):
        raise InvalidConfigError(f"{where} holds {values!r} instead of a table of names.")
    known = [spec.name for spec in fields(kind)]
    for name in values:
        if name not in known:
            raise InvalidConfigError(
                f"{where} has the unknown key {name!r}.{did_you_mean(name, known)} "
                f"Allowed: {', '.join(known)}."
            )
    needed = [
        spec.name
        for spec in fields(kind)
        if spec.default is MISSING and spec.default_factory is MISSING
    ]
    missing = [name for name in needed if name not in values]
    if missing:
        raise InvalidConfigError(f"{where} lacks {missing[0]!r}. Needed: {', '.join(needed)}.")
    return kind(**values)


def _refuse_twins(kind: str, names: Sequence[str]) -> None:
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise InvalidConfigError(f"Two entries have the {kind} {twice[0]!r}. Give each its own.")
