"""The program for one example: nodes with a batch of 1."""

from collections.abc import Iterable, Mapping

from graphad.compiler.ir.graph import topological
from graphad.compiler.ir.kinds import Fold, Index, Kind, Scatter, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import evaluate


def one_example(roots: Iterable[Node], size: str, done: dict[Node, Node]) -> None:
    """Adds to ``done`` each node that the roots need as it is where ``size`` is 1; one without a batch is itself.

    What counts the batch, such as the divisor of a mean, still does. What is done already stays, and what it needs is
    not looked at, so that many regions of one graph walk over it once.
    """
    at = {size: 1}
    for node in topological(roots, done):
        operands = tuple(done[o] for o in node.operands)
        kind, t = _kind(node.kind, at), node.type.at(at)
        same = (
            kind == node.kind and t == node.type and all(a is b for a, b in zip(operands, node.operands, strict=True))
        )
        done[node] = node if same else Node(node.op, kind, operands, t, node.site, node.label)


def _kind(kind: Kind, at: Mapping[str, int]) -> Kind:
    match kind:
        case Index(shape=shape, axis=axis):
            return Index(tuple(evaluate(d, at) for d in shape), axis)
        case View(map=found):
            return View(found.at(at))
        case Fold(map=found, shape=shape):
            return Fold(found.at(at), tuple(evaluate(d, at) for d in shape))
        case Scatter(axis=axis, size=size):
            return Scatter(axis, evaluate(size, at))
        case _:
            return kind
