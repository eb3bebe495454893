"""Accumulated Jacobians, one for each output and input, as structures and as tensors."""

from __future__ import annotations

from typing import TypeAlias

from graphad.build import cast
from graphad.ops.creation import zeros
from graphad.planning.problem import Problem
from graphad.structures import Nodes, Structured, dense
from graphad.tensor import Tensor

Blocks: TypeAlias = dict[tuple[Tensor, Tensor], Structured]
"""dy/dx by (y, x); what is not there is zero."""


def as_tensors(w: Nodes, problem: Problem, blocks: Blocks) -> list[list[Tensor]]:
    """For each output, for each input: dy/dx of shape y.shape + x.shape and y's dtype."""
    return [[_tensor(w, blocks.get((y, x)), y, x) for x in problem.inputs] for y in problem.outputs]


def _tensor(w: Nodes, j: Structured | None, y: Tensor, x: Tensor) -> Tensor:
    if j is None:
        return zeros((*y.shape, *x.shape), y.dtype)
    found = dense(w, j)
    assert isinstance(found, Tensor)
    return cast(found, y.dtype)
