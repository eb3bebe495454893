"""Gradients kept from growing too long."""

from collections.abc import Mapping
from typing import TypeVar

from graphad.build import as_tensor, refuse
from graphad.checks import mapped, number_of
from graphad.compiler.errors import GraphError
from graphad.ops.arithmetic import square, where
from graphad.ops.exponential import sqrt
from graphad.ops.reductions import sum as sum_
from graphad.tensor import Tensor

T = TypeVar("T", bound=Tensor)


def global_norm(gradients: Mapping[T, Tensor]) -> Tensor:
    """The Euclidean norm of all gradients as one vector."""
    mapped("global_norm", "gradients", gradients, "{parameter: gradient}")
    if not gradients:
        refuse(GraphError, "global_norm", (), "there are no gradients")
    total: Tensor | None = None
    for gradient in gradients.values():
        part = sum_(square(as_tensor(gradient, "global_norm")))
        total = part if total is None else total + part
    assert total is not None
    return sqrt(total)


def clip_by_global_norm(gradients: Mapping[T, Tensor], limit: float) -> dict[T, Tensor]:
    """All gradients scaled by one factor, min(1, limit / (norm + 1e-6)), as torch's clip_grad_norm_.

    >>> import graphad as ga
    >>> w = ga.parameter("w", [3.0, 4.0])
    >>> clipped = clip_by_global_norm({w: ga.grad(ga.sum(w * w) / 2, w)}, 1.0)
    >>> ga.evaluate(clipped[w]).round(3)
    array([0.6, 0.8], dtype=float32)
    """
    mapped("clip_by_global_norm", "gradients", gradients, "{parameter: gradient}")
    if not number_of(limit) > 0:
        refuse(GraphError, "clip_by_global_norm", (), f"limit is above 0, got {limit!r}")
    ratio = limit / (global_norm(gradients) + 1e-6)
    factor = where(ratio < 1, ratio, 1)
    return {leaf: gradient * factor.astype(gradient.dtype) for leaf, gradient in gradients.items()}
