"""The contract of an agent, and of its hyperparameters."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from archgym.errors import ArchGymError, InvalidConfigError, did_you_mean
from archgym.space import Design, DesignSpace
from archgym.trials import Trial

if TYPE_CHECKING:
    from archgym.search import Task

Indices = NDArray[np.int64]


class MissingExtraError(ArchGymError, ImportError):
    """An optional library that an agent needs is not installed."""


def require_extra(agent: str, modules: Sequence[str], extra: str) -> None:
    """Raise MissingExtraError unless every module can be imported; none is imported here."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise MissingExtraError(
            f"The agent {agent!r} needs {', '.join(missing)}, which is not installed. "
            f"In the project's folder, run: pip install -c constraints.txt 'archgym[{extra}]'."
        )


def bounded(default: float, low: float | None = None, high: float | None = None) -> Any:
    """Declare a numeric hyperparameter whose values are allowed from ``low`` to ``high``."""
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """Base of every agent's configuration: checks types and bounds, reads and writes dicts."""

    def __post_init__(self) -> None:
        for spec in fields(self):
            _check(type(self), spec.name, getattr(self, spec.name), spec.metadata)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build the configuration from names and values; what is left out has its default.

        Raises:
            InvalidConfigError: a name is unknown or a value is not allowed.
        """
        known = [spec.name for spec in fields(cls)]
        for name in values:
            if name not in known:
                raise InvalidConfigError(
                    f"{_title(cls)} has no hyperparameter {name!r}.{did_you_mean(name, known)} "
                    f"Allowed: {', '.join(known) or 'none'}."
                )
        hints = _hints(cls)  # type: ignore[arg-type]
        return cls(
            **{
                name: float(value) if hints[name] is float and type(value) is int else value
                for name, value in values.items()
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return every hyperparameter by name."""
        return asdict(self)

    @classmethod
    def search_ranges(cls) -> DesignSpace:
        """Return the space of hyperparameters over which this agent is tuned.

        Raises:
            InvalidConfigError: the agent has none.
        """
        raise InvalidConfigError(f"{_title(cls)} has no hyperparameters to tune.")


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)


def _title(cls: type) -> str:
    return cls.__name__.removesuffix("Config")


def _check(cls: type, name: str, value: object, limits: Mapping[str, Any]) -> None:
    hint = _hints(cls)[name]
    if get_origin(hint) is Literal:
        allowed = ", ".join(map(repr, get_args(hint)))
        valid = value in get_args(hint)
    else:
        low, high = limits.get("low"), limits.get("high")
        allowed = f"{hint.__name__}{_interval(low, high)}"
        valid = type(value) is hint or (hint is float and type(value) is int)
        if valid and hint is not bool:
            number: Any = value
            above = low is None or number >= low
            # Written so that NaN is refused.
            valid = above and (high is None or number <= high) and number == number
    if not valid:
        hinted = did_you_mean(value, get_args(hint)) if isinstance(value, str) else ""
        raise InvalidConfigError(
            f"{_title(cls)}: {name}={value!r} is not allowed.{hinted} Allowed: {allowed}."
        )


def _interval(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    if high is None:
        return f" of at least {low}"
    return f" from {low} to {high}"


class Agent(ABC):
    """Proposes designs and learns from their rewards; never sees which problem it searches.

    A subclass is one file: a ``Config``, :meth:`ask` and :meth:`tell`. Agents that drive their own
    loop (reinforcement learning) override :meth:`search` instead.

    All randomness comes from ``self.rng``; given the same space, budget, seed and configuration
    and the same answers, an agent asks for the same designs. Resuming a search relies on it.

    Args:
        space: What to search.
        objectives: Length of ``Trial.rewards``; ``Trial.reward`` is always one number.
        budget: Number of evaluations that the search may spend in all.
        seed: Source of all randomness.
        config: Hyperparameters; default those of ``Config()``.
    """

    name: ClassVar[str]
    """The name in the registry."""

    Config: ClassVar[type[Hyperparameters]] = Hyperparameters
    """The dataclass of the hyperparameters."""

    modules: ClassVar[tuple[str, ...]] = ()
    """Optional libraries without which the agent cannot run."""

    extra: ClassVar[str] = ""
    """The project's extra that installs them."""

    def __init__(
        self,
        space: DesignSpace,
        *,
        objectives: int = 1,
        budget: int,
        seed: int,
        config: Hyperparameters | None = None,
    ) -> None:
        self.require_modules()
        self.space = space
        self.objectives = objectives
        self.budget = budget
        self.seed = seed
        self.config: Any = self.Config() if config is None else config
        if not isinstance(self.config, self.Config):
            raise InvalidConfigError(
                f"The agent {self.name!r} takes a {self.Config.__name__}, "
                f"not a {type(self.config).__name__}."
            )
        self.rng = np.random.default_rng(np.random.SeedSequence(seed))

    @classmethod
    def require_modules(cls) -> None:
        """Raise MissingExtraError unless every library the agent needs can be imported."""
        require_extra(cls.name, cls.modules, cls.extra)

    @abstractmethod
    def ask(self) -> list[Design]:
        """Return one or more legal designs to evaluate; an empty list ends the search."""

    @abstractmethod
    def tell(self, trials: Sequence[Trial]) -> None:
        """Learn from trials: those asked for, in order; the last batch may be cut by the budget."""

    def observe(self, trials: Sequence[Trial]) -> None:  # noqa: B027 - looking on is optional
        """Learn from trials that another agent asked for; by default nothing."""

    def search(self, task: "Task") -> None:
        """Ask, evaluate and tell until the budget is spent."""
        while not task.done:
            designs = self.ask()
            if not designs:
                return
            self.tell(task.evaluate(designs))

    def rewards_of(self, trials: Sequence[Trial]) -> NDArray[np.float64]:
        """Return what the agent maximises, shape (trials, objectives)."""
        rows = [t.rewards if self.objectives > 1 else (t.reward,) for t in trials]
        return np.array(rows, dtype=np.float64).reshape(len(trials), self.objectives)

    def is_legal(self, indices: Indices) -> bool:
        """Return whether one index vector fulfils the constraints of the space."""
        return not self.space.constraints or self.space.is_legal(self.space.decode(indices))

    def decode(self, vectors: Indices) -> list[Design]:
        """Return the designs of index vectors, shape (n, parameters)."""
        return [self.space.decode(row) for row in vectors]


class LoopAgent(Agent):
    """An agent that drives its own loop, as those of reinforcement learning do.

    A subclass defines `search`; nothing can be asked of it or told to it.
    """

    def ask(self) -> list[Design]:
        """Raise: the agent drives its own loop."""
        raise NotImplementedError(
            f"The agent {self.name!r} drives its own loop. Call search(task) instead of ask()."
        )

    def tell(self, trials: Sequence[Trial]) -> None:
        """Raise: the agent drives its own loop."""
        raise NotImplementedError(
            f"The agent {self.name!r} drives its own loop. Call search(task) instead of tell()."
        )

    @abstractmethod
    def search(self, task: "Task") -> None:
        """Evaluate designs of the task until its budget is spent."""
