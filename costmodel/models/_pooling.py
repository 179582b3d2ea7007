"""From the sites of a program to the program: its worst site, the sum of all, or their mean.

A value of each site and of each program is on the scale ``log2(1 + x)``, except means.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from costmodel.features import Sites, site_feature_names
from costmodel.models._target import Target, Values

Kind = Literal["max", "sum", "mean"]

_WORST = ("register_pressure_fp", "register_pressure_gpr", "registers", "vgprs", "sgprs")
_SHARPNESS = 8.0
"""How much the worst site outweighs the others: a soft maximum, so that all sites learn."""
_LEAST, _MOST = -30.0, 60.0
_OVER_TIME = ("executed_instructions", "cycles", "latency", "energy")
_OF_PROGRAM = {
    "flops": "program_flops",
    "bytes": "program_bytes",
    "arithmetic_intensity": "program_intensity",
}
_WIDTHS = {"haswell": "256", "neoverse": "128"}
_COUNTED = (
    *_WORST,
    *("spills", "reloads", "spill_bytes", "stack_bytes", "shared_bytes", "lds_bytes", "occupancy"),
)
_RARE = ("spills", "reloads", "spill_bytes", "shared_bytes", "lds_bytes")


def pooling_of(target: Target) -> Kind:
    """Return how sites make up a program for a target."""
    if not target.log or target.quantity in _OF_PROGRAM:
        return "mean"
    return "max" if target.quantity in _WORST else "sum"


def guess_of(target: Target) -> int:
    """Return the feature of a site that estimates its part of a target; -1 if there is none.

    Operations times iterations for what adds up over time; what the text says for analytic
    targets; for floating-point registers of a CPU
    the accumulators and rows that a contraction on vectors keeps.
    """
    names = site_feature_names()
    quantity = target.quantity
    if quantity in _OF_PROGRAM:
        return names.index(_OF_PROGRAM[quantity])
    if quantity.endswith(_OVER_TIME) and target.log:
        return names.index("work")
    if quantity != "register_pressure_fp":
        return -1
    width = next((bits for cpu, bits in _WIDTHS.items() if cpu in target.device), "512")
    return names.index(f"accumulators_and_rows_{width}")


def is_rare(target: Target) -> bool:
    """Whether many programs have none of it, so that whether one has any is learnt by itself."""
    return target.log and target.quantity.endswith(_RARE)


def is_counted(target: Target) -> bool:
    """Whether a target has few distinct values, which follow from the structure of a program.

    Registers, spills and what is allocated: all but what adds up over iterations or instructions.
    """
    return target.quantity in _COUNTED


@dataclass(frozen=True, slots=True)
class Pool:
    """The sites of several programs.

    Args:
        sites: The sites.
    """

    sites: Sites

    @property
    def of_site(self) -> npt.NDArray[np.int64]:
        """The program of each site."""
        counts = np.diff(self.sites.starts)
        return np.repeat(np.arange(len(counts)), counts)

    def guesses(self, column: int, constant: float) -> Values:
        """Return where learning starts for each site: the feature, if it says anything."""
        if column < 0:
            return np.full(len(self.sites.rows), constant)
        values = self.sites.rows[:, column].astype(np.float64)
        return np.where(values > 0, values, constant)

    def pooled(self, values: Values, kind: Kind) -> tuple[Values, Values]:
        """Return the value of each program, and how it changes with that of each site."""
        first = self.sites.starts[:-1]
        if not len(first):
            return np.empty(0), np.empty(0)
        if kind == "max":
            top = np.maximum.reduceat(values, first)
            sizes = np.exp2(_SHARPNESS * (values - top[self.of_site]))
            total = np.add.reduceat(sizes, first)
            return top + np.log2(total) / _SHARPNESS, sizes / total[self.of_site]
        if kind == "sum":
            sizes = np.exp2(np.clip(values, _LEAST, _MOST))
            total = 1.0 + np.add.reduceat(sizes, first)
            return np.log2(total), sizes / total[self.of_site]
        work = self.sites.rows[:, site_feature_names().index("work")].astype(np.float64)
        sizes = np.exp2(np.minimum(work, _MOST))
        weights = sizes / np.add.reduceat(sizes, first)[self.of_site]
        return np.add.reduceat(weights * values, first), weights

    def highest(self, values: Values) -> npt.NDArray[np.int64]:
        """Return the site of each program that has the highest value, of several the first."""
        order = np.lexsort((-values, self.of_site))
        found: npt.NDArray[np.int64] = order[self.sites.starts[:-1]]
        return found

    def any_of(self, rates: Values) -> Values:
        """Return how probable it is that some site has an event, from each one's log rate.

        Events of a site are as of a Poisson process, so that rates of sites add up.
        """
        if len(self.sites.starts) < 2:
            return np.empty(0)
        total = np.add.reduceat(np.exp(np.clip(rates, -20.0, 6.0)), self.sites.starts[:-1])
        chance: Values = -np.expm1(-np.maximum(total, 1e-9))
        return chance


def hurdle(values: Values, chance: Values) -> Values:
    """Return values that round to zero where an event is improbable, and rise with its chance."""
    some = np.maximum(values, np.log2(1.51 + 0.2 * (chance - 0.5).clip(0.0)))
    none = np.log2(1.0 + 0.98 * chance)
    return np.where(chance < 0.5, none, some)
