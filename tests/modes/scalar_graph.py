"""A scalar graph read off tensors, as published elimination counts see one."""

from typing import Any

from graphad import elimination
from graphad.autodiff.local import inputs_of
from graphad.autodiff.modes import order
from graphad.compiler.ir.kinds import Join, Map, View
from graphad.tensor import Tensor

UNITS = {"add": (1, 1), "subtract": (1, -1), "negative": (-1,), "abs": (1,)}


def scalar_graph(y: Tensor, x: Tensor) -> tuple[tuple[list[Any], list[Any], list[Any]], dict[Any, int]]:
    """(edges, inputs, outputs) and the units of a vector y, stacked from scalars, of the elements of a vector x.

    A vertex is a scalar that depends on x; products with a constant are vertices with one edge.
    """
    outputs = _stacked(y)
    number: dict[Tensor, int] = {}
    edges: list[tuple[int, int]] = []
    units: dict[tuple[int, int], int] = {}
    count = x.shape[0]
    for node in order(outputs):
        if isinstance(node.kind, View) and node.operands[0] is x:
            (axis,) = node.kind.map.axes
            number[node] = axis.offset
        elif isinstance(node.kind, View) and node.operands[0] in number:  # reshaped to the same scalar
            number[node] = number[node.operands[0]]
        elif isinstance(node.kind, Map) and any(o in number for o in inputs_of(node)):
            assert node.shape == ()
            number[node] = count
            for i, o in enumerate(node.operands):
                if o in number:
                    edges.append((number[o], count))
                    if node.op.name in UNITS:
                        units[number[o], count] = UNITS[node.op.name][i]
            count += 1
    once = {edge for edge in edges if edges.count(edge) == 1}
    case = edges, list(range(x.shape[0])), [number[out] for out in outputs]
    return case, {edge: sign for edge, sign in units.items() if edge in once}


def _stacked(y: Tensor) -> list[Tensor]:
    """The scalars behind a stack: a join of views of them."""
    assert isinstance(y.kind, Join)
    return [_source(part) for part in y.operands]


def _source(view: Tensor) -> Tensor:
    while view.shape != ():
        (view,) = view.operands
    return view


def solve(y: Tensor, x: Tensor, **options: Any) -> elimination.Solution:
    """The elimination of the scalar graph of y."""
    case, units = scalar_graph(y, x)
    return elimination.solve(*case, units=units, **options)
