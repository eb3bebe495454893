"""Forward and reverse mode over a whole problem."""

from __future__ import annotations

from graphad.planning.blocks import Blocks
from graphad.planning.problem import Problem
from graphad.structures import Weights, forward, identity, reverse


def by_forward(w: Weights, problem: Problem) -> Blocks:
    """A sweep for each input, from the identity."""
    found: Blocks = {}
    for x in dict.fromkeys(problem.inputs):
        reached = forward(w, problem.edges, problem.nodes, {x: identity(x.shape, x.dtype)})
        found |= {(y, x): reached[y] for y in problem.outputs if y in reached}
    return found


def by_reverse(w: Weights, problem: Problem) -> Blocks:
    """A sweep for each output, from the identity."""
    found: Blocks = {}
    for y in dict.fromkeys(problem.outputs):
        reached = reverse(w, problem.edges, problem.nodes, {y: identity(y.shape, y.dtype)}, {*problem.inputs})
        found |= {(y, x): reached[x] for x in problem.inputs if x in reached}
    return found
