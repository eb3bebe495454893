"""Autodiff: the one transformation that changes the meaning. All of it is graph to graph."""

from graphad.autodiff.check import GradientError, check_grads
from graphad.autodiff.custom import custom_derivative, stop_gradient
from graphad.autodiff.depends import UntrainedWarning, movable, parameters
from graphad.autodiff.modes import grad, jvp, order, vjp
from graphad.autodiff.vectorize import vectorize

__all__ = [
    "GradientError",
    "UntrainedWarning",
    "check_grads",
    "custom_derivative",
    "grad",
    "jvp",
    "movable",
    "order",
    "parameters",
    "stop_gradient",
    "vectorize",
    "vjp",
]
