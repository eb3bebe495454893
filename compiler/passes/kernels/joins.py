"""Where the operands of joins go: each piece is stored at its place of the result, and nothing is copied for it.

A join that one join alone reads, maybe through views that only rename or exchange axes, is no memory of its own: it
*dissolves*, and its operands are stored where they end up. So does a join under a root that rearranges it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Join, View
from graphad.compiler.ir.make import uniform
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, product
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, Reshape
from graphad.compiler.loops.index import flat, split


def sources(found: Affine, operand: Shape) -> tuple[int | None, ...] | None:
    """For a view that takes each element once, without reordering axes' elements: which operand axis each result axis
    is, None for those of size 1. Else None.

    >>> from graphad.compiler.ir.view import AxisMap
    >>> sources(Affine((3, 1, 2), (AxisMap(terms=((2, 1),)), AxisMap(terms=((0, 1),)))), (2, 3))
    (1, None, 0)
    """
    if found.guarded:
        return None
    place: dict[int, int] = {}
    for a, (axis, extent) in enumerate(zip(found.axes, operand, strict=True)):
        if extent == 1:
            continue
        if len(axis.terms) != 1 or axis.offset != 0 or axis.divisor != 1:
            return None
        ((j, step),) = axis.terms
        if step != 1 or j in place or found.shape[j] != extent:
            return None
        place[j] = a
    if any(d != 1 and j not in place for j, d in enumerate(found.shape)):
        return None
    return tuple(place.get(j) for j in range(len(found.shape)))


def keeps_order(node: Node) -> bool:
    """A view that only inserts or removes axes of size 1."""
    if not isinstance(node.kind, View) or not isinstance(node.kind.map, Affine):
        return False
    found = sources(node.kind.map, node.operands[0].type.shape)
    if found is None:
        return False
    kept = [a for a in found if a is not None]
    return kept == sorted(kept)


def rearranges(node: Node) -> bool:
    """A view that takes each element once, and whose places follow from the operand's."""
    if not isinstance(node.kind, View):
        return False
    return isinstance(node.kind.map, Reshape) or sources(node.kind.map, node.operands[0].type.shape) is not None


_UNROLLED: Final = 64  # stores of one number


def unrolled(node: Node, space: Shape) -> tuple[int, ...] | None:
    """The axes to write out, for a node that is one number everywhere, so that the others are ``space``; None: not so.

    Zeros between the parts of a join go with whatever stands beside them, a store each.
    """
    if uniform(node) is None:
        return None
    rest = list(space)
    axes: list[int] = []
    count = 1
    for axis, d in enumerate(node.type.shape):
        if d == 1:
            continue
        if rest and rest[0] == d:
            rest.pop(0)
        elif isinstance(d, int):
            axes.append(axis)
            count *= d
        else:
            return None
    return None if rest or count > _UNROLLED else tuple(axes)


def dissolved(graph: Graph) -> set[Node]:
    """The joins that have no memory of their own, and the views between them and where they go."""
    roots = set(graph.roots)
    receiving: set[Node] = set()  # where an operand can be stored straight away
    inner: list[Node] = []
    for node in reversed(graph.nodes):
        users = graph.users[node]
        if not isinstance(node.kind, Join) and not rearranges(node):
            continue
        if node in roots:
            receiving.add(node)
        elif len(users) == 1 and users[0] in receiving:
            receiving.add(node)
            inner.append(node)
        elif isinstance(node.kind, Join):
            receiving.add(node)
    gone: set[Node] = set()
    for node in reversed(inner):
        if isinstance(node.kind, Join) or node.operands[0] in gone:
            gone.add(node)
    return gone


@dataclass(frozen=True, slots=True)
class Shifted:
    """One step up, into a join: an offset along an axis."""

    axis: int
    start: Dim
    then: "Step | None"


@dataclass(frozen=True, slots=True)
class Turned:
    """One step up, through a view: each axis of the result from an axis of the operand."""

    sources: tuple[int | None, ...]
    then: "Step | None"


@dataclass(frozen=True, slots=True)
class Reshaped:
    """One step up, through a reshape."""

    old: Shape
    new: Shape
    then: "Step | None"


Step = Shifted | Turned | Reshaped


@dataclass(frozen=True, slots=True)
class Piece:
    """A node, and the steps from its index to its place in memory of ``shape``."""

    node: Node
    steps: Step | None
    shape: Shape

    def place(self, index: Sequence[Dim], extents: Mapping[str, Dim]) -> Dim:
        """Where the element at ``index`` lies."""
        at, step = tuple(index), self.steps
        while step is not None:
            match step:
                case Shifted(axis, start):
                    at = (*at[:axis], at[axis] + start, *at[axis + 1 :])
                case Turned(axes):
                    at = tuple(0 if a is None else at[a] for a in axes)
                case Reshaped(old, new):
                    at = split(flat(at, old), new, extents)
            step = step.then
        return flat(at, self.shape)

    def breaks(self, unrolled: Sequence[int] = ()) -> set[int]:
        """Which of the node's axes with more than one element do not follow the one before them in memory."""
        axes = [a for a, d in enumerate(self.node.type.shape) if d != 1 and a not in unrolled]
        counts = [self.node.type.shape[a] for a in axes]
        step = self.steps
        while step is not None:
            if isinstance(step, Reshaped):
                return set(range(1, len(axes)))
            if isinstance(step, Turned):
                axes = [step.sources.index(a) for a in axes]
            step = step.then
        strides = [product(self.shape[a + 1 :]) for a in axes]
        return {k for k in range(1, len(axes)) if strides[k - 1] != strides[k] * counts[k]}


def pieces(root: Node, dissolves: Callable[[Node], bool]) -> list[Piece]:
    """What is stored for ``root``, in order: itself, or the operands of the joins that it is."""
    shape = root.type.shape
    while isinstance(root.kind, View) and isinstance(root.kind.map, Reshape) and dissolves(root.operands[0]):
        root = root.operands[0]  # the same places in memory, in other words
        shape = root.type.shape
    found: list[Piece] = []
    stack: list[tuple[Node, Step | None]] = [(root, None)]
    while stack:
        node, steps = stack.pop()
        if node is not root and not dissolves(node):
            found.append(Piece(node, steps, shape))
        elif isinstance(node.kind, Join):
            stack += _parts(node, node.kind.axis, steps)[::-1]
        elif rearranges(node) and dissolves(node.operands[0]):
            stack.append((node.operands[0], _up(node, steps)))
        else:
            found.append(Piece(node, steps, shape))
    return found


def _parts(join: Node, axis: int, steps: Step | None) -> list[tuple[Node, Step | None]]:
    base: Dim = 0
    if isinstance(steps, Shifted) and steps.axis == axis:  # so that joins of joins stay one step
        base, steps = steps.start, steps.then
    parts: list[tuple[Node, Step | None]] = []
    for x in join.operands:
        parts.append((x, Shifted(axis, base, steps)))
        base = base + x.type.shape[axis]
    return parts


def _up(view: Node, steps: Step | None) -> Step:
    assert isinstance(view.kind, View)
    old = view.operands[0].type.shape
    if isinstance(view.kind.map, Reshape):
        return Reshaped(old, view.kind.map.shape, steps)
    axes = sources(view.kind.map, old)
    assert axes is not None
    return Turned(axes, steps)
