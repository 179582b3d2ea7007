"""Sweeps: agents x hyperparameter settings x problems x seeds x budgets, each run once."""

from archgym.sweep._config import SweepAgent, SweepConfig, SweepProblem
from archgym.sweep._results import Sweep, is_sweep
from archgym.sweep._run import SweepResult, load_sweep, run_sweep
from archgym.sweep._scores import Cubes, Goal
from archgym.sweep.tables import AgentRow, LotteryRow

__all__ = [
    "AgentRow",
    "Cubes",
    "Goal",
    "LotteryRow",
    "Sweep",
    "SweepAgent",
    "SweepConfig",
    "SweepProblem",
    "SweepResult",
    "is_sweep",
    "load_sweep",
    "run_sweep",
]
