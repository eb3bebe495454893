"""Chains of dense layers, whose widths decide which mode wins.

The Jacobian of x -> f_q(... f_1(x)) with widths n_0, ..., n_q is a product of q dense matrices. Where the widths grow,
n_0 <= n_1 <= ..., forward mode is the cheapest bracketing; where they shrink, reverse mode is (Griewank and Walther,
Evaluating Derivatives; Naumann, The Art of Differentiating Computer Programs). A waist in between asks for neither.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from graphad.leaves import input as placeholder
from graphad.leaves import parameter
from graphad.modes.problem import Sample
from graphad.modes.registry import register
from graphad.ops import tanh
from graphad.tensor import Tensor

CHAIN: Final = "Griewank and Walther, Evaluating Derivatives, 2008"


def dense_chain(widths: Sequence[int], dtype: str = "float32") -> tuple[Tensor, Any, Sample]:
    """x -> tanh(... tanh(x W_1) ... W_q), its weights scaled so that signals neither die nor saturate."""
    rng = np.random.default_rng(0)
    x = y = placeholder("x", (widths[0],), dtype)
    for k, (inner, outer) in enumerate(pairwise(widths)):
        y = tanh(y @ parameter(f"w{k}", rng.normal(0, inner**-0.5, (inner, outer)).astype(dtype)))
    return y, x, lambda draw: draw.normal(size=widths[0])


@register("GrowingChain", source=CHAIN)
def growing(widths: Sequence[int] = (8, 16, 32, 64, 128, 256)) -> tuple[Tensor, Any, Sample]:
    """Dense tanh layers that widen, n_0 <= n_1 <= ...: forward mode is best."""
    return dense_chain(widths)


@register("ShrinkingChain", source=CHAIN)
def shrinking(widths: Sequence[int] = (256, 128, 64, 32, 16, 8)) -> tuple[Tensor, Any, Sample]:
    """Dense tanh layers that narrow, n_0 >= n_1 >= ...: reverse mode is best."""
    return dense_chain(widths)


@register("MixedChain", source=CHAIN)
def mixed(widths: Sequence[int] = (128, 64, 16, 128, 256, 8, 64, 128)) -> tuple[Tensor, Any, Sample]:
    """Dense tanh layers of widths up and down: the best bracketing is neither mode."""
    return dense_chain(widths)


@register("BowTie", source="Naumann, arXiv 2406.11862: chains with a narrow waist")
def bow_tie(outer: int = 400, waist: int = 8) -> tuple[Tensor, Any, Sample]:
    """A tanh network of widths 400-8-400-8-400: rank 8 in the middle, square outside."""
    return dense_chain((outer, waist, outer, waist, outer))
