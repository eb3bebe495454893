"""Fitting a Gaussian mixture: ADBench's GMM, as its text describes it.

Srajer, Kukelova and Fitzgibbon, A benchmark of selected algorithmic differentiation tools, Optim. Methods Softw. 33,
2018. Three points where its program differs from its text are put right here: likelihood and prior have one sign, the
precision is Q^T Q for the lower triangle Q that is applied to x - mean, and the Wishart prior is on that precision.
"""

import math
from typing import Any

import numpy as np

from graphad.build import refuse
from graphad.compiler.errors import ShapeError
from graphad.leaves import input as placeholder
from graphad.modes.problem import Sample
from graphad.modes.registry import register
from graphad.ops import einsum, exp, logsumexp, sum, take, where
from graphad.tensor import Tensor


def _lower_triangle(log_diagonal: Tensor, below: Tensor) -> Tensor:
    """Q of each component, (k, d, d): exp(log_diagonal) on the diagonal, ``below`` under it, row by row."""
    dimension = int(log_diagonal.shape[1])
    places = np.zeros((dimension, dimension), np.int64)
    rows, columns = np.tril_indices(dimension, -1)
    places[rows, columns] = np.arange(len(rows))
    row, column = np.indices(places.shape)
    diagonal = where(row == column, exp(log_diagonal)[:, :, None], 0.0)
    return where(row > column, take(below, places, axis=1), diagonal)


def _log_wishart_constant(dimension: int, gamma: float, m: int) -> float:
    """Logarithm of the normalisation of the Wishart density, d + m + 1 degrees of freedom and scale I / gamma^2."""
    freedom = dimension + m + 1
    multigamma = dimension * (dimension - 1) / 4 * math.log(math.pi)
    multigamma += math.fsum(math.lgamma((freedom - j) / 2) for j in range(dimension))
    return freedom * dimension * (math.log(gamma) - 0.5 * math.log(2)) - multigamma


@register("GMM", source="ADBench: Srajer, Kukelova and Fitzgibbon, Optim. Methods Softw. 33, 2018")
def mixture(
    dimension: int = 5, components: int = 5, count: int = 200, gamma: float = 1.0, m: int = 0
) -> tuple[Tensor, Any, Sample]:
    """Gradient of a Gaussian mixture's negative log posterior by log-weights, means and precision factors.

    The prior of each precision is Wishart's with dimension + m + 1 degrees of freedom and scale identity / gamma^2.
    """
    if dimension < 2:
        refuse(ShapeError, "GMM", (), f"takes 2 or more dimensions, got {dimension}")
    data = np.random.default_rng(0).normal(size=(count, dimension))
    shapes = {
        "log_weights": (components,),
        "means": (components, dimension),
        "log_diagonal": (components, dimension),
        "below": (components, dimension * (dimension - 1) // 2),
    }
    inputs = [placeholder(name, shape, "float64") for name, shape in shapes.items()]
    log_weights, means, log_diagonal, below = inputs
    factors = _lower_triangle(log_diagonal, below)
    whitened = einsum("kij,nkj->nki", factors, data[:, None, :] - means)
    log_determinants = sum(log_diagonal, axis=1)  # of Q, half of the precision's
    terms = log_weights + log_determinants - 0.5 * sum(whitened**2, axis=2)
    normal = -0.5 * dimension * math.log(2 * math.pi)
    likelihood = sum(logsumexp(terms, axis=1)) - count * logsumexp(log_weights) + count * normal
    # log Wishart density of each precision Q^T Q: m log det Q - gamma^2 / 2 |Q|^2, and its constant
    prior = m * sum(log_determinants) - 0.5 * gamma**2 * sum(factors**2)
    prior = prior + components * _log_wishart_constant(dimension, gamma, m)
    return -(likelihood + prior), inputs, lambda rng: [rng.normal(0, 0.5, s) for s in shapes.values()]
