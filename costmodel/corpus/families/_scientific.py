"""Stencils, linear algebra and simulation kernels in JAX, in the spirit of PolyBench."""

from collections.abc import Callable

import numpy as np

from costmodel.corpus.families._jax import Array, Inputs, JaxModel, Weights, ragged
from costmodel.targets._toolchain import tool

__all__ = ["SCIENTIFIC"]


def jacobi_2d(w: Weights, x: Array) -> Array:
    """Two sweeps of the five-point average."""
    for _ in range(2):
        inner = (x[1:-1, 1:-1] + x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:]) * 0.2
        x = tool("jax.numpy").pad(inner, 1)
    return x


def heat_3d(w: Weights, x: Array) -> Array:
    """One step of the heat equation in three dimensions."""
    c = x[1:-1, 1:-1, 1:-1]
    along = [
        x[2:, 1:-1, 1:-1] - 2.0 * c + x[:-2, 1:-1, 1:-1],
        x[1:-1, 2:, 1:-1] - 2.0 * c + x[1:-1, :-2, 1:-1],
        x[1:-1, 1:-1, 2:] - 2.0 * c + x[1:-1, 1:-1, :-2],
    ]
    return c + 0.125 * (along[0] + along[1] + along[2])


def fdtd_2d(w: Weights, x: Array) -> tuple[Array, ...]:
    """One step of Maxwell's equations in two dimensions."""
    electric_x, electric_y = w(*x.shape), w(*x.shape)
    electric_y = electric_y[1:] - 0.5 * (x[1:] - x[:-1])
    electric_x = electric_x[:, 1:] - 0.5 * (x[:, 1:] - x[:, :-1])
    curl = electric_x[:-1, 1:] - electric_x[:-1, :-1] + electric_y[:, 1:-1] - electric_y[:, :-2]
    return electric_x, electric_y, x[:-1, 1:-1] - 0.7 * curl


def wave_1d(w: Weights, x: Array) -> Array:
    """Two steps of the wave equation on many strings at once."""
    before, now = w(*x.shape), x
    for _ in range(2):
        middle = now[:, 2:] - 2 * now[:, 1:-1] + now[:, :-2]
        following = 2 * now[:, 1:-1] - before[:, 1:-1] + 0.3 * middle
        before, now = now[:, 1:-1], following
    return now


def gemver(w: Weights, x: Array) -> Array:
    """Two rank-one updates, then two products with a vector."""
    n = x.shape[0]
    updated = x + w(n)[:, None] * w(n)[None, :] + w(n)[:, None] * w(n)[None, :]
    vector = 1.2 * (updated.T @ w(n)) + w(n)
    return 1.5 * (updated @ vector)


def atax(w: Weights, x: Array) -> Array:
    """The product of a matrix's transpose, the matrix and a vector."""
    return x.T @ (x @ w(x.shape[1]))


def bicg(w: Weights, x: Array) -> tuple[Array, Array]:
    """The kernel of the biconjugate gradient method."""
    return x.T @ w(x.shape[0]), x @ w(x.shape[1])


def three_mm(w: Weights, x: Array) -> Array:
    """Three matrix products in a chain."""
    n, m = x.shape
    return (x @ w(m, n)) @ (w(n, m) @ w(m, n))


def syr2k(w: Weights, x: Array) -> Array:
    """A symmetric update of rank 2k."""
    other = w(*x.shape)
    return 1.5 * (x @ other.T) + 1.5 * (other @ x.T) + 1.2 * w(x.shape[0], x.shape[0])


def doitgen(w: Weights, x: Array) -> Array:
    """A multiresolution analysis kernel."""
    return tool("jax.numpy").einsum("rqp,ps->rqs", x, w(x.shape[2], x.shape[2]))


def covariance(w: Weights, x: Array) -> Array:
    """Covariance of columns."""
    centred = x - x.mean(0)
    return centred.T @ centred / float(x.shape[0] - 1)


def correlation(w: Weights, x: Array) -> Array:
    """Correlation of columns."""
    jnp = tool("jax.numpy")
    centred = x - x.mean(0)
    spread = jnp.sqrt((centred * centred).mean(0))
    spread = jnp.where(spread <= 0.1, 1.0, spread)
    scaled = centred / (spread * float(x.shape[0]) ** 0.5)
    return scaled.T @ scaled


def n_body(w: Weights, x: Array) -> Array:
    """Forces of all pairs of bodies."""
    jnp = tool("jax.numpy")
    apart = x[None, :, :] - x[:, None, :]
    square = (apart**2).sum(-1) + 0.01
    pull = w(x.shape[0])[None, :] / (square * jnp.sqrt(square))
    return (apart * pull[:, :, None]).sum(1)


def k_means(w: Weights, x: Array) -> Array:
    """Distances to centres and the soft assignment."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    centres = w(8, x.shape[1])
    square = (x**2).sum(1)[:, None] - 2 * x @ centres.T + (centres**2).sum(1)[None, :]
    share = nn.softmax(-square, -1)
    return (share.T @ x) / jnp.maximum(share.sum(0)[:, None], 1e-3)


def black_scholes(w: Weights, x: Array) -> Array:
    """Prices of call options."""
    jnp, special = tool("jax.numpy"), tool("jax.scipy.special")
    strike, years = w(*x.shape), w(*x.shape)
    spread = 0.3 * jnp.sqrt(years)
    first = (jnp.log(x / strike) + (0.02 + 0.045) * years) / spread
    normal = [0.5 * (1 + special.erf(one * 0.70710678)) for one in (first, first - spread)]
    return x * normal[0] - strike * jnp.exp(-0.02 * years) * normal[1]


def conjugate_gradient(w: Weights, x: Array) -> tuple[Array, Array]:
    """One step of the conjugate gradient method."""
    vector, residual, direction = w(x.shape[0]), w(x.shape[0]), w(x.shape[0])
    product = x @ direction
    length = (residual @ residual) / (direction @ product)
    following = residual - length * product
    share = (following @ following) / (residual @ residual)
    return vector + length * direction, following + share * direction


def lattice_boltzmann(w: Weights, x: Array) -> Array:
    """Collision of a lattice gas with five directions."""
    jnp = tool("jax.numpy")
    density = x.sum(0)
    flow_x, flow_y = (x[1] - x[3]) / density, (x[2] - x[4]) / density
    square = 1.5 * (flow_x**2 + flow_y**2)
    resting = density * (1 - square) / 3
    moving = [
        density * (1 + 3 * flow + 4.5 * flow**2 - square) / 6
        for flow in (flow_x, flow_y, -flow_x, -flow_y)
    ]
    return x + 0.8 * (jnp.stack([resting, *moving]) - x)


def _matrix(rng: np.random.Generator) -> Inputs:
    sizes = (16, 20, 24, 30, 32, 40, 48, 60, 64, 80, 96)
    return [(ragged(rng, *sizes), ragged(rng, *sizes))]


def _square(rng: np.random.Generator) -> Inputs:
    n = ragged(rng, 16, 20, 24, 32, 40, 48, 64, 80, 100)
    return [(n, n)]


def _cube(rng: np.random.Generator) -> Inputs:
    sizes = (6, 8, 10, 12, 16, 20)
    return [(ragged(rng, *sizes), ragged(rng, *sizes), ragged(rng, *sizes))]


def _points(rng: np.random.Generator) -> Inputs:
    return [(ragged(rng, 12, 16, 24, 32, 48, 64), ragged(rng, 2, 3, 4))]


def _lattice(rng: np.random.Generator) -> Inputs:
    return [(5, ragged(rng, 8, 12, 16, 24, 32), ragged(rng, 8, 12, 16, 24, 32))]


SCIENTIFIC: dict[str, tuple[JaxModel, Callable[[np.random.Generator], Inputs]]] = {
    "jacobi-2d": (jacobi_2d, _matrix),
    "heat-3d": (heat_3d, _cube),
    "fdtd-2d": (fdtd_2d, _matrix),
    "wave-1d": (wave_1d, _matrix),
    "gemver": (gemver, _square),
    "atax": (atax, _matrix),
    "bicg": (bicg, _matrix),
    "3mm": (three_mm, _matrix),
    "syr2k": (syr2k, _matrix),
    "doitgen": (doitgen, _cube),
    "covariance": (covariance, _matrix),
    "correlation": (correlation, _matrix),
    "n-body": (n_body, _points),
    "k-means": (k_means, _points),
    "black-scholes": (black_scholes, _matrix),
    "conjugate-gradient": (conjugate_gradient, _square),
    "lattice-boltzmann": (lattice_boltzmann, _lattice),
}
