"""Expected improvement in its logarithm, and what rewards are passed through before a fit."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def log_expected_improvement(mean: Floats, deviation: Floats, best: float) -> Floats:
    """Return log E[max(f - best, 0)] for f normal, exact far into the tail.

    log(s * h(z)) with z = (mean - best) / s and h(z) = phi(z) + z * Phi(z); Ament et al., 2023,
    equations 8 and 9.
    """
    from scipy.special import erfcx, ndtr

    z = (mean - best) / deviation
    log_density = -0.5 * z**2 - 0.5 * np.log(2 * np.pi)
    near = np.maximum(z, -1.0)
    direct = np.log(np.exp(-0.5 * near**2) / np.sqrt(2 * np.pi) + near * ndtr(near))
    far = np.minimum(z, -1.0)
    ratio = -far * np.sqrt(np.pi / 2) * erfcx(-far / np.sqrt(2))
    # 1 - ratio tends to 1 / z^2 and would cancel.
    tail = np.where(far < -1e3, -2 * np.log(-far), np.log1p(-np.minimum(ratio, 1 - 1e-12)))
    return np.asarray(np.where(z > -1.0, direct, log_density + tail) + np.log(deviation))


def asinh(values: Floats) -> Floats:
    """Return values as they are near their median, and logarithmic in both tails."""
    median = np.median(values)
    spread = np.median(np.abs(values - median))
    # Where more than half of the values are one and the same, their distances say nothing.
    spread = spread if spread > 1e-12 * np.ptp(values) else values.std()
    return np.asarray(np.arcsinh((values - median) / (2 * spread if spread > 0 else 1.0)))


def rank(values: Floats) -> Floats:
    """Return the normal quantile of each value's rank; equal values stay equal."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    return np.asarray(ndtri((rankdata(values) - 0.5) / len(values)))


def unchanged(values: Floats) -> Floats:
    """Return the values themselves."""
    return values


WARPS = {"asinh": asinh, "rank": rank, "none": unchanged}
