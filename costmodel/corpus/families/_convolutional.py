"""Convolutional networks, as forward passes in JAX: one or two blocks of each."""

from collections.abc import Callable
from typing import Any

import numpy as np

from costmodel.corpus.families._jax import Array, Inputs, JaxModel, Weights, ragged
from costmodel.targets._toolchain import tool

__all__ = ["CONVOLUTIONAL"]

_LAYOUT = ("NHWC", "HWIO", "NHWC")


def _jax() -> tuple[Any, Any, Any]:
    return tool("jax.numpy"), tool("jax.nn"), tool("jax.lax")


def conv(
    w: Weights, x: Array, filters: int, size: int = 3, stride: int = 1, groups: int = 1
) -> Array:
    """Convolve with bias; the sides shrink by the stride only."""
    lax = tool("jax.lax")
    kernel = w(size, size, x.shape[-1] // groups, filters)
    y = lax.conv_general_dilated(
        x, kernel, (stride, stride), "SAME", dimension_numbers=_LAYOUT, feature_group_count=groups
    )
    return y + w(filters)


def norm(w: Weights, x: Array) -> Array:
    """Normalise as batch normalisation does in inference."""
    jnp = tool("jax.numpy")
    channels = x.shape[-1]
    return (x - w(channels)) * (w(channels) / jnp.sqrt(w(channels) + 1e-5)) + w(channels)


def layer_norm(w: Weights, x: Array) -> Array:
    """Normalise over the last dimension."""
    jnp = tool("jax.numpy")
    mean = x.mean(-1, keepdims=True)
    spread = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / jnp.sqrt(spread + 1e-5) * w(x.shape[-1]) + w(x.shape[-1])


def dense(w: Weights, x: Array, features: int) -> Array:
    """Multiply by a matrix and add a bias."""
    return x @ w(x.shape[-1], features) + w(features)


def _pool(x: Array, size: int = 2, stride: int = 2) -> Array:
    jnp, _, lax = _jax()
    window, steps = (1, size, size, 1), (1, stride, stride, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, steps, "VALID")


def _average(x: Array, size: int = 3) -> Array:
    lax = tool("jax.lax")
    window = (1, size, size, 1)
    return lax.reduce_window(x, 0.0, lax.add, window, (1, 1, 1, 1), "SAME") / float(size * size)


def _upsample(x: Array) -> Array:
    jnp = tool("jax.numpy")
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)


def alexnet(w: Weights, x: Array) -> Array:
    """Krizhevsky et al., 2012."""
    nn = tool("jax.nn")
    x = _pool(nn.relu(conv(w, x, 16, 5, 2)), 3)
    x = nn.relu(conv(w, x, 32, 3))
    x = x.reshape(x.shape[0], -1)
    return dense(w, nn.relu(dense(w, x, 48)), 10)


def vgg(w: Weights, x: Array) -> Array:
    """Simonyan and Zisserman, 2014."""
    nn = tool("jax.nn")
    x = nn.relu(conv(w, x, 16))
    x = _pool(nn.relu(conv(w, x, 24)))
    return nn.relu(conv(w, x, 32))


def resnet(w: Weights, x: Array) -> Array:
    """He et al., 2015: a plain block and a bottleneck."""
    nn = tool("jax.nn")
    channels = x.shape[-1]
    y = nn.relu(norm(w, conv(w, x, channels)))
    x = nn.relu(norm(w, conv(w, y, channels)) + x)
    y = nn.relu(norm(w, conv(w, x, channels // 2, 1)))
    y = nn.relu(norm(w, conv(w, y, channels // 2, 3, 2)))
    y = norm(w, conv(w, y, 2 * channels, 1))
    return nn.relu(y + norm(w, conv(w, x, 2 * channels, 1, 2)))


def mobilenet(w: Weights, x: Array) -> Array:
    """Sandler et al., 2018: an inverted residual."""
    nn = tool("jax.nn")
    channels = x.shape[-1]
    y = nn.relu6(norm(w, conv(w, x, 4 * channels, 1)))
    y = nn.relu6(norm(w, conv(w, y, 4 * channels, 3, 1, 4 * channels)))
    return x + norm(w, conv(w, y, channels, 1))


def squeezenet(w: Weights, x: Array) -> Array:
    """Iandola et al., 2016: a fire module."""
    jnp, nn, _ = _jax()
    y = nn.relu(conv(w, x, 8, 1))
    return jnp.concatenate([nn.relu(conv(w, y, 16, 1)), nn.relu(conv(w, y, 16, 3))], -1)


def densenet(w: Weights, x: Array) -> Array:
    """Huang et al., 2016: a dense block and its transition."""
    jnp, nn, _ = _jax()
    for _ in range(2):
        y = conv(w, nn.relu(norm(w, x)), 12)
        x = jnp.concatenate([x, y], -1)
    return _average(conv(w, nn.relu(norm(w, x)), 16, 1), 2)


def shufflenet(w: Weights, x: Array) -> Array:
    """Zhang et al., 2017: grouped convolutions with a channel shuffle."""
    nn = tool("jax.nn")
    batch, rows, columns, channels = x.shape
    y = nn.relu(norm(w, conv(w, x, channels, 1, 1, 2)))
    y = y.reshape(batch, rows, columns, 2, channels // 2).swapaxes(3, 4)
    y = y.reshape(batch, rows, columns, channels)
    y = norm(w, conv(w, y, channels, 3, 1, channels))
    return nn.relu(x + norm(w, conv(w, y, channels, 1, 1, 2)))


def efficientnet(w: Weights, x: Array) -> Array:
    """Tan and Le, 2019: depthwise convolution with squeeze and excitation."""
    nn = tool("jax.nn")
    channels = x.shape[-1]
    y = nn.silu(norm(w, conv(w, x, 3 * channels, 1)))
    y = nn.silu(norm(w, conv(w, y, 3 * channels, 5, 1, 3 * channels)))
    gate = nn.silu(dense(w, y.mean((1, 2)), channels // 2))
    gate = nn.sigmoid(dense(w, gate, 3 * channels))
    return x + norm(w, conv(w, y * gate[:, None, None, :], channels, 1))


def convnext(w: Weights, x: Array) -> Array:
    """Liu et al., 2022."""
    nn = tool("jax.nn")
    channels = x.shape[-1]
    y = layer_norm(w, conv(w, x, channels, 7, 1, channels))
    y = dense(w, nn.gelu(dense(w, y, 4 * channels), approximate=False), channels)
    return x + y * w(channels)


def ghostnet(w: Weights, x: Array) -> Array:
    """Han et al., 2020, with the decoupled attention of GhostNetV2 (Tang et al., 2022)."""
    jnp, nn, _ = _jax()
    channels = x.shape[-1]
    first = nn.relu(norm(w, conv(w, x, channels, 1)))
    cheap = nn.relu(norm(w, conv(w, first, channels, 3, 1, channels)))
    y = jnp.concatenate([first, cheap], -1)
    gate = norm(w, conv(w, _average(x, 2), 2 * channels, 1))
    gate = conv(w, gate, 2 * channels, 5, 1, 2 * channels)
    return y * nn.sigmoid(gate)


def poolformer(w: Weights, x: Array) -> Array:
    """Yu et al., 2021: pooling in place of attention."""
    nn = tool("jax.nn")
    channels = x.shape[-1]
    y = layer_norm(w, x)
    x = x + (_average(y) - y) * w(channels)
    y = dense(w, nn.gelu(dense(w, layer_norm(w, x), 2 * channels)), channels)
    return x + y * w(channels)


def inception(w: Weights, x: Array) -> Array:
    """Szegedy et al., 2014: parallel branches."""
    jnp, nn, _ = _jax()
    branches = [
        nn.relu(conv(w, x, 8, 1)),
        nn.relu(conv(w, nn.relu(conv(w, x, 8, 1)), 12, 3)),
        nn.relu(conv(w, nn.relu(conv(w, x, 4, 1)), 8, 5)),
        nn.relu(conv(w, _average(x), 8, 1)),
    ]
    return jnp.concatenate(branches, -1)


def regnet(w: Weights, x: Array) -> Array:
    """Radosavovic et al., 2020: grouped bottleneck without squeeze."""
    nn = tool("jax.nn")
    channels = x.shape[-1]
    y = nn.relu(norm(w, conv(w, x, channels, 1)))
    y = nn.relu(norm(w, conv(w, y, channels, 3, 1, channels // 4)))
    return nn.relu(x + norm(w, conv(w, y, channels, 1)))


def unet(w: Weights, x: Array) -> Array:
    """Ronneberger et al., 2015: down, up and across."""
    jnp, nn, _ = _jax()
    across = nn.relu(conv(w, x, 16))
    down = nn.relu(conv(w, _pool(across), 24))
    up = jnp.concatenate([_upsample(down), across], -1)
    return conv(w, nn.relu(conv(w, up, 16)), 2, 1)


def diffusion(w: Weights, x: Array) -> Array:
    """A residual block of a diffusion U-Net (Ho et al., 2020): group norm, silu, time embedding."""
    jnp, nn, _ = _jax()
    batch, rows, columns, channels = x.shape
    groups = x.reshape(batch, rows, columns, 4, channels // 4)
    mean = groups.mean((1, 2, 4), keepdims=True)
    spread = ((groups - mean) ** 2).mean((1, 2, 4), keepdims=True)
    y = ((groups - mean) / jnp.sqrt(spread + 1e-5)).reshape(x.shape) * w(channels)
    y = conv(w, nn.silu(y), channels)
    time = dense(w, nn.silu(w(batch, 32)), channels)
    return x + conv(w, nn.silu(y + time[:, None, None, :]), channels)


def _image_inputs(rng: np.random.Generator) -> Inputs:
    side = ragged(rng, 7, 8, 10, 12, 14, 16, 20)
    side += side % 2
    return [(ragged(rng, 1, 1, 1, 2, 4), side, side, ragged(rng, 8, 12, 16, 24, 32))]


def _photo_inputs(rng: np.random.Generator) -> Inputs:
    side = ragged(rng, 16, 20, 24, 28, 32)
    return [(ragged(rng, 1, 1, 2), side, side, 3)]


CONVOLUTIONAL: dict[str, tuple[JaxModel, Callable[[np.random.Generator], Inputs]]] = {
    "alexnet": (alexnet, _photo_inputs),
    "vgg": (vgg, _photo_inputs),
    "resnet": (resnet, _image_inputs),
    "mobilenet": (mobilenet, _image_inputs),
    "squeezenet": (squeezenet, _image_inputs),
    "densenet": (densenet, _image_inputs),
    "shufflenet": (shufflenet, _image_inputs),
    "efficientnet": (efficientnet, _image_inputs),
    "convnext": (convnext, _image_inputs),
    "ghostnetv2": (ghostnet, _image_inputs),
    "poolformer": (poolformer, _image_inputs),
    "inception": (inception, _image_inputs),
    "regnet": (regnet, _image_inputs),
    "unet": (unet, _image_inputs),
    "diffusion": (diffusion, _image_inputs),
}
