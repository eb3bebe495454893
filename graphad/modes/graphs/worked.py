"""Two functions small enough to differentiate by hand, from lectures on automatic differentiation."""

from typing import Any

from graphad.leaves import input as placeholder
from graphad.modes.problem import Sample
from graphad.modes.registry import register
from graphad.ops import cosh, exp, log, sin, sqrt, tanh
from graphad.tensor import Tensor


def _inputs(*names: str) -> list[Tensor]:
    return [placeholder(name, (), "float64") for name in names]


@register("WorkedExample_1", points=1000, worked=(2.0, 1.0))
def products_and_roots() -> tuple[Tensor, Any, Sample]:
    """y log x + sqrt(y log x)."""
    x, y = _inputs("x", "y")
    product = y * log(x)
    return product + sqrt(product), [x, y], lambda rng: [rng.uniform(1.5, 4), rng.uniform(0.5, 2)]


@register("WorkedExample_2", points=1000, worked=(2.0, 1.0, 1.0))
def nested_quotient() -> tuple[Tensor, Any, Sample]:
    """sin((cosh(y^2 + x/z) + tanh(xyz)) / log(1 + e^x))."""
    x, y, z = _inputs("x", "y", "z")
    numerator = cosh(y**2 + x / z) + tanh(x * y * z)
    return sin(numerator / log(1 + exp(x))), [x, y, z], lambda rng: list(rng.uniform(0.5, 1.5, 3))
