"""Models behind one contract: fit, predict with intervals, save, load."""

from costmodel.models._model import Checkpoint, Model, Progress
from costmodel.models._predictions import Estimate, Predictions
from costmodel.models._registry import MODELS, PAPER_MODELS, SHIPPED, load_model, make_model
from costmodel.models._target import Target

__all__ = [
    "MODELS",
    "PAPER_MODELS",
    "SHIPPED",
    "Checkpoint",
    "Estimate",
    "Model",
    "Predictions",
    "Progress",
    "Target",
    "load_model",
    "make_model",
]
