"""Figures, from data to plotly's, that need no colour: dashes, markers and widths say the same."""

from archgym.plots._charts import roofline_figure, stacked_figure
from archgym.plots._parallel import Value, parallel_figure
from archgym.plots._pareto import pareto_figure
from archgym.plots._prediction import prediction_figure
from archgym.plots._search import comparison_figure, convergence_figure, importance_figure
from archgym.plots._style import BASELINE, AgentStyle, Axis, agent_styles, metric_label
from archgym.plots._sweep import (
    ecdf_figure,
    interval_figure,
    lottery_figure,
    profile_figure,
    progress_figure,
    ranking_figure,
    variance_figure,
)
from archgym.plots._tradeoff import tradeoff_figure

__all__ = [
    "BASELINE",
    "AgentStyle",
    "Axis",
    "Value",
    "agent_styles",
    "comparison_figure",
    "convergence_figure",
    "ecdf_figure",
    "importance_figure",
    "interval_figure",
    "lottery_figure",
    "metric_label",
    "parallel_figure",
    "pareto_figure",
    "prediction_figure",
    "profile_figure",
    "progress_figure",
    "ranking_figure",
    "roofline_figure",
    "stacked_figure",
    "tradeoff_figure",
    "variance_figure",
]
