"""Proxies: models that predict the metrics of designs, and stand in for a simulator."""

from archgym.proxy._examples import Examples
from archgym.proxy._models import MODELS
from archgym.proxy._proxy import Proxy, fit_proxy, train_proxy
from archgym.proxy._scores import Prediction
from archgym.proxy._verify import Verification, Winner, verify_winners

__all__ = [
    "MODELS",
    "Examples",
    "Prediction",
    "Proxy",
    "Verification",
    "Winner",
    "fit_proxy",
    "train_proxy",
    "verify_winners",
]
