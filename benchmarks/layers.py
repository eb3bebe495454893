"""Layers of the timed nets, as data that every contender reads: shapes, weights, operations.

Weights are drawn here, in torch's layouts (OIHW, (outputs, inputs)), so that all start from the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float32]
Pair: TypeAlias = tuple[Array, Array]
"""Weight and bias of a layer."""


@dataclass(frozen=True)
class Conv:
    """A convolution with bias over one or two axes; weight (outputs, inputs / groups, kernel, ...)."""

    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    axes: int = 2

    @property
    def weight(self) -> tuple[int, ...]:
        return (self.outputs, self.inputs // self.groups, *(self.kernel,) * self.axes)


@dataclass(frozen=True)
class Linear:
    """An affine map with weight (outputs, inputs)."""

    inputs: int
    outputs: int

    @property
    def weight(self) -> tuple[int, ...]:
        return (self.outputs, self.inputs)


@dataclass(frozen=True)
class ReLU:
    """max(x, 0)"""


@dataclass(frozen=True)
class MaxPool:
    """Maxima of windows of `size` along each spatial axis, side by side; what is left at the end is dropped."""

    size: int


@dataclass(frozen=True)
class Flatten:
    """All axes but the batch's into one."""


@dataclass(frozen=True)
class Mean:
    """The mean over all spatial axes."""


@dataclass(frozen=True)
class Residual:
    """x + layers(x)"""

    layers: tuple[Layer, ...]


Layer: TypeAlias = Conv | Linear | ReLU | MaxPool | Flatten | Mean | Residual
Shape: TypeAlias = tuple[int, ...]


def result(layer: Layer, shape: Shape) -> Shape:
    """The shape of one example, without the batch, after the layer.

    >>> result(Conv(1, 6, 5), (1, 32, 32)), result(MaxPool(2), (6, 27, 27))
    ((6, 28, 28), (6, 13, 13))
    """
    channels, *sizes = shape
    match layer:
        case Conv(outputs=outputs, kernel=kernel, stride=stride, padding=padding):
            return (outputs, *((n + 2 * padding - kernel) // stride + 1 for n in sizes))
        case Linear(outputs=outputs):
            return (outputs,)
        case MaxPool(size):
            return (channels, *(n // size for n in sizes))
        case Flatten():
            return (math.prod(shape),)
        case Mean():
            return (channels,)
        case ReLU() | Residual():
            return shape


def walk(layers: Sequence[Layer], shape: Shape) -> Iterator[tuple[Layer, Shape, Shape]]:
    """Each layer with the shapes before and after it; the layers of a residual block come in its place."""
    for layer in layers:
        if isinstance(layer, Residual):
            yield from walk(layer.layers, shape)
        else:
            yield layer, shape, result(layer, shape)
        shape = result(layer, shape)


def flops(layers: Sequence[Layer], shape: Shape) -> list[int]:
    """Floating-point operations an example of each layer with weights: a multiply-add is two.

    >>> flops([Conv(1, 6, 5), ReLU(), Flatten(), Linear(4704, 10)], (1, 32, 32))
    [235200, 94080]
    """
    return [
        2 * math.prod(layer.weight) * math.prod(after[1:])
        for layer, _, after in walk(layers, shape)
        if isinstance(layer, Conv | Linear)
    ]


def weights(layers: Sequence[Layer], shape: Shape, seed: int = 0) -> list[Pair]:
    """Weight and bias of each layer that has them, uniform within 1 / sqrt(inputs of an output)."""
    draw = np.random.default_rng(seed)
    pairs = []
    for layer, _, _ in walk(layers, shape):
        if isinstance(layer, Conv | Linear):
            bound = 1 / math.sqrt(math.prod(layer.weight[1:]))
            both = (draw.uniform(-bound, bound, s).astype(np.float32) for s in (layer.weight, layer.weight[:1]))
            pairs.append((next(both), next(both)))
    return pairs
