"""Follow a tensor through a network, and write down the layers that it meets on the way.

A network is published as kernels, strides, paddings and channel counts; the builder carries the
spatial size through them, so that no layer's shape is ever typed in.
"""

from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypedDict

from simulators.accelerator._layer import Layer
from simulators.errors import InvalidConfigError

Pair: TypeAlias = int | tuple[int, int]
"""One number for both axes, or (height, width)."""


class _Windows(TypedDict):
    n: int
    r: int
    s: int
    p: int
    q: int
    stride: tuple[int, int]
    dilation: tuple[int, int]
    name: str


@dataclass(slots=True)
class ImageBuilder:
    """A batch of images on its way through convolutions: its size now, and the layers so far."""

    batch: int
    channels: int
    height: int
    width: int
    layers: list[Layer] = field(default_factory=list)

    def branch(self) -> "ImageBuilder":
        """Return a second path from here: its own size, the same list of layers."""
        return replace(self)

    def conv(
        self,
        name: str,
        channels: int,
        kernel: Pair,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        groups: int = 1,
    ) -> "ImageBuilder":
        """Convolve to ``channels`` channels; ``groups`` equal to both counts is depthwise."""
        (s, r), (vertical, horizontal) = _pair(kernel), _pair(stride)
        (dilation_h, dilation_w), (pad_h, pad_w) = _pair(dilation), _pair(padding)
        shape = _Windows(
            n=self.batch,
            r=r,
            s=s,
            p=_windows(name, self.width, r, horizontal, pad_w, dilation_w),
            q=_windows(name, self.height, s, vertical, pad_h, dilation_h),
            stride=(horizontal, vertical),
            dilation=(dilation_w, dilation_h),
            name=name,
        )
        if groups == 1:
            layer = Layer.conv(c=self.channels, m=channels, **shape)
        elif groups == self.channels == channels:
            layer = Layer.depthwise(c=channels, **shape)
        else:
            inputs, outputs = self.channels // groups, channels // groups
            layer = Layer.grouped(g=groups, c=inputs, m=outputs, **shape)
        self.layers.append(layer)
        self.channels, self.height, self.width = channels, shape["q"], shape["p"]
        return self

    def pool(self, kernel: int, *, stride: int, padding: int = 0) -> "ImageBuilder":
        """Pool: no multiplication, only a smaller image."""
        self.height = _windows("pool", self.height, kernel, stride, padding, 1)
        self.width = _windows("pool", self.width, kernel, stride, padding, 1)
        return self

    def global_pool(self) -> "ImageBuilder":
        """Average each channel over the whole image."""
        self.height = self.width = 1
        return self

    def linear(self, name: str, features: int) -> "ImageBuilder":
        """Flatten the image, and multiply it by a matrix with ``features`` columns."""
        inputs = self.channels * self.height * self.width
        self.layers.append(Layer.matmul(m=self.batch, n=features, k=inputs, name=name))
        self.channels, self.height, self.width = features, 1, 1
        return self


@dataclass(slots=True)
class TokenBuilder:
    """A batch of token sequences on its way through a transformer, and the layers so far."""

    batch: int
    tokens: int
    width: int
    """Features of a token (the model dimension)."""
    heads: int
    layers: list[Layer] = field(default_factory=list)

    def linear(self, name: str, inputs: int, outputs: int, *, rows: int | None = None) -> None:
        """Multiply every token (or ``rows`` vectors) by an ``inputs`` x ``outputs`` matrix."""
        count = self.batch * self.tokens if rows is None else rows
        self.layers.append(Layer.matmul(m=count, n=outputs, k=inputs, name=name))

    def attend(self, name: str) -> None:
        """Score each query against each key, then average the values: two products a head."""
        head_width, sequences = self.width // self.heads, self.batch * self.heads
        products = (("qk", self.tokens, head_width), ("av", head_width, self.tokens))
        for suffix, columns, inner in products:
            self.layers.append(
                Layer.batched_matmul(
                    b=sequences, m=self.tokens, n=columns, k=inner, name=f"{name}.{suffix}"
                )
            )


def merge_repeats(layers: list[Layer]) -> list[Layer]:
    """Keep the first layer of every shape, with `count` saying how many there are."""
    first: dict[object, Layer] = {}
    for layer in layers:
        shape = (tuple(layer.dims.items()), layer.tensors)
        kept = first.get(shape)
        first[shape] = replace(kept, count=kept.count + layer.count) if kept else layer
    return list(first.values())


def _pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _windows(name: str, size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Count the windows that fit: Dumoulin and Visin 2016, relationship 15."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if room < 0:
        raise InvalidConfigError(
            f"{name}: a window of {kernel} does not fit an image of {size} padded by {padding}. "
            "Allowed: an image at least as large as the window. Give a larger image."
        )
    return room // stride + 1
