"""Common subexpressions: equal computations become one node."""

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Leaf, Map
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import MapOp


def cse(graph: Graph) -> Graph:
    """Two nodes of the same op, kind, type and operands become the first of them.

        %1: float32[4] = sin(%0)              %1: float32[4] = sin(%0)
        %2: float32[4] = sin(%0)        ->    %2: float32[4] = add(%1, %1)
        %3: float32[4] = add(%1, %2)

    Constants are equal when their bits are; commutative ops are equal with their operands exchanged. Leaves are never
    merged, so two random-number states stay two streams. The numbers stay bitwise the same.

    Relies on simplify, which makes equal views look equal. Leaves unused nodes to nobody: what no root needs is gone.
    """
    number: dict[Node, int] = {}
    first: dict[tuple[object, ...], Node] = {}

    def make(node: Node, operands: tuple[Node, ...]) -> Node:
        kept = node.with_operands(operands)
        if not isinstance(node.kind, Leaf):
            kept = first.setdefault(_key(kept, number), kept)
        number.setdefault(kept, len(number))
        return kept

    return graph.rebuild(make)


def equal_nodes(graph: Graph) -> dict[Node, int]:
    """A number for each node, the same for those that cse would merge."""
    number: dict[Node, int] = {}
    first: dict[tuple[object, ...], int] = {}
    for node in graph.nodes:
        leaf = isinstance(node.kind, Leaf)
        number[node] = len(number) if leaf else first.setdefault(_key(node, number), len(number))
    return number


def _key(node: Node, number: dict[Node, int]) -> tuple[object, ...]:
    operands = [number[o] for o in node.operands]
    if isinstance(node.kind, Map):
        if isinstance(node.op, MapOp) and node.op.commutative:
            operands.sort()
        # an op has one scalar expression: its identity stands for it, which spares hashing the tree
        return (id(node.op), id(node.kind.scalar), *operands)
    return (id(node.op), node.kind, node.type.dtype, *operands)
