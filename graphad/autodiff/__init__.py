"""Autodiff: the one transformation that changes the meaning. All of it is graph to graph."""

from graphad.autodiff.check import GradientError, check_grads
from graphad.autodiff.custom import custom_derivative, stop_gradient
from graphad.autodiff.modes import grad, jvp, vjp
from graphad.autodiff.vectorize import vectorize

__all__ = [
    "GradientError",
    "check_grads",
    "custom_derivative",
    "grad",
    "jvp",
    "stop_gradient",
    "vectorize",
    "vjp",
]
