"""A design space in the terms of Gymnasium and of Optuna."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gymnasium import spaces

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import BaseTrial

    from archgym.space import Design, DesignSpace


def multi_discrete(space: "DesignSpace") -> spaces.MultiDiscrete:
    """Return the Gymnasium space of index vectors."""
    return spaces.MultiDiscrete(space.nvec)


def dict_space(space: "DesignSpace") -> spaces.Dict:
    """Return the Gymnasium space of one index per parameter name."""
    return spaces.Dict({p.name: spaces.Discrete(p.cardinality) for p in space.parameters})


def optuna_distributions(space: "DesignSpace") -> "dict[str, BaseDistribution]":
    """Return indices for ordered parameters, choices for the others."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    return {
        p.name: IntDistribution(0, p.cardinality - 1)
        if p.ordered
        else CategoricalDistribution(p.values)
        for p in space.parameters
    }


def from_optuna(space: "DesignSpace", params: Mapping[str, Any]) -> "Design":
    """Return the design of Optuna parameters; inactive ones may be missing."""
    row = []
    for p in space.parameters:
        value = params.get(p.name)
        row.append(0 if value is None else int(value) if p.ordered else p.index(value))
    return space.decode(row)


def to_optuna(space: "DesignSpace", design: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Optuna parameters of a design."""
    return {
        name: space[name].index(value) if space[name].ordered else value
        for name, value in space.validate(design).items()
    }


def suggest(space: "DesignSpace", trial: "BaseTrial") -> "Design":
    """Ask an Optuna trial for the active parameters only, in declaration order."""
    row: dict[int, int | None] = {}
    for i, p in enumerate(space.parameters):
        if not space.forest.is_active(i, row):
            row[i] = None
        elif p.ordered:
            row[i] = trial.suggest_int(p.name, 0, p.cardinality - 1)
        else:
            row[i] = p.index(trial.suggest_categorical(p.name, p.values))
    return space.decode([index or 0 for index in row.values()])
