"""What a model knows of a target: unit, direction, and the scale on which it learns."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from costmodel.errors import ModelError

# Quantities that are shares of something; all others count or measure, from few to very many.
_SHARES = ("utilization", "occupancy", "share", "ratio")

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One number to be predicted."""

    name: str
    """``device/quantity``."""
    unit: str = ""
    """Unit of the value."""
    direction: Literal["min", "max"] = "min"
    """Which way is better."""
    log: bool = False
    """Whether it is learnt as ``log2(1 + value)``."""
    share: bool = False
    """Whether it is a share of something, at most 1."""

    @property
    def device(self) -> str:
        """What it is a property of."""
        return self.name.rpartition("/")[0]

    @property
    def quantity(self) -> str:
        """What is counted or measured."""
        return self.name.rpartition("/")[2]

    def forward(self, values: Values) -> Values:
        """Return values on the scale of learning."""
        return np.log2(1.0 + values) if self.log else values

    def backward(self, scaled: Values) -> Values:
        """Return values in the unit; never negative, and no share above 1."""
        values = np.exp2(np.clip(scaled, -1.0, 300.0)) - 1.0 if self.log else scaled
        return np.clip(values, 0.0, 1.0 if self.share else np.inf)

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the target that was saved."""
        try:
            return cls(**data)
        except TypeError as error:
            raise ModelError(
                f"A target of the model is damaged: {error}. Save the model again."
            ) from error


def describe_targets(names: Sequence[str]) -> tuple[Target, ...]:
    """Return what is known of targets; of unknown ones what their names say."""
    from costmodel.targets import TARGETS

    return tuple(_describe(name, TARGETS.get(name)) for name in names)


def _describe(name: str, spec: Any) -> Target:
    # Counts are learnt as logarithms even where they span few decades: without, the few programs
    # with hundreds of spills rule the squared error.
    log = not name.endswith(_SHARES)
    if spec is None:
        return Target(name=name, log=log)
    unit = "" if spec.unit == "1" else spec.unit
    share = not log and not unit
    return Target(name=name, unit=unit, direction=spec.direction, log=log, share=share)


def scale(targets: Sequence[Target], values: Values) -> Values:
    """Return columns of values on the scales of learning."""
    columns = [target.forward(values[:, i]) for i, target in enumerate(targets)]
    return np.stack(columns, axis=1) if columns else values.copy()


def unscale(targets: Sequence[Target], scaled: Values) -> Values:
    """Return columns in the targets' units."""
    columns = [target.backward(scaled[:, i]) for i, target in enumerate(targets)]
    return np.stack(columns, axis=1) if columns else scaled.copy()
