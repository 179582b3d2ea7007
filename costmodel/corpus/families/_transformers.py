"""Transformers, mixers and state-space models, as forward passes in JAX: one block of each."""

from collections.abc import Callable

import numpy as np

from costmodel.corpus.families._convolutional import conv, dense, layer_norm
from costmodel.corpus.families._jax import Array, Inputs, JaxModel, Weights, ragged
from costmodel.targets._toolchain import tool

__all__ = ["TRANSFORMERS"]


def _rms_norm(w: Weights, x: Array) -> Array:
    jnp = tool("jax.numpy")
    return x / jnp.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * w(x.shape[-1])


def _heads(x: Array, number: int) -> Array:
    batch, length, features = x.shape
    return x.reshape(batch, length, number, features // number).transpose(0, 2, 1, 3)


def _merged(x: Array) -> Array:
    batch, heads, length, features = x.shape
    return x.transpose(0, 2, 1, 3).reshape(batch, length, heads * features)


def _attend(query: Array, key: Array, value: Array, bias: Array | None = None) -> Array:
    nn, jnp = tool("jax.nn"), tool("jax.numpy")
    scores = jnp.einsum("bhqd,bhkd->bhqk", query, key) / float(query.shape[-1]) ** 0.5
    if bias is not None:
        scores = scores + bias
    return jnp.einsum("bhqk,bhkd->bhqd", nn.softmax(scores, -1), value)


def _self_attention(
    w: Weights, x: Array, heads: int, *, causal: bool = False, bias: bool = False
) -> Array:
    jnp = tool("jax.numpy")
    features, length = x.shape[-1], x.shape[1]
    query, key, value = (_heads(dense(w, x, features), heads) for _ in range(3))
    added = w(heads, length, length) if bias else None
    if causal:
        allowed = jnp.tril(jnp.ones((length, length)))
        added = jnp.where(allowed > 0, 0.0, -1e9)
    return dense(w, _merged(_attend(query, key, value, added)), features)


def _rotated(x: Array) -> Array:
    jnp = tool("jax.numpy")
    length, half = x.shape[2], x.shape[3] // 2
    angles = jnp.arange(length)[:, None] * (1.0 / 10000 ** (jnp.arange(half) / half))[None, :]
    sine, cosine = jnp.sin(angles), jnp.cos(angles)
    left, right = x[..., :half], x[..., half:]
    return jnp.concatenate([left * cosine - right * sine, right * cosine + left * sine], -1)


def bert(w: Weights, x: Array) -> Array:
    """Devlin et al., 2018."""
    nn = tool("jax.nn")
    x = layer_norm(w, x + _self_attention(w, x, 4))
    y = dense(w, nn.gelu(dense(w, x, 2 * x.shape[-1]), approximate=False), x.shape[-1])
    return layer_norm(w, x + y)


def gpt2(w: Weights, x: Array) -> Array:
    """Radford et al., 2019."""
    nn = tool("jax.nn")
    x = x + _self_attention(w, layer_norm(w, x), 4, causal=True)
    return x + dense(w, nn.gelu(dense(w, layer_norm(w, x), 2 * x.shape[-1])), x.shape[-1])


def t5(w: Weights, x: Array) -> Array:
    """Raffel et al., 2019: relative position bias, RMS norm, ReLU."""
    nn = tool("jax.nn")
    x = x + _self_attention(w, _rms_norm(w, x), 4, bias=True)
    y = nn.relu(_rms_norm(w, x) @ w(x.shape[-1], 2 * x.shape[-1]))
    return x + y @ w(2 * x.shape[-1], x.shape[-1])


def llama(w: Weights, x: Array) -> Array:
    """Touvron et al., 2023: rotary positions, RMS norm, gated silu."""
    return _gated_decoder(w, x, groups=4, query_norm=False)


def qwen(w: Weights, x: Array) -> Array:
    """Qwen3 (2025): grouped queries, with queries and keys normalised."""
    return _gated_decoder(w, x, groups=2, query_norm=True)


def _gated_decoder(w: Weights, x: Array, groups: int, *, query_norm: bool) -> Array:
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    features = x.shape[-1]
    y = _rms_norm(w, x)
    query = _heads(y @ w(features, features), 4)
    key, value = (_heads(y @ w(features, features * groups // 4), groups) for _ in range(2))
    if query_norm:
        query, key = _rms_norm(w, query), _rms_norm(w, key)
    key, value = (jnp.repeat(one, 4 // groups, axis=1) for one in (key, value))
    x = x + _merged(_attend(_rotated(query), _rotated(key), value)) @ w(features, features)
    y = _rms_norm(w, x)
    y = nn.silu(y @ w(features, 2 * features)) * (y @ w(features, 2 * features))
    return x + y @ w(2 * features, features)


def vit(w: Weights, x: Array) -> Array:
    """Dosovitskiy et al., 2020: patches, a class token, one block."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    batch, side, _, channels = x.shape
    patches = x.reshape(batch, side // 4, 4, side // 4, 4, channels).transpose(0, 1, 3, 2, 4, 5)
    x = dense(w, patches.reshape(batch, (side // 4) ** 2, 16 * channels), 32)
    x = jnp.concatenate([jnp.broadcast_to(w(1, 1, 32), (batch, 1, 32)), x], 1)
    x = x + w(x.shape[1], 32)
    x = x + _self_attention(w, layer_norm(w, x), 2)
    return x + dense(w, nn.gelu(dense(w, layer_norm(w, x), 64)), 32)


def clip(w: Weights, x: Array) -> Array:
    """Radford et al., 2021: quick GELU, and the contrast of two embeddings."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    y = dense(w, layer_norm(w, x), 2 * x.shape[-1])
    x = x + dense(w, y * nn.sigmoid(1.702 * y), x.shape[-1])
    image, words = x.mean(1) @ w(x.shape[-1], 32), w(x.shape[0], 32)
    image = image / jnp.sqrt((image * image).sum(-1, keepdims=True))
    words = words / jnp.sqrt((words * words).sum(-1, keepdims=True))
    return image @ words.T * 14.3


def tnt(w: Weights, x: Array) -> Array:
    """Han et al., 2021: a transformer inside each patch, and one over the patches."""
    batch, length, features = x.shape
    pixels = x.reshape(batch * length, 4, features // 4)
    pixels = pixels + _self_attention(w, layer_norm(w, pixels), 2)
    x = x + dense(w, layer_norm(w, pixels.reshape(batch, length, features)), features)
    return x + _self_attention(w, layer_norm(w, x), 2)


def swin(w: Weights, x: Array) -> Array:
    """Liu et al., 2021: attention in shifted windows."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    batch, side, _, channels = x.shape
    shifted = jnp.roll(x, (-2, -2), (1, 2))
    windows = shifted.reshape(batch, side // 4, 4, side // 4, 4, channels)
    windows = windows.transpose(0, 1, 3, 2, 4, 5).reshape(-1, 16, channels)
    windows = windows + _self_attention(w, layer_norm(w, windows), 2, bias=True)
    return windows + dense(w, nn.gelu(dense(w, windows, 2 * channels)), channels)


def whisper(w: Weights, x: Array) -> Array:
    """Radford et al., 2022: two convolutions over time, then an encoder block."""
    nn = tool("jax.nn")
    x = nn.gelu(conv(w, x[:, :, None, :], 32, 1))
    x = nn.gelu(conv(w, x, 32, 1, 2))[:, :, 0, :]
    x = x + w(x.shape[1], 32)
    x = x + _self_attention(w, layer_norm(w, x), 4)
    return x + dense(w, nn.gelu(dense(w, layer_norm(w, x), 64)), 32)


def mlp_mixer(w: Weights, x: Array) -> Array:
    """Tolstikhin et al., 2021."""
    nn = tool("jax.nn")
    y = layer_norm(w, x).transpose(0, 2, 1)
    y = dense(w, nn.gelu(dense(w, y, 2 * x.shape[1])), x.shape[1])
    x = x + y.transpose(0, 2, 1)
    return x + dense(w, nn.gelu(dense(w, layer_norm(w, x), 2 * x.shape[-1])), x.shape[-1])


def raft_mlp(w: Weights, x: Array) -> Array:
    """Tatsunami and Taki, 2021: mixing along rows and columns apart, over channel rafts."""
    nn = tool("jax.nn")
    batch, side, _, channels = x.shape
    for axes in ((0, 2, 3, 1), (0, 1, 3, 2)):
        y = layer_norm(w, x).transpose(*axes)
        y = y.reshape(batch, side, channels // 2, 2 * side)
        y = dense(w, nn.gelu(dense(w, y, 3 * side)), 2 * side)
        y = y.reshape(batch, side, channels, side)
        back = [axes.index(place) for place in range(4)]
        x = x + y.transpose(*back)
    return x + dense(w, nn.gelu(dense(w, layer_norm(w, x), 2 * channels)), channels)


def mamba(w: Weights, x: Array) -> Array:
    """Gu and Dao, 2023: a selective scan, unrolled over four steps."""
    jnp, nn = tool("jax.numpy"), tool("jax.nn")
    batch, length, features = x.shape
    y, gate = x @ w(features, 2 * features), x @ w(features, 2 * features)
    y = nn.silu(sum(jnp.roll(y, shift, 1) * w(2 * features) for shift in range(3)))
    step = nn.softplus(dense(w, y, 2 * features))
    state = jnp.zeros((batch, 2 * features, 8))
    decay, read = -jnp.exp(w(2 * features, 8)), y @ w(2 * features, 8)
    outputs = []
    for place in range(min(length, 4)):
        rate = jnp.exp(step[:, place, :, None] * decay)
        state = state * rate + (step * y)[:, place, :, None] * read[:, place, None, :]
        outputs.append((state * read[:, place, None, :]).sum(-1))
    seen = jnp.stack(outputs, 1)
    return (seen * nn.silu(gate[:, : len(outputs)])) @ w(2 * features, features)


def _sequence(rng: np.random.Generator) -> Inputs:
    length = ragged(rng, 4, 8, 10, 12, 16, 20, 24, 32, 48)
    return [(ragged(rng, 1, 1, 2, 4), length, ragged(rng, 16, 24, 32, 48, 64))]


def _image(rng: np.random.Generator) -> Inputs:
    return [(ragged(rng, 1, 1, 2), ragged(rng, 8, 12, 16, 20), 0, ragged(rng, 8, 12, 16))]


def _square(rng: np.random.Generator) -> Inputs:
    ((batch, side, _, channels),) = _image(rng)
    return [(batch, side, side, channels)]


TRANSFORMERS: dict[str, tuple[JaxModel, Callable[[np.random.Generator], Inputs]]] = {
    "bert": (bert, _sequence),
    "gpt2": (gpt2, _sequence),
    "t5": (t5, _sequence),
    "llama": (llama, _sequence),
    "qwen": (qwen, _sequence),
    "vit": (vit, _square),
    "clip": (clip, _sequence),
    "tnt": (tnt, _sequence),
    "swin": (swin, _square),
    "whisper": (whisper, _sequence),
    "mlp-mixer": (mlp_mixer, _sequence),
    "raft-mlp": (raft_mlp, _square),
    "mamba": (mamba, _sequence),
}
