"""Proxies: models that predict the metrics of designs, and stand in for a simulator."""

from archgym.proxy._examples import Examples
from archgym.proxy._models import MODELS
from archgym.proxy._proxy import Proxy, fit_proxy, train_proxy
from archgym.proxy._scores import Prediction

__all__ = ["MODELS", "Examples", "Prediction", "Proxy", "fit_proxy", "train_proxy"]
