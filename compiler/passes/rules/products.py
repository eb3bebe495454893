"""Views of a product's operands: letters already say which axis is which."""

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Contract, View
from graphad.compiler.ir.make import node
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.view import Affine, AxisMap


def contract_of_permuted(x: Node) -> Node | None:
    """``contract(view(a)[i1, i0], b)[ij,jk->ik] -> contract(a, b)[ji,jk->ik]``: no transposed copy.

    An axis along which the operand is only repeated loses its letter, where the other operand has it and it is kept.
    The same products are summed.
    """
    assert isinstance(x.kind, Contract)
    left, right, out = x.kind.left, x.kind.right, x.kind.out
    a, b = x.operands
    new_a, new_left = _unwrapped(a, left, right, out)
    new_b, new_right = _unwrapped(b, right, new_left, out)
    if new_a is a and new_b is b:
        return None
    return node(x.op, Contract(new_left, new_right, out), (new_a, new_b), x.site)


def _unwrapped(x: Node, letters: str, other: str, out: str) -> tuple[Node, str]:
    if not (isinstance(x.kind, View) and isinstance(x.kind.map, Affine)):
        return x, letters
    (operand,) = x.operands
    places: list[int] = []
    for axis, extent in zip(x.kind.map.axes, operand.type.shape, strict=True):
        if len(axis.terms) != 1 or axis != AxisMap(0, ((axis.terms[0][0], 1),)):
            return x, letters
        if x.type.shape[axis.terms[0][0]] != extent or axis.terms[0][0] in places:
            return x, letters
        places.append(axis.terms[0][0])
    repeated = [c for i, c in enumerate(letters) if i not in places]
    if any(c not in other or c not in out for c in repeated):
        return x, letters
    return operand, "".join(letters[i] for i in places)


def permuted_contracts(graph: Graph) -> Graph:
    """``view(contract(a, b)[ij,jk->ik])[i1, i0] -> contract(a, b)[ij,jk->ki]``, where the view alone reads the product.

    Not a local rule: with another reader, the product would be computed twice.
    """
    roots = set(graph.roots)
    found = {n for n in graph.nodes if isinstance(n.kind, Contract) and len(graph.users[n]) == 1 and n not in roots}

    def make(node: Node, operands: tuple[Node, ...]) -> Node:
        new = node.with_operands(operands)
        return _absorbed(new) if node.operands and node.operands[0] in found else new

    return graph.rebuild(make) if found else graph


def _absorbed(x: Node) -> Node:
    inner = x.operands[0]
    if not (isinstance(x.kind, View) and isinstance(x.kind.map, Affine) and isinstance(inner.kind, Contract)):
        return x
    places = [axis.terms[0][0] if len(axis.terms) == 1 else -1 for axis in x.kind.map.axes]
    if sorted(places) != list(range(x.type.ndim)):
        return x
    if any(a != AxisMap(0, ((j, 1),)) for a, j in zip(x.kind.map.axes, places, strict=True)):
        return x
    letters = "".join(inner.kind.out[places.index(j)] for j in range(x.type.ndim))
    found = node(inner.op, Contract(inner.kind.left, inner.kind.right, letters), inner.operands, x.site)
    return found if found.type == x.type else x
