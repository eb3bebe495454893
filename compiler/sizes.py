"""Which symbolic sizes a program can take at run time, and graphs with the others replaced by numbers."""

from collections.abc import Mapping

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.infer import infer
from graphad.compiler.ir.kinds import Fold, Index, Kind, Scatter, SizeOf, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, FloorDiv, Size, evaluate
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine


def fixed_sizes(graph: Graph) -> tuple[str, ...]:
    """The names that have to be numbers before lowering: all but those that only ever count along first axes.

    Such a size, the examples of a batch, changes trip counts but no stride, so code for one number runs for all.
    """
    names: set[str] = set()
    fixed: set[str] = set()
    for node in graph.nodes:
        for shape in _shapes(node):
            for axis, d in enumerate(shape):
                found = d.names() if isinstance(d, Size) else set()
                names |= found
                if axis > 0 or not _plain(d):
                    fixed |= found
        fixed |= _in_offsets(node.kind)
    return tuple(sorted(fixed & names | fixed))


def _shapes(node: Node) -> list[Shape]:
    kind = node.kind
    found = [node.type.shape]
    if isinstance(kind, Fold):
        found += [kind.shape, kind.map.shape]
    if isinstance(kind, Scatter):
        found.append((kind.size,))
    return found


def _plain(d: Dim) -> bool:
    """A number, or a name times a number."""
    if isinstance(d, int):
        return True
    return len(d.terms) == 1 and len(d.terms[0][0]) == 1 and not isinstance(d.terms[0][0][0], FloorDiv)


def _in_offsets(kind: Kind) -> set[str]:
    found: Affine | None = None
    if isinstance(kind, Fold | View) and isinstance(kind.map, Affine):
        found = kind.map
    if found is None:
        return set()
    return set().union(*(a.offset.names() for a in found.axes if isinstance(a.offset, Size)))


def specialize(graph: Graph, sizes: Mapping[str, int]) -> tuple[Graph, Mapping[Node, Node]]:
    """The graph with named sizes replaced, types derived anew; and the new node for each old one.

    Errors: ShapeError where the sizes do not fit an operation.
    """
    if not sizes:
        return graph, {n: n for n in graph.nodes}
    done: dict[Node, Node] = {}
    for node in graph.nodes:
        operands = tuple(done[o] for o in node.operands)
        kind = _at(node.kind, sizes)
        declared = node.type.at(sizes)
        if kind == node.kind and operands == node.operands and declared == node.type:
            done[node] = node
            continue
        t = infer(kind, [o.type for o in operands], declared)
        done[node] = Node(node.op, kind, operands, t, node.site, node.label)
    new = Graph(
        tuple(done[x] for x in graph.inputs),
        tuple(done[y] for y in graph.outputs),
        tuple((done[leaf], done[value]) for leaf, value in graph.updates),
    )
    return new, done


def _at(kind: Kind, sizes: Mapping[str, int]) -> Kind:
    match kind:
        case SizeOf(size=size):
            return SizeOf(evaluate(size, sizes))
        case Index(shape=shape, axis=axis):
            return Index(tuple(evaluate(d, sizes) for d in shape), axis)
        case View(map=found):
            return View(found.at(sizes))
        case Fold(map=found, shape=shape):
            return Fold(found.at(sizes), tuple(evaluate(d, sizes) for d in shape))
        case Scatter(axis=axis, size=size):
            return Scatter(axis, evaluate(size, sizes))
        case _:
            return kind
