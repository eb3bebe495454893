"""Which symbolic sizes a program can take at run time, and graphs with the others replaced by numbers."""

from collections.abc import Iterator, Mapping

from graphad.compiler.errors import ShapeError
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.infer import infer
from graphad.compiler.ir.kinds import Fold, Index, Join, Kind, Scatter, SizeOf, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, FloorDiv, Size, evaluate
from graphad.compiler.ir.types import Shape, TensorType
from graphad.compiler.ir.view import Affine


def named_sizes(graph: Graph) -> tuple[str, ...]:
    """The names of the sizes that the inputs bring."""
    dims = [d for x in graph.inputs for d in x.type.shape if isinstance(d, Size)]
    return tuple(sorted(set().union(*(d.names() for d in dims))))


def fixed_sizes(graph: Graph) -> tuple[str, ...]:
    """The names that have to be numbers before lowering: all but those that only ever count along first axes.

    Such a size, the examples of a batch, changes trip counts but no stride and no offset, so code for one number runs
    for all.
    """
    fixed: set[str] = set()
    for node in graph.nodes:
        for shape in _shapes(node):
            for axis, d in enumerate(shape):
                found = d.names() if isinstance(d, Size) else set()
                if axis > 0 or not _plain(d):
                    fixed |= found
        fixed |= _in_offsets(node)
    return tuple(sorted(fixed))


def _shapes(node: Node) -> list[Shape]:
    kind = node.kind
    found = [node.type.shape]
    if isinstance(kind, Fold):
        found += [kind.shape, kind.map.shape]
    if isinstance(kind, Scatter):
        found.append((kind.size,))
    return found


def dims_of(node: Node) -> Iterator[Dim]:
    """Every size in a node's type and kind; one may come twice."""
    kind = node.kind
    for shape in _shapes(node):
        yield from shape
    if isinstance(kind, SizeOf):
        yield kind.size
    if isinstance(kind, Fold | View) and isinstance(kind.map, Affine):
        yield from (axis.offset for axis in kind.map.axes)


def _plain(d: Dim) -> bool:
    """A number, or a name times a number."""
    if isinstance(d, int):
        return True
    return len(d.terms) == 1 and len(d.terms[0][0]) == 1 and not isinstance(d.terms[0][0][0], FloorDiv)


def _in_offsets(node: Node) -> set[str]:
    kind = node.kind
    if isinstance(kind, Join):
        extents = (x.type.shape[kind.axis] for x in node.operands)
        return set().union(*(d.names() for d in extents if isinstance(d, Size)))
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
        kind = kind_at(node.kind, sizes)
        declared = node.type.at(sizes)
        if kind == node.kind and operands == node.operands and declared == node.type:
            done[node] = node
            continue
        t = _inferred(node, kind, [o.type for o in operands], declared, sizes)
        done[node] = Node(node.op, kind, operands, t, node.site, node.label)
    new = Graph(
        tuple(done[x] for x in graph.inputs),
        tuple(done[y] for y in graph.outputs),
        tuple((done[leaf], done[value]) for leaf, value in graph.updates),
    )
    return new, done


def check_sizes(graph: Graph, sizes: Mapping[str, int]) -> None:
    """That every operation takes the sizes that stay open until a call, as ``specialize`` sees to for the others.

    A program reads memory without looking: what its views reach for has to be there.
    Errors: ShapeError, naming the operation and its line.
    """
    known: dict[Node, TensorType] = {}
    for node in graph.nodes:
        declared = node.type.at(sizes)
        operands = [known[o] for o in node.operands]
        if declared != node.type or any(t is not o.type for t, o in zip(operands, node.operands, strict=True)):
            declared = _inferred(node, kind_at(node.kind, sizes), operands, declared, sizes)
        known[node] = node.type if declared == node.type else declared


def _inferred(
    node: Node, kind: Kind, operands: list[TensorType], declared: TensorType, sizes: Mapping[str, int]
) -> TensorType:
    try:
        return infer(kind, operands, declared)
    except ShapeError as error:
        given = ", ".join(f"{name}={number}" for name, number in sizes.items())
        layer = f" in layer {node.site.layer!r}" if node.site.layer else ""
        types = ", ".join(str(o.type) for o in node.operands)
        who = f"{node.op.name}({types}){layer}"
        raise ShapeError(
            f"{who}: does not take {given}: {error}; pass arguments of other sizes [{node.site}]"
        ) from error


def kind_at(kind: Kind, sizes: Mapping[str, Dim]) -> Kind:
    """A kind with named sizes replaced, by numbers or others."""
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
