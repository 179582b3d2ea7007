"""Design spaces: typed parameters and one bijection between designs and integer vectors."""

from archgym.space._constraints import Constraint
from archgym.space._parameters import (
    Categorical,
    Condition,
    Design,
    Integer,
    Ordinal,
    Parameter,
    Real,
    Value,
)
from archgym.space._space import DesignSpace
from archgym.space._structured import Permutation, Vector

__all__ = [
    "Categorical",
    "Condition",
    "Constraint",
    "Design",
    "DesignSpace",
    "Integer",
    "Ordinal",
    "Parameter",
    "Permutation",
    "Real",
    "Value",
    "Vector",
]
