"""Initial values: functions (shape, generator) -> float64 array, drawn so that activations keep their scale.

A weight has shape (outputs, inputs, taps...): fan_in = inputs * taps, fan_out = outputs * taps.

He et al., Delving Deep into Rectifiers, arXiv 1502.01852; Glorot and Bengio, Understanding the difficulty of training
deep feedforward neural networks, AISTATS 2010.
"""

import math
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphad.checks import function, one_of, real, shown
from graphad.compiler.errors import ShapeError

Shape: TypeAlias = tuple[int, ...]
Initializer: TypeAlias = Callable[[Shape, np.random.Generator], NDArray[Any]]
Fan: TypeAlias = Literal["fan_in", "fan_out"]


def initializer_of(who: str, initializer: Initializer | None) -> Initializer:
    """The user's, or torch's: Kaiming's uniform rule with a = sqrt(5)."""
    if initializer is None:
        return kaiming_uniform(math.sqrt(5))
    return function(who, "initializer", initializer, "(shape, generator)")


def fans(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight.

    >>> fans((6, 3, 5, 5))
    (75, 150)
    """
    given: object = shape
    if not isinstance(given, tuple | list) or len(given) < 2:
        raise ShapeError(f"a weight of shape {shown(shape)} has no fan: it takes 2 axes, (outputs, inputs, taps...)")
    taps = math.prod(shape[2:])
    return shape[1] * taps, shape[0] * taps


def zeros(shape: Shape, generator: np.random.Generator) -> NDArray[Any]:
    """Zeros."""
    return np.zeros(shape)


def constant(value: float) -> Initializer:
    """``value`` everywhere."""
    number = real("init.constant", "value", value)
    return lambda shape, generator: np.full(shape, number)


def uniform(low: float, high: float) -> Initializer:
    """Uniform in [low, high)."""
    least = real("init.uniform", "low", low)
    most = real("init.uniform", "high", high, least)
    return lambda shape, generator: generator.uniform(least, most, shape)


def normal(mean: float = 0.0, std: float = 1.0) -> Initializer:
    """Normal."""
    centre, spread = real("init.normal", "mean", mean), real("init.normal", "std", std, 0)
    return lambda shape, generator: generator.normal(centre, spread, shape)


def kaiming_uniform(a: float = 0.0, mode: Fan = "fan_in") -> Initializer:
    """Uniform in (-b, b), b = sqrt(6 / ((1 + a^2) fan)), for a leaky ReLU of slope ``a``."""
    _check("kaiming_uniform", a, mode)
    return lambda shape, generator: _symmetric(shape, generator, math.sqrt(3) * _kaiming(shape, a, mode))


def kaiming_normal(a: float = 0.0, mode: Fan = "fan_in") -> Initializer:
    """Normal of variance 2 / ((1 + a^2) fan), for a leaky ReLU of slope ``a``."""
    _check("kaiming_normal", a, mode)
    return lambda shape, generator: generator.normal(0, _kaiming(shape, a, mode), shape)


def xavier_uniform(gain: float = 1.0) -> Initializer:
    """Uniform in (-b, b), b = gain sqrt(6 / (fan_in + fan_out))."""
    real("init.xavier_uniform", "gain", gain, 0)
    return lambda shape, generator: _symmetric(shape, generator, gain * math.sqrt(6 / sum(fans(shape))))


def xavier_normal(gain: float = 1.0) -> Initializer:
    """Normal of variance gain^2 2 / (fan_in + fan_out)."""
    real("init.xavier_normal", "gain", gain, 0)
    return lambda shape, generator: generator.normal(0, gain * math.sqrt(2 / sum(fans(shape))), shape)


def _check(name: str, a: float, mode: Fan) -> None:
    real(f"init.{name}", "a", a)
    one_of(f"init.{name}", "mode", mode, ("fan_in", "fan_out"))


def _kaiming(shape: Shape, a: float, mode: Fan) -> float:
    fan = fans(shape)[0 if mode == "fan_in" else 1]
    return math.sqrt(2 / ((1 + a * a) * fan))


def _symmetric(shape: Shape, generator: np.random.Generator, bound: float) -> NDArray[Any]:
    return generator.uniform(-bound, bound, shape)
