"""Recurrent, graph, recommendation and other networks, as forward passes in JAX."""

from collections.abc import Callable

import numpy as np

from costmodel.corpus.families._convolutional import dense
from costmodel.corpus.families._jax import Array, Inputs, JaxModel, Weights, ragged
from costmodel.targets._toolchain import tool

__all__ = ["INTEGER_INPUTS", "OTHER_NETWORKS"]


def lstm(w: Weights, x: Array) -> Array:
    """Hochreiter and Schmidhuber, 1997; three steps."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    batch, _, features = x.shape
    hidden = cell = jnp.zeros((batch, features))
    inner, outer, bias = w(features, 4 * features), w(features, 4 * features), w(4 * features)
    for place in range(3):
        gates = x[:, place] @ inner + hidden @ outer + bias
        first, forget, update, last = jnp.split(gates, 4, -1)
        cell = nn.sigmoid(forget) * cell + nn.sigmoid(first) * jnp.tanh(update)
        hidden = nn.sigmoid(last) * jnp.tanh(cell)
    return hidden


def gru(w: Weights, x: Array) -> Array:
    """Cho et al., 2014; three steps."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    batch, _, features = x.shape
    hidden = jnp.zeros((batch, features))
    inner, outer = w(features, 3 * features), w(features, 3 * features)
    for place in range(3):
        given, kept = jnp.split(x[:, place] @ inner, 3, -1), jnp.split(hidden @ outer, 3, -1)
        reset, update = nn.sigmoid(given[0] + kept[0]), nn.sigmoid(given[1] + kept[1])
        hidden = (1 - update) * jnp.tanh(given[2] + reset * kept[2]) + update * hidden
    return hidden


def rnn(w: Weights, x: Array) -> Array:
    """Elman, 1990; four steps and an output layer."""
    jnp = tool("jax.numpy")
    hidden = jnp.zeros((x.shape[0], 32))
    inner, outer = w(x.shape[-1], 32), w(32, 32)
    for place in range(4):
        hidden = jnp.tanh(x[:, place] @ inner + hidden @ outer)
    return dense(w, hidden, 10)


def temporal(w: Weights, x: Array) -> Array:
    """Bai et al., 2018: dilated causal convolutions as shifted products."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    features = x.shape[-1]
    for shift in (1, 2):
        past = jnp.pad(x, ((0, 0), (shift, 0), (0, 0)))[:, : x.shape[1]]
        x = x + nn.relu(x @ w(features, features) + past @ w(features, features))
    return x


def gnn(w: Weights, x: Array, senders: Array, receivers: Array) -> Array:
    """Gilmer et al., 2017: gather, transform, scatter-add as a product with one-hot rows."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    messages = nn.relu(dense(w, x[senders], 32))
    places = (receivers[None, :] == jnp.arange(x.shape[0])[:, None]).astype(x.dtype)
    gathered = places @ messages
    return nn.relu(dense(w, jnp.concatenate([x, gathered], -1), 32))


def gcn(w: Weights, x: Array, adjacency: Array) -> Array:
    """Kipf and Welling, 2016: normalised adjacency times features."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    scale = 1.0 / jnp.sqrt(adjacency.sum(-1) + 1.0)
    normal = adjacency * scale[:, None] * scale[None, :]
    x = nn.relu(normal @ (x @ w(x.shape[-1], 32)))
    return nn.log_softmax(normal @ (x @ w(32, 8)), -1)


def gat(w: Weights, x: Array, adjacency: Array) -> Array:
    """Velickovic et al., 2017: attention over neighbours."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    y = x @ w(x.shape[-1], 24)
    scores = nn.leaky_relu((y @ w(24, 1)) + (y @ w(24, 1)).T, 0.2)
    weights = nn.softmax(jnp.where(adjacency > 0.5, scores, -1e9), -1)
    return nn.elu(weights @ y)


def dlrm(w: Weights, x: Array, rows: Array) -> Array:
    """Naumov et al., 2019: embeddings, pairwise products, two perceptrons."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    bottom = nn.relu(dense(w, nn.relu(dense(w, x, 32)), 16))
    looked_up = w(100, 16)[rows]
    vectors = jnp.concatenate([bottom[:, None, :], looked_up], 1)
    products = jnp.einsum("bid,bjd->bij", vectors, vectors)
    together = jnp.concatenate([bottom, products.reshape(x.shape[0], -1)], -1)
    return nn.sigmoid(dense(w, nn.relu(dense(w, together, 24)), 1))


def deepfm(w: Weights, x: Array) -> Array:
    """Guo et al., 2017: a factorisation machine beside a perceptron."""
    nn = tool("jax.nn")
    factors = x[:, :, None] * w(x.shape[1], 8)[None]
    crossed = 0.5 * ((factors.sum(1) ** 2) - (factors**2).sum(1)).sum(-1)
    deep = dense(w, nn.relu(dense(w, factors.reshape(x.shape[0], -1), 32)), 1)[:, 0]
    return nn.sigmoid(crossed + deep + x @ w(x.shape[1]))


def autoencoder(w: Weights, x: Array) -> Array:
    """Kingma and Welling, 2013: encoder, divergence and decoder."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    hidden = nn.relu(dense(w, x, 48))
    mean, spread = dense(w, hidden, 8), dense(w, hidden, 8)
    drawn = mean + jnp.exp(0.5 * spread) * w(x.shape[0], 8)
    restored = nn.sigmoid(dense(w, nn.relu(dense(w, drawn, 48)), x.shape[-1]))
    divergence = -0.5 * (1 + spread - mean**2 - jnp.exp(spread)).sum(-1)
    return ((restored - x) ** 2).sum(-1) + divergence


def nerf(w: Weights, x: Array) -> Array:
    """Mildenhall et al., 2020: positional encoding and a perceptron with a skip."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    waves = [function(x * 2.0**level) for level in range(3) for function in (jnp.sin, jnp.cos)]
    encoded = jnp.concatenate([x, *waves], -1)
    y = nn.relu(dense(w, nn.relu(dense(w, encoded, 48)), 48))
    y = nn.relu(dense(w, jnp.concatenate([y, encoded], -1), 48))
    return nn.sigmoid(dense(w, y, 4))


def mlp(w: Weights, x: Array) -> Array:
    """A perceptron with dropout masks given, and its squared error."""
    nn, jnp = tool("jax.nn"), tool("jax.numpy")
    for features in (64, 32):
        x = jnp.tanh(nn.softplus(dense(w, x, features)) * w(features))
    return ((dense(w, x, 4) - w(x.shape[0], 4)) ** 2).mean()


def mixture(w: Weights, x: Array) -> Array:
    """Shazeer et al., 2017: a softmax gate over four experts."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    gate = nn.softmax(x @ w(x.shape[-1], 4), -1)
    hidden = nn.gelu(jnp.einsum("bf,efg->beg", x, w(4, x.shape[-1], 32)))
    experts = jnp.einsum("beg,egf->bef", hidden, w(4, 32, x.shape[-1]))
    return (experts * gate[:, :, None]).sum(1)


def _sequence(rng: np.random.Generator) -> Inputs:
    return [(ragged(rng, 1, 2, 4, 8), ragged(rng, 4, 6, 8), ragged(rng, 8, 16, 20, 24, 32, 48))]


def _table(rng: np.random.Generator) -> Inputs:
    return [(ragged(rng, 4, 8, 12, 16, 24, 32, 64), ragged(rng, 8, 13, 16, 24, 32, 48, 64))]


def _points(rng: np.random.Generator) -> Inputs:
    return [(ragged(rng, 16, 24, 32, 64, 100, 128), 3)]


def _graph(rng: np.random.Generator) -> Inputs:
    nodes = ragged(rng, 12, 16, 20, 24, 32, 48)
    return [(nodes, ragged(rng, 8, 16, 24, 32)), (nodes, nodes)]


def _edges(rng: np.random.Generator) -> Inputs:
    edges = ragged(rng, 24, 32, 48, 64)
    return [(ragged(rng, 12, 16, 24, 32), ragged(rng, 8, 16, 24, 32)), (edges,), (edges,)]


def _clicks(rng: np.random.Generator) -> Inputs:
    batch = ragged(rng, 4, 8, 16, 32)
    return [(batch, ragged(rng, 8, 13, 16)), (batch, ragged(rng, 3, 4, 6, 8))]


OTHER_NETWORKS: dict[str, tuple[JaxModel, Callable[[np.random.Generator], Inputs]]] = {
    "lstm": (lstm, _sequence),
    "gru": (gru, _sequence),
    "rnn": (rnn, _sequence),
    "temporal-conv": (temporal, _sequence),
    "message-passing": (gnn, _edges),
    "gcn": (gcn, _graph),
    "gat": (gat, _graph),
    "dlrm": (dlrm, _clicks),
    "deepfm": (deepfm, _table),
    "autoencoder": (autoencoder, _table),
    "nerf": (nerf, _points),
    "mlp": (mlp, _table),
    "mixture-of-experts": (mixture, _table),
}
INTEGER_INPUTS = {"message-passing": (1, 2), "dlrm": (1,)}
"""Inputs that hold indices."""
