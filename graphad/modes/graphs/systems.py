"""Large sparse systems: a handful of entries in each row of the Jacobian."""

from typing import Any

import numpy as np

from graphad.leaves import input as placeholder
from graphad.modes.problem import Sample
from graphad.modes.registry import register
from graphad.ops import concat, pad, reshape, sum
from graphad.tensor import Tensor


@register("Tridiagonal", source="Broyden's tridiagonal function: Moré, Garbow and Hillstrom, ACM TOMS 7, 1981, no. 30")
def tridiagonal(unknowns: int = 100_000) -> tuple[Tensor, Any, Sample]:
    """Broyden's tridiagonal system (3 - 2 x_i) x_i - x_(i-1) - 2 x_(i+1) + 1: three diagonals."""
    x = placeholder("x", (unknowns,), "float64")
    before, after = pad(x[:-1], ((1, 0),)), pad(x[1:], ((0, 1),))
    return (3 - 2 * x) * x - before - 2 * after + 1, x, lambda rng: rng.uniform(-1, 0, unknowns)


@register("Arrowhead")
def arrowhead(unknowns: int = 100_000) -> tuple[Tensor, Any, Sample]:
    """A hub coupled to all others: first row, first column and diagonal, as in a bordered system."""
    x = placeholder("x", (unknowns,), "float64")
    hub, others = x[0], x[1:]
    first = hub**3 + sum(others**2)
    return concat([reshape(first, (1,)), others**3 + hub * others - 1]), x, lambda rng: _near_one(rng, unknowns)


def _near_one(rng: np.random.Generator, unknowns: int) -> np.ndarray:
    return rng.uniform(0.5, 1.5, unknowns)
