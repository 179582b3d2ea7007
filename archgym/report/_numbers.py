"""Estimates as people read them: a value with its interval."""

import numpy as np

from archgym._text import number
from archgym.stats import Estimate


def interval(value: Estimate | None, digits: int = 3) -> str:
    """Return an estimate as text: ``0.93 [0.91, 0.95]``."""
    if value is None or np.isnan(value.value):
        return "-"
    ends = f"{number(value.low, digits)}, {number(value.high, digits)}"
    return f"{number(value.value, digits)} [{ends}]"


def percent(value: Estimate | None) -> str:
    """Return a share as text: ``45 % [40, 51]``."""
    if value is None or np.isnan(value.value):
        return "-"
    return f"{100 * value.value:.0f} % [{100 * value.low:.0f}, {100 * value.high:.0f}]"
