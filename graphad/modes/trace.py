"""A scalar function worked through as on paper: each intermediate value with its tangents, then with its adjoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from graphad.autodiff.local import inputs_of
from graphad.autodiff.modes import check_reach, order, pull_back, push_forward
from graphad.build import known_number, refuse
from graphad.checks import mapped
from graphad.compiler.errors import GraphError, ShapeError
from graphad.compiler.ir.kinds import Leaf
from graphad.evaluate import evaluate
from graphad.ops import ones_like
from graphad.tensor import Tensor
from graphad.text import Text, table

_INFIX: Final = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "pow": "^"}
_PREFIX: Final = {"negative": "-{}", "square": "{} ^ 2", "reciprocal": "1 / {}"}


def trace_table(y: Tensor, values: Mapping[Tensor, Any]) -> Text:
    """Two tables: v_k, its operation, value and tangents in forward order; v_k and its adjoint in reverse order.

    A tangent is dv_k/dx, one for each input x; the adjoint of v_k is dy/dv_k, gathered from those that use v_k.

    Args:
        y: a scalar, computed of scalars.
        values: a number for each input.

    Errors: ShapeError for a tensor with axes, GraphError where y does not depend on what a value is given for.

    >>> import graphad as ga
    >>> x, y = ga.input("x", (), "float64"), ga.input("y", (), "float64")
    >>> trace_table(x * y + ga.sin(x), {x: 2.0, y: 3.0})
    forward  operation     value       d/dx  d/dy
    x        = input           2          1     0
    y        = input           3          0     1
    v1       = x * y           6          3     2
    v2       = sin(x)   0.909297  -0.416147     0
    v3       = v1 + v2    6.9093    2.58385     2
    <BLANKLINE>
    reverse  adjoint  through
    v3             1  seed
    v2             1  v3
    v1             1  v3
    y              2  v1
    x        2.58385  v1, v2
    """
    if not isinstance(y, Tensor):
        refuse(GraphError, "trace_table", (y,), "the first argument is a scalar tensor")
    inputs, seen = (
        list(mapped("trace_table", "values", values, "{x: value}")),
        order([y], lambda node: inputs_of(node)[::-1]),
    )  # the left operand first
    check_reach("trace_table", [y], inputs, seen)
    computed = [node for node in seen if node not in values and known_number(node) is None]
    nodes = [*inputs, *computed]
    for node in nodes:
        if node.shape != ():
            refuse(ShapeError, "trace_table", (y,), f"takes scalars, {node!r} ({node.site}) has axes; use ga.unstack")
    names = {x: _leaf(x) for x in inputs} | {node: f"v{k}" for k, node in enumerate(computed, 1)}
    tangents = [push_forward(nodes, [x], [ones_like(x)]) for x in inputs]
    adjoints = pull_back([y], [ones_like(y)], nodes)
    primal, *moved, gathered = evaluate([nodes, *tangents, adjoints], values)
    down = _forward(nodes, names, inputs, primal, moved)
    return Text(f"{down}\n\n{_reverse(nodes, names, gathered)}")


def _forward(
    nodes: Sequence[Tensor],
    names: Mapping[Tensor, str],
    inputs: Sequence[Tensor],
    primal: Sequence[np.ndarray],
    tangents: Sequence[Sequence[np.ndarray]],
) -> str:
    head = ("forward", "operation", "value", *(f"d/d{_leaf(x)}" for x in inputs))
    rows = [
        (names[node], f"= {_operation(node, names)}", *(_number(v) for v in (value, *column)))
        for node, value, *column in zip(nodes, primal, *tangents, strict=True)
    ]
    return table(head, rows, right="23456789")


def _reverse(nodes: Sequence[Tensor], names: Mapping[Tensor, str], adjoints: Sequence[np.ndarray]) -> str:
    users: dict[Tensor, list[str]] = {node: [] for node in nodes}
    for node in nodes:
        for x in dict.fromkeys(o for o in inputs_of(node) if o in users):
            users[x].append(names[node])
    rows = [
        (names[node], _number(value), ", ".join(users[node]) or "seed")
        for node, value in zip(reversed(nodes), reversed(adjoints), strict=True)
    ]
    return table(("reverse", "adjoint", "through"), rows, right="1")


def _operation(node: Tensor, names: Mapping[Tensor, str]) -> str:
    if isinstance(node.kind, Leaf):
        return node.kind.role
    shown = [names[o] if o in names else f"{known_number(o):g}" for o in inputs_of(node)]
    name = node.op.name
    if name in _INFIX:
        return f" {_INFIX[name]} ".join(shown)
    return _PREFIX[name].format(*shown) if name in _PREFIX else f"{name}({', '.join(shown)})"


def _leaf(x: Tensor) -> str:
    return getattr(x.kind, "name", None) or repr(x)


def _number(value: np.ndarray) -> str:
    return f"{float(value):.6g}"
