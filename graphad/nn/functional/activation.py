"""Nonlinearities; the elementwise ones that are ops of their own (relu, sigmoid, tanh) are handed through."""

import math
from typing import Final, Literal

from graphad.autodiff import stop_gradient
from graphad.build import TensorLike, as_tensor, need_float, normalize_axis, refuse
from graphad.checks import one_of, real
from graphad.compiler.errors import GraphError
from graphad.ops.arithmetic import clip, relu, where
from graphad.ops.exponential import erfc, exp, expm1, log
from graphad.ops.hyperbolic import sigmoid, tanh
from graphad.ops.hyperbolic import softplus as softplus_
from graphad.ops.reductions import max as max_
from graphad.ops.reductions import sum as sum_
from graphad.tensor import Tensor

_TANH_GELU: Final = 2 * math.sqrt(2 / math.pi)
_SATURATED: Final = 32.0
"""An |x| for which gelu's sigmoid is 0 or 1 in float64, and its slope 0."""


def _float(name: str, x: TensorLike) -> Tensor:
    tensor = as_tensor(x, name)
    need_float(name, tensor)
    return tensor


def softplus(x: TensorLike, beta: float = 1.0) -> Tensor:
    """``log(1 + exp(beta x)) / beta``, without overflow (so torch's ``threshold`` is not needed)."""
    tensor, beta = _float("softplus", x), real("softplus", "beta", beta)
    if beta <= 0:
        refuse(GraphError, "softplus", (tensor,), f"beta is above 0, got {beta:g}")
    return softplus_(tensor) if beta == 1 else softplus_(tensor * beta) / beta


def logsigmoid(x: TensorLike) -> Tensor:
    """``log(sigmoid(x)) = -softplus(-x)``, accurate for negative x."""
    return -softplus_(-_float("logsigmoid", x))


def gelu(x: TensorLike, approximate: Literal["none", "tanh"] = "none") -> Tensor:
    """``x Phi(x)`` with the normal distribution function Phi, or its approximation by tanh.

    Hendrycks and Gimpel, Gaussian Error Linear Units, arXiv 1606.08415:
    0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). The exact form uses erfc and the approximation
    (1 + tanh(u)) / 2 = sigmoid(2 u), which keep their digits far below zero.
    """
    tensor = _float("gelu", x)
    if one_of("gelu", "approximate", approximate, ("none", "tanh")) == "tanh":
        near = clip(tensor, -_SATURATED, _SATURATED)  # so that inf is not met by a slope of 0
        return tensor * sigmoid(near * (_TANH_GELU + 0.044715 * _TANH_GELU * near * near))
    return 0.5 * tensor * erfc(tensor * -math.sqrt(0.5))


def silu(x: TensorLike) -> Tensor:
    """``x sigmoid(x)``."""
    tensor = _float("silu", x)
    return tensor * sigmoid(tensor)


def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """``x`` where positive, ``alpha (exp(x) - 1)`` elsewhere."""
    tensor, alpha = _float("elu", x), real("elu", "alpha", alpha)
    # the inner choice keeps exp of a large x, infinite, out of the derivative of the branch that is not taken
    return where(tensor > 0, tensor, alpha * expm1(where(tensor > 0, 0, tensor)))


def leaky_relu(x: TensorLike, negative_slope: float = 0.01) -> Tensor:
    """``x`` where positive, ``negative_slope x`` elsewhere."""
    tensor, negative_slope = _float("leaky_relu", x), real("leaky_relu", "negative_slope", negative_slope)
    return where(tensor > 0, tensor, negative_slope * tensor)


def shifted(x: Tensor, axis: int) -> Tensor:
    """``x`` less its greatest element along ``axis``, so that exp does not overflow.

    For what does not change when a constant is added to x (softmax, and log-sum-exp less an element) the derivative by
    the shift is zero identically; leaving it out is exact to any order and spares its terms, which cancel.
    """
    return x - stop_gradient(max_(x, axis, keepdims=True))


def softmax(x: TensorLike, dim: int) -> Tensor:
    """``exp(x) / sum(exp(x))`` along an axis; no x is too large.

    >>> from graphad import evaluate
    >>> evaluate(softmax([1000.0, 1000.0], 0))
    array([0.5, 0.5], dtype=float32)
    """
    tensor = _float("softmax", x)
    axis = normalize_axis("softmax", tensor, dim)
    powers = exp(shifted(tensor, axis))
    return powers / sum_(powers, axis, keepdims=True)


def log_softmax(x: TensorLike, dim: int) -> Tensor:
    """``x - log(sum(exp(x)))`` along an axis; no x is too large."""
    tensor = _float("log_softmax", x)
    axis = normalize_axis("log_softmax", tensor, dim)
    low = shifted(tensor, axis)
    return low - log(sum_(exp(low), axis, keepdims=True))


__all__ = [
    "elu",
    "gelu",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]
