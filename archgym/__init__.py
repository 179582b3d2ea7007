"""ArchGym: design-space exploration of computer hardware with machine learning."""

from typing import TYPE_CHECKING, Any

from archgym.envs import make, make_problem
from archgym.errors import (
    ArchGymError,
    BackendError,
    InfeasibleDesignError,
    InvalidConfigError,
    InvalidDesignError,
    RecordError,
    TraceFormatError,
    UnknownNameError,
)
from archgym.objective import Improve, Objective, Paper, Pareto, Product, Target
from archgym.problem import Evaluation, Evaluator, MetricSpec, Problem
from archgym.space import (
    Categorical,
    Condition,
    Constraint,
    DesignSpace,
    Integer,
    Ordinal,
    Parameter,
    Real,
)

if TYPE_CHECKING:
    from archgym.agents import AGENTS
    from archgym.search import search
    from archgym.trials import load_trials

__version__ = "0.1.0"

__all__ = [
    "AGENTS",
    "ArchGymError",
    "BackendError",
    "Categorical",
    "Condition",
    "Constraint",
    "DesignSpace",
    "Evaluation",
    "Evaluator",
    "Improve",
    "InfeasibleDesignError",
    "Integer",
    "InvalidConfigError",
    "InvalidDesignError",
    "MetricSpec",
    "Objective",
    "Ordinal",
    "Paper",
    "Parameter",
    "Pareto",
    "Problem",
    "Product",
    "Real",
    "RecordError",
    "Target",
    "TraceFormatError",
    "UnknownNameError",
    "load_trials",
    "make",
    "make_problem",
    "search",
]

# Loaded on first use: they bring pandas, pyarrow and scipy, which environments do not need.
_LAZY = {"AGENTS": "archgym.agents", "load_trials": "archgym.trials", "search": "archgym.search"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'archgym' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_LAZY[name]), name)
    # Bound for good: importing the submodule archgym.search set the name to the module.
    globals()[name] = value
    return value
