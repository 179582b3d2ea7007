"""Learned cost models that read compiler programs as text and predict what hardware will do."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costmodel._dataset import Dataset
    from costmodel.models import Predictions
    from costmodel.predict import CostModel

__all__ = ["CostModel", "Dataset", "Predictions"]

_HOMES = {
    "CostModel": "costmodel.predict",
    "Dataset": "costmodel._dataset",
    "Predictions": "costmodel.models",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'costmodel' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
