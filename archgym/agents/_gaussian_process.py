"""A Gaussian process over designs of mixed, conditional parameters.

The kernel is the sum of an additive part, which learns each parameter's own effect from few
trials, and a joint part, which learns how parameters act together::

    k(x, x') = a/d * sum_j m(D_j) + p * m(sqrt(sum_j D_j^2)) + noise * [x = x']
    D_j      = |u_j - u'_j| / l_j  (ordered),   [x_j != x'_j] / l_j  (categorical)
    m(D)     = (1 + sqrt(5) D + 5/3 D^2) exp(-sqrt(5) D)         (Matern 5/2)

with u_j in [0, 1] the position of a value on its grid. An inactive ordered parameter sits in the
middle of its grid, an inactive categorical one has a value of its own (Levesque et al., "Bayesian
optimization for conditional hyperparameter spaces", IJCNN 2017). Amplitudes a and p, length scales
l_j and the noise maximise the marginal likelihood times a prior (Rasmussen and Williams, "Gaussian
Processes for Machine Learning", 2006, section 5.4).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archgym.space import DesignSpace, Integer, Parameter

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

# The additive part tabulates the kernel; a finer grid is binned to this many levels there.
MAX_LEVELS = 256

# Integer ranges at least this wide (high / low) act in ratios: 1 to 2 is as far as 64 to 128.
LOG_RATIO = 16

SQRT5 = 5.0**0.5

# Log-normal priors as (mean, standard deviation) of the logarithm. Length scales grow with the
# square root of the dimension: Hvarfner et al., "Vanilla Bayesian optimization performs great in
# high dimensions", ICML 2024, equation 7. Simulators are deterministic, so noise is kept small.
AMPLITUDE_PRIOR = (np.log(0.7), 1.0)
NOISE_PRIOR = (np.log(1e-3), 1.5)
LENGTH_SPREAD = 1.0
BOUNDS_LENGTH = (np.log(0.05), np.log(30.0))
BOUNDS_AMPLITUDE = (np.log(1e-3), np.log(20.0))
BOUNDS_NOISE = (np.log(1e-5), np.log(0.3))


class MixedEncoding:
    """Index vectors as numbers that the kernel works on."""

    def __init__(self, space: DesignSpace) -> None:
        self._space = space
        self.ordered = np.array([parameter.ordered for parameter in space.parameters])
        self._grids = [_positions(parameter) for parameter in space.parameters]
        self._bins = np.minimum(space.nvec, MAX_LEVELS)
        # One level more than values: the inactive one.
        self.levels = [self._level_positions(j) for j in range(len(space))]
        self.offsets = np.concatenate([[0], np.cumsum([len(p) for p in self.levels])])[:-1]

    def __len__(self) -> int:
        return len(self._space)

    def _level_positions(self, j: int) -> Floats:
        bins = int(self._bins[j])
        if not self.ordered[j]:
            return np.arange(bins + 1, dtype=np.float64)
        grid = self._grids[j]
        which = np.arange(len(grid)) * bins // len(grid)
        means = np.bincount(which, weights=grid) / np.bincount(which)
        return np.append(means, 0.5)

    def codes(self, vectors: Indices) -> Indices:
        """Return the level of every entry, int64 of shape (n, parameters)."""
        binned = vectors * self._bins // self._space.nvec
        return np.where(self._space.active(vectors), binned, self._bins)

    def points(self, vectors: Indices) -> Floats:
        """Return positions (ordered) and levels (categorical), shape (n, parameters)."""
        active = self._space.active(vectors)
        columns = [
            np.where(active[:, j], self._grids[j][vectors[:, j]], 0.5)
            if self.ordered[j]
            else np.where(active[:, j], vectors[:, j], self._space.nvec[j]).astype(np.float64)
            for j in range(len(self))
        ]
        return np.stack(columns, axis=1)

    @property
    def width(self) -> int:
        """Number of columns of `features`."""
        return int(sum(1 if o else len(p) for o, p in zip(self.ordered, self.levels, strict=True)))

    @property
    def rows(self) -> int:
        """Number of rows of `table`."""
        return sum(len(positions) for positions in self.levels)

    def features(self, vectors: Indices, lengths: Floats) -> Floats:
        """Return coordinates whose squared distance is sum_j D_j^2, shape (n, width)."""
        points = self.points(vectors)
        columns = []
        for j, length in enumerate(lengths):
            if self.ordered[j]:
                columns.append(points[:, j, None] / length)
            else:
                equal = points[:, j, None] == np.arange(len(self.levels[j]))
                columns.append(equal / (2.0**0.5 * length))
        return np.concatenate(columns, axis=1)

    def table(self, vectors: Indices, lengths: Floats) -> Floats:
        """Return m(D_j) between every level of every parameter and vectors, shape (rows, n)."""
        codes = self.codes(vectors)
        blocks = []
        for j, positions in enumerate(self.levels):
            gaps = positions[:, None] - positions[codes[:, j]]
            squares = gaps**2 if self.ordered[j] else (gaps != 0.0).astype(np.float64)
            blocks.append(matern(squares / lengths[j] ** 2)[0])
        return np.concatenate(blocks)

    def distances(self, a: Floats, b: Floats) -> Floats:
        """Return unscaled squared distances per parameter, shape (parameters, len(a), len(b))."""
        gaps = a.T[:, :, None] - b.T[:, None, :]
        return np.asarray(np.where(self.ordered[:, None, None], gaps**2, gaps != 0.0))


def _positions(parameter: Parameter) -> Floats:
    n = parameter.cardinality
    if isinstance(parameter, Integer) and 0 < parameter.low * LOG_RATIO <= parameter.high:
        values = np.log(np.array(parameter.values, dtype=np.float64))
        return np.asarray((values - values[0]) / (values[-1] - values[0]))
    return np.arange(n) / max(n - 1, 1)


@dataclass(frozen=True, slots=True)
class Hyper:
    """Hyperparameters of the kernel."""

    lengths: Floats
    additive: float
    joint: float
    noise: float

    @classmethod
    def from_log(cls, theta: Floats) -> "Hyper":
        """Read the vector that the likelihood is maximised over."""
        values = np.exp(theta)
        return cls(values[:-3], float(values[-3]), float(values[-2]), float(values[-1]))

    def to_log(self) -> Floats:
        """Return the vector that the likelihood is maximised over."""
        return np.log([*self.lengths, self.additive, self.joint, self.noise])


def matern(squared: Floats) -> tuple[Floats, Floats]:
    """Return Matern 5/2 of squared distances, and minus twice its derivative by the square."""
    scaled = SQRT5 * np.sqrt(squared)
    decay = np.exp(-scaled)
    linear = (1.0 + scaled) * decay
    return linear + (5.0 / 3.0) * squared * decay, (5.0 / 3.0) * linear


def default_hyper(dimension: int) -> Hyper:
    """Return the mode of the priors."""
    lengths = np.full(dimension, np.exp(_length_prior_mean(dimension)))
    amplitude = float(np.exp(AMPLITUDE_PRIOR[0]))
    return Hyper(lengths, amplitude, amplitude, float(np.exp(NOISE_PRIOR[0])))


def _length_prior_mean(dimension: int) -> float:
    # Additive and joint part share the lengths: scaled for the joint one, and shorter than in the
    # paper, whose cube has side 1 for continuous parameters only.
    return float(np.log(0.5 * dimension**0.5))


def perturbed(hyper: Hyper, rng: np.random.Generator) -> Hyper:
    """Return hyperparameters drawn around others, to start a fit from."""
    theta = hyper.to_log()
    return Hyper.from_log(theta + rng.normal(size=theta.shape))


def fit_hyper(
    encoding: MixedEncoding,
    points: Floats,
    targets: Floats,
    starts: list[Hyper],
    max_iterations: int,
) -> Hyper:
    """Return the hyperparameters of the highest posterior density, by L-BFGS from every start."""
    from scipy.optimize import minimize

    squares = encoding.distances(points, points)
    d = len(encoding)
    bounds = [BOUNDS_LENGTH] * d + [BOUNDS_AMPLITUDE] * 2 + [BOUNDS_NOISE]
    low, high = np.array(bounds).T
    best: tuple[float, Floats] | None = None
    for start in starts:
        found = minimize(
            _loss,
            np.clip(start.to_log(), low, high),
            args=(squares, targets),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": max_iterations},
        )
        if np.isfinite(found.fun) and (best is None or found.fun < best[0]):
            best = (float(found.fun), found.x)
    return starts[0] if best is None else Hyper.from_log(best[1])


def _loss(theta: Floats, squares: Floats, targets: Floats) -> tuple[float, Floats]:
    """Return the negative log posterior of the hyperparameters and its gradient."""
    from scipy.linalg import cho_factor, cho_solve

    hyper = Hyper.from_log(theta)
    d, n, _ = squares.shape
    scaled = squares / hyper.lengths[:, None, None] ** 2
    single, single_slope = matern(scaled)
    joint, joint_slope = matern(scaled.sum(axis=0))
    additive = single.mean(axis=0)
    kernel = hyper.additive * additive + hyper.joint * joint
    kernel[np.diag_indices(n)] += hyper.noise
    try:
        factor = cho_factor(kernel, lower=True)
    except np.linalg.LinAlgError:
        return float("inf"), np.zeros_like(theta)
    inverse = cho_solve(factor, np.eye(n))
    weights = inverse @ targets
    pull = inverse - np.outer(weights, weights)  # dK -> d(2 * loss)
    slopes = scaled * (single_slope * (hyper.additive / d) + hyper.joint * joint_slope)
    gradient = np.empty_like(theta)
    gradient[:d] = 0.5 * np.einsum("jab,ab->j", slopes, pull)
    gradient[d] = 0.5 * hyper.additive * np.vdot(pull, additive)
    gradient[d + 1] = 0.5 * hyper.joint * np.vdot(pull, joint)
    gradient[d + 2] = 0.5 * hyper.noise * np.trace(pull)
    loss = 0.5 * float(targets @ weights) + float(np.log(np.diag(factor[0])).sum())
    means, spreads = _priors(d)
    deviations = (theta - means) / spreads
    return loss + 0.5 * float(deviations @ deviations), gradient + deviations / spreads


def _priors(d: int) -> tuple[Floats, Floats]:
    tail = (AMPLITUDE_PRIOR, AMPLITUDE_PRIOR, NOISE_PRIOR)
    means = np.concatenate([np.full(d, _length_prior_mean(d)), [mean for mean, _ in tail]])
    spreads = np.concatenate([np.full(d, LENGTH_SPREAD), [spread for _, spread in tail]])
    return means, spreads


class GaussianProcess:
    """Posterior of a Gaussian process that grows trial by trial.

    The inverse of the Cholesky factor is kept and extended by a row per trial in O(n^2), so that
    predictions are matrix products only.
    """

    def __init__(self, encoding: MixedEncoding, hyper: Hyper) -> None:
        self._encoding = encoding
        self.hyper = hyper
        self._features: Floats = np.empty((0, encoding.width))
        self._table: Floats = np.empty((encoding.rows, 0))
        self._root_inverse: Floats = np.empty((0, 0))
        self._weights: Floats = np.empty(0)

    def __len__(self) -> int:
        return len(self._features)

    @property
    def prior_variance(self) -> float:
        """Variance of the function before any trial."""
        return self.hyper.additive + self.hyper.joint

    def extend(self, vectors: Indices) -> None:
        """Add designs; `condition` then gives all designs their targets."""
        for start in range(0, len(vectors), 64):
            self._extend(vectors[start : start + 64])

    def _extend(self, vectors: Indices) -> None:
        old, new = len(self), len(vectors)
        across = self._covariance(vectors)
        features = self._encoding.features(vectors, self.hyper.lengths)
        table = self._encoding.table(vectors, self.hyper.lengths)
        self._features = np.concatenate([self._features, features])
        table *= self.hyper.additive / len(self._encoding)
        self._table = np.concatenate([self._table, table], axis=1)
        within = self._covariance(vectors)[:, old:]
        within[np.diag_indices(new)] += self.hyper.noise
        # Block Cholesky: [[R, 0], [B, S]] has the inverse [[R^-1, 0], [-S^-1 B R^-1, S^-1]].
        cross = across @ self._root_inverse.T
        corner = np.linalg.inv(_root(within - cross @ cross.T))
        grown = np.zeros((old + new, old + new))
        grown[:old, :old] = self._root_inverse
        grown[old:, :old] = -corner @ (cross @ self._root_inverse)
        grown[old:, old:] = np.tril(corner)
        self._root_inverse = grown

    def condition(self, targets: Floats) -> None:
        """Give every design added so far its target, shape (n,)."""
        self._weights = self._root_inverse.T @ (self._root_inverse @ targets)

    def predict(self, vectors: Indices) -> tuple[Floats, Floats]:
        """Return posterior mean and standard deviation of canonical vectors, each of shape (n,)."""
        covariance = self._covariance(vectors)
        mean = covariance @ self._weights
        explained = covariance @ self._root_inverse.T
        variance = self.prior_variance - np.einsum("ij,ij->i", explained, explained)
        return mean, np.sqrt(np.maximum(variance, 1e-12))

    def _covariance(self, vectors: Indices) -> Floats:
        """Return the kernel between vectors and the designs added so far."""
        features = self._encoding.features(vectors, self.hyper.lengths)
        squared = -2.0 * (features @ self._features.T)
        squared += np.einsum("ij,ij->i", features, features)[:, None]
        squared += np.einsum("ij,ij->i", self._features, self._features)
        joint, _ = matern(np.maximum(squared, 0.0, out=squared))
        joint *= self.hyper.joint
        for rows in (self._encoding.codes(vectors) + self._encoding.offsets).T:
            joint += self._table[rows]
        return joint


def _root(matrix: Floats) -> Floats:
    """Return the Cholesky factor; rounding may take a little more noise to make it exist."""
    for jitter in (0.0, 1e-6, 1e-4, 1e-2):
        try:
            return np.asarray(np.linalg.cholesky(matrix + jitter * np.eye(len(matrix))))
        except np.linalg.LinAlgError:
            continue
    raise np.linalg.LinAlgError("The covariance of the designs is not positive definite.")
