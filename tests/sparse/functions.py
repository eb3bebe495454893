"""Functions with known patterns, and the registry's random graphs as tensors."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

import graphad as ga
from graphad.compiler.ir.graph import topological
from graphad.compiler.ir.node import Node
from graphad.tensor import Tensor
from tests.strategies import Draw, random_graph


def as_tensors(outputs: Sequence[Node]) -> dict[Node, Tensor]:
    """A graph of the compiler's nodes as one that can be differentiated."""
    made: dict[Node, Tensor] = {}
    for node in topological(outputs):
        made[node] = Tensor(node.op, node.kind, tuple(made[o] for o in node.operands), node.type, node.site)
    return made


@st.composite
def random_function(draw: Draw) -> tuple[Tensor, Tensor, dict[Tensor, np.ndarray]]:
    """A float output, a float input that it may depend on, and a point."""
    outputs, values = draw(random_graph(values=(-2.0, -0.5, 0.25, 0.5, 1.0, 1.5, 0.0)))
    made = as_tensors([*outputs, *values])
    floats = [made[y] for y in outputs if y.type.dtype.startswith("float")]
    y = draw(st.sampled_from(floats or [next(iter(made[x] for x in values))]))
    x = draw(st.sampled_from([made[x] for x in values]))
    return y, x, {made[leaf]: value for leaf, value in values.items()}


def tridiagonal(x: Tensor) -> Tensor:
    """y_i = sin(x_{i-1}) + x_i^2 x_{i+1}."""
    return ga.pad(ga.sin(x[:-1]), (1, 0)) + x * x * ga.pad(x[1:], (0, 1))


def arrowhead(x: Tensor) -> Tensor:
    """The first row, the first column, the diagonal."""
    return x[0] * ga.sin(x) + ga.pad(ga.reshape(ga.sum(x**3), (1,)), (0, int(x.shape[0]) - 1))


def band(x: Tensor, width: int) -> Tensor:
    """y_i = the product of x_i .. x_{i + width - 1}."""
    n = int(x.shape[0]) - width + 1
    y = x[:n]
    for k in range(1, width):
        y = y * x[k : k + n]
    return y
