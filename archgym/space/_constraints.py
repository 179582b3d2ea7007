"""Constraints between parameters, and the number of designs that fulfil them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archgym.space._activity import ActivityForest, Assignment
from archgym.space._parameters import Design, Parameter

# Counting under constraints walks through what they read; a wider scope is left uncounted.
MAX_COUNTED = 1_000_000


@dataclass(frozen=True, slots=True)
class Constraint:
    """A rule that is known before a design is evaluated."""

    name: str
    """Identifier, the key in ``violations``."""

    function: Callable[[Design], float]
    """Design to value; a value <= 0 is feasible, a larger one says by how much it is violated."""

    description: str = ""
    """One sentence: what is required, and why."""

    parameters: tuple[str, ...] = ()
    """The parameters that ``function`` reads; empty: any. Naming them keeps ``size`` exact."""

    counted: bool = True
    """Whether ``size`` may call ``function`` up to a million times; if not, it leaves it out."""


def design_of(parameters: Sequence[Parameter], row: Assignment) -> Design:
    """Return the design, or part of one, that ``row`` assigns."""
    return {
        parameters[i].name: parameters[i].values[index]
        for i, index in row.items()
        if index is not None
    }


def count_legal(
    parameters: Sequence[Parameter], forest: ActivityForest, constraints: Sequence[Constraint]
) -> tuple[int, bool]:
    """Return the number of distinct legal designs, and whether every constraint was counted.

    Only the parameters that constraints read are walked through; the rest is multiplied. A
    constraint that reads too much, or is not to be counted, is left out, and the number then is an
    upper bound.
    """
    position = {parameter.name: i for i, parameter in enumerate(parameters)}
    counted: list[Constraint] = []
    scope: set[int] = set()
    for constraint in constraints:
        if not constraint.counted:
            continue
        reads = constraint.parameters or position
        wider = scope | forest.with_ancestors(position[name] for name in reads)
        if math.prod(forest.cardinalities[i] for i in wider) <= MAX_COUNTED:
            counted.append(constraint)
            scope = wider
    number = sum(
        forest.completions(row)
        for row in forest.assignments(sorted(scope))
        if all(c.function(design_of(parameters, row)) <= 0 for c in counted)
    )
    return number, len(counted) == len(constraints)
