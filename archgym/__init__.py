"""ArchGym: design-space exploration of computer hardware with machine learning."""

from archgym.agents import AGENTS
from archgym.envs import make, make_problem
from archgym.errors import (
    ArchGymError,
    BackendError,
    FailedRunsError,
    InfeasibleDesignError,
    InvalidConfigError,
    InvalidDesignError,
    RecordError,
    TraceFormatError,
    UnknownNameError,
)
from archgym.objective import Improve, Objective, Paper, Pareto, Product, Target
from archgym.problem import Evaluation, Evaluator, MetricSpec, Problem
from archgym.search import search
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
    "FailedRunsError",
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
