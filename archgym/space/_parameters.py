"""Typed parameters of a design space; each is a finite, indexed tuple of values."""

import math
from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from archgym.errors import InvalidConfigError, InvalidDesignError, did_you_mean

Value = str | int | float | bool
Design = dict[str, Value]

# Each parameter holds its values as a tuple with an index; a longer one is a mistake in the model.
MAX_CARDINALITY = 1_000_000

# numpy's boolean is no subclass of bool.
BOOLS = (bool, np.bool_)


@dataclass(frozen=True, slots=True)
class Condition:
    """A parameter is active only while ``parent`` is active and has one of these ``values``."""

    parent: str
    """Name of a parameter declared earlier in the same space."""

    values: tuple[Value, ...]
    """Values of the parent that switch the parameter on; at least one."""

    def __post_init__(self) -> None:
        if isinstance(self.values, str) or not self.values:
            raise InvalidConfigError(
                f"The condition on {self.parent!r} has values={self.values!r}. "
                "Give a non-empty tuple of values of the parent."
            )
        object.__setattr__(self, "values", tuple(self.values))

    def __str__(self) -> str:
        """Return the condition in words."""
        return f"{self.parent} is {' or '.join(map(str, self.values))}"


@dataclass(frozen=True, kw_only=True)
class Parameter(ABC):
    """One named choice of a design.

    Subclasses provide ``values``, the tuple of all values in index order.
    """

    kind: ClassVar[str]
    """The word for this type in files."""

    ordered: ClassVar[bool]
    """Whether neighbouring indices are neighbouring values."""

    name: str
    """A Python identifier, unique in its space."""

    description: str = ""
    """One sentence for tables and help texts."""

    unit: str = ""
    """Unit of the values; empty when they have none."""

    when: Condition | None = None
    """Condition under which the parameter is part of a design; None: always."""

    group: str = ""
    """Parameters of one group belong together; empty: to none. Agents may use it."""

    if TYPE_CHECKING:
        # Some subclasses store the tuple, others derive it: a runtime attribute here would
        # become the default of the dataclass field of the former.
        @property
        def values(self) -> tuple[Value, ...]: ...

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and self.name.isidentifier()):
            raise InvalidConfigError(
                f"Parameter name {self.name!r} is not an identifier. "
                "Use letters, digits and underscores, as in 'page_policy'."
            )

    @cached_property
    def _index_of(self) -> dict[Value, int]:
        return {value: index for index, value in enumerate(self.values)}

    @property
    def cardinality(self) -> int:
        """Number of values."""
        return len(self.values)

    @property
    def allowed(self) -> str:
        """The values in words, for messages and tables."""
        return ", ".join(str(value) for value in self.values)

    def index(self, value: Any) -> int:
        """Return the index of ``value``.

        Raises:
            InvalidDesignError: ``value`` is none of the parameter's values.
        """
        try:
            index = self._index_of[value]
        except (KeyError, TypeError):  # TypeError: unhashable
            raise InvalidDesignError(self._refusal(value)) from None
        # True == 1 and hash(True) == hash(1): the look-up alone would take one for the other.
        if isinstance(value, BOOLS) != isinstance(self.values[index], BOOLS):
            raise InvalidDesignError(self._refusal(value))
        return index

    def moves(self, index: int) -> list[int]:
        """Return the indices that a small change leads to: its neighbours, or if unordered all."""
        if self.ordered:
            return [k for k in (index - 1, index + 1) if 0 <= k < self.cardinality]
        return [k for k in range(self.cardinality) if k != index]

    def parse(self, text: str) -> Value:
        """Return the value that ``text`` spells, as typed on a command line.

        Raises:
            InvalidDesignError: no value is spelled so.
        """
        for value in self.values:
            if str(value) == text:
                return value
        raise InvalidDesignError(self._refusal(text))

    def _refusal(self, value: object) -> str:
        hint = did_you_mean(value, self.values) if isinstance(value, str) else ""
        return f"{self.name}={value!r} is not allowed.{hint} Allowed: {self.allowed}."

    def definition(self) -> dict[str, Any]:
        """Return what the parameter is as JSON-compatible data."""
        when = None
        if self.when is not None:
            when = {"parent": self.when.parent, "values": list(self.when.values)}
        return {
            "kind": self.kind,
            "name": self.name,
            "unit": self.unit,
            "description": self.description,
            "when": when,
            **({"group": self.group} if self.group else {}),
            **self._range(),
        }

    def _range(self) -> dict[str, Any]:
        return {"values": list(self.values)}


@dataclass(frozen=True, kw_only=True)
class Categorical(Parameter):
    """A choice without order, for example a policy."""

    kind: ClassVar[str] = "categorical"
    ordered: ClassVar[bool] = False

    choices: tuple[Value, ...]
    """The values: at least one, all different."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "choices", _checked_tuple(self.name, "choices", self.choices))
        for choice in self.choices:
            if not isinstance(choice, str | int | float):
                raise InvalidConfigError(
                    f"{self.name}: choice {choice!r} is a {type(choice).__name__}. "
                    "Use text, numbers or booleans, which every file format can hold."
                )

    @property
    def values(self) -> tuple[Value, ...]:
        """All values, in index order."""
        return self.choices


class _Numeric(Parameter):
    """A parameter whose values are numbers in rising order."""

    ordered: ClassVar[bool] = True

    def parse(self, text: str) -> Value:
        """Return the value that ``text`` spells; ``8``, ``8.0`` and ``8e0`` are one number.

        Raises:
            InvalidDesignError: no value is spelled so.
        """
        try:
            number = float(text)
        except ValueError:
            raise InvalidDesignError(self._refusal(text)) from None
        return self.values[self.index(number)]


@dataclass(frozen=True, kw_only=True)
class Ordinal(_Numeric):
    """A rising grid of numbers, for example buffer sizes 1, 2, 4, 8."""

    kind: ClassVar[str] = "ordinal"

    values: tuple[int | float, ...]
    """The numbers, strictly rising."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "values", _checked_tuple(self.name, "values", self.values))
        for value in self.values:
            _check_number(self.name, "values", value)
        if any(a >= b for a, b in zip(self.values, self.values[1:], strict=False)):
            raise InvalidConfigError(
                f"{self.name}: values={self.values} are not strictly rising. Sort them."
            )


@dataclass(frozen=True, kw_only=True)
class Integer(_Numeric):
    """Whole numbers from ``low`` to ``high``, both included."""

    kind: ClassVar[str] = "integer"

    low: int
    """Smallest value."""

    high: int
    """Largest value; not reached when ``step`` passes over it."""

    step: int = 1
    """Distance between neighbouring values, at least 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("low", "high", "step"):
            value = getattr(self, field)
            if not isinstance(value, int) or isinstance(value, BOOLS):
                raise InvalidConfigError(f"{self.name}: {field}={value!r} is not a whole number.")
        if self.step < 1 or self.high < self.low:
            raise InvalidConfigError(
                f"{self.name}: low={self.low}, high={self.high}, step={self.step} is empty. "
                "Use low <= high and step >= 1."
            )
        check_cardinality(self.name, (self.high - self.low) // self.step + 1)

    @cached_property
    def values(self) -> tuple[int, ...]:
        """All values, in index order."""
        return tuple(range(self.low, self.high + 1, self.step))

    @property
    def allowed(self) -> str:
        """The values in words, for messages and tables."""
        if self.cardinality <= 3:
            return super().allowed
        step = f" in steps of {self.step}" if self.step > 1 else ""
        return f"{self.low} to {self.values[-1]}{step}"

    def _range(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high, "step": self.step}


@dataclass(frozen=True, kw_only=True)
class Real(_Numeric):
    """A grid of ``steps`` real numbers from ``low`` to ``high``, evenly spaced (or in ratio)."""

    kind: ClassVar[str] = "real"

    low: float
    """Smallest value; above zero when ``log``."""

    high: float
    """Largest value, above ``low``."""

    steps: int = 1001
    """Number of grid points, at least 2: a finite grid makes designs countable and cacheable."""

    log: bool = False
    """Space the points evenly on a logarithmic scale."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("low", "high"):
            _check_number(self.name, field, getattr(self, field))
        if not self.low < self.high or (self.log and self.low <= 0):
            raise InvalidConfigError(
                f"{self.name}: low={self.low}, high={self.high}, log={self.log}. "
                "Use low < high, and low > 0 on a logarithmic scale."
            )
        if not isinstance(self.steps, int) or self.steps < 2:
            raise InvalidConfigError(f"{self.name}: steps={self.steps!r}. Use at least 2 points.")
        check_cardinality(self.name, self.steps)

    @cached_property
    def values(self) -> tuple[float, ...]:
        """All values, in index order."""
        last = self.steps - 1
        if self.log:
            ratio = math.log(self.high / self.low)
            inner = [self.low * math.exp(ratio * i / last) for i in range(1, last)]
        else:
            inner = [self.low + (self.high - self.low) * i / last for i in range(1, last)]
        return (float(self.low), *inner, float(self.high))

    def index(self, value: Any) -> int:
        """Return the index of the grid point that equals ``value`` up to rounding.

        Raises:
            InvalidDesignError: ``value`` lies between grid points or outside them.
        """
        if isinstance(value, (str, BOOLS)):
            raise InvalidDesignError(self._refusal(value))
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise InvalidDesignError(self._refusal(value)) from None
        index = self.nearest(number)
        # Text formats may lose the last digits of a double; a grid step is far wider than this.
        if math.isclose(number, self.values[index], rel_tol=1e-9, abs_tol=1e-9 * self._gap(index)):
            return index
        raise InvalidDesignError(self._refusal(value))

    def nearest(self, number: float) -> int:
        """Return the index of the grid point nearest to ``number``."""
        if math.isnan(number):
            raise InvalidDesignError(self._refusal(number))
        clipped = min(max(number, self.low), self.high)
        if self.log:
            share = math.log(clipped / self.low) / math.log(self.high / self.low)
        else:
            share = (clipped - self.low) / (self.high - self.low)
        return round(share * (self.steps - 1))

    def _gap(self, index: int) -> float:
        other = index + 1 if index + 1 < self.steps else index - 1
        return abs(self.values[index] - self.values[other])

    @property
    def allowed(self) -> str:
        """The values in words, for messages and tables."""
        scale = "logarithmically" if self.log else "evenly"
        return f"{self.steps} points spaced {scale} from {self.low} to {self.high}"

    def _refusal(self, value: object) -> str:
        message = super()._refusal(value)
        if isinstance(value, int | float) and not math.isnan(value):
            message += f" The nearest is {self.values[self.nearest(float(value))]!r}."
        return message

    def _range(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high, "steps": self.steps, "log": self.log}


def _checked_tuple(name: str, field: str, values: Sequence[Any]) -> tuple[Any, ...]:
    if isinstance(values, str):
        raise InvalidConfigError(f"{name}: {field}={values!r} is text. Give a tuple of values.")
    as_tuple = tuple(values)
    check_cardinality(name, len(as_tuple))
    if len(set(as_tuple)) != len(as_tuple):
        raise InvalidConfigError(f"{name}: {field}={as_tuple} holds a value twice. Remove it.")
    return as_tuple


def check_cardinality(name: str, cardinality: int) -> None:
    """Raise InvalidConfigError unless a parameter may have this many values."""
    if not 1 <= cardinality <= MAX_CARDINALITY:
        raise InvalidConfigError(
            f"{name}: {cardinality} values. Allowed: 1 to {MAX_CARDINALITY}; use a coarser grid."
        )


def _check_number(name: str, field: str, value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, BOOLS) or not math.isfinite(value):
        raise InvalidConfigError(f"{name}: {field} holds {value!r}. Use finite numbers.")
