"""Second-order sensitivities of an option's price."""

import math
from typing import Any

import numpy as np

from graphad.leaves import input as placeholder
from graphad.modes.problem import Sample
from graphad.modes.registry import register
from graphad.ops import erf, exp, log, sqrt
from graphad.tensor import Tensor


def _normal(z: Tensor) -> Tensor:
    """The standard normal distribution function."""
    return 0.5 * (1 + erf(z / math.sqrt(2)))


@register("BlackScholes", source="Black and Scholes, J. Polit. Econ. 81, 1973", hessian=True, points=1000)
def black_scholes() -> tuple[Tensor, Any, Sample]:
    """Hessian of a European call's price by spot, strike, interest rate, volatility and time to expiry (years)."""
    names = ("spot", "strike", "rate", "volatility", "time")
    spot, strike, rate, volatility, time = inputs = [placeholder(name, (), "float64") for name in names]
    deviation = volatility * sqrt(time)
    d1 = (log(spot / strike) + (rate + 0.5 * volatility**2) * time) / deviation
    price = spot * _normal(d1) - strike * exp(-rate * time) * _normal(d1 - deviation)
    return price, inputs, draw


def draw(rng: np.random.Generator) -> list[float]:
    """A market near the money."""
    low, high = (80, 80, 0.01, 0.1, 0.25), (120, 120, 0.08, 0.5, 2.0)
    return list(rng.uniform(low, high))
