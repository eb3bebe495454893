"""What can be computed together, point by point: the nodes' spaces, their levels, and the straight-line code they form.

The *space* of a node is its shape without axes of size 1: one point of it is one iteration of a kernel's loop. A node
is read *in place* where its value at a point goes into the reader's value at the same point: by a map, by a view that
inserts or removes axes of size 1, by a join. All other reads are *moved*: they need it elsewhere, or all of it.

The *level* of a node is the number of moved reads on the longest way to it. Nodes of one space and one level that read
each other in place form *straight-line code*: no way leads out of it and back in, so one loop can compute all of it,
every node once a point, values in registers, whatever the number of operations and of results.
"""

from collections.abc import Iterator
from typing import Final

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Contract, Fold, Gather, Join, Map, Reduce, Scan, Scatter, View
from graphad.compiler.ir.make import uniform
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.verify import needs_kernel
from graphad.compiler.passes.kernels.joins import dissolved, keeps_order, unrolled

ANCHORS: Final = (Reduce, Contract, Scan, Fold, Scatter)
_APART: Final = (*ANCHORS, Join)


def is_anchor(node: Node) -> bool:
    """Needs a loop nest of its own."""
    return isinstance(node.kind, ANCHORS)


def space_of(shape: Shape) -> Shape:
    """The shape without axes of size 1."""
    return tuple(d for d in shape if d != 1)


class Points:
    """The analysis of one graph.

    ``dissolved``: joins without memory, see there. ``space``: None for a join whose pieces have several. ``code``: one
    node that stands for each node's straight-line code, None for what is computed by itself.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.dissolved = dissolved(graph)
        self.space: dict[Node, Shape | None] = {}
        self._level: dict[Node, int] = {}
        self._above: dict[Node, Node] = {}
        self._small: dict[Node, bool] = {}
        self._spaces: dict[Shape, Shape] = {}  # equal spaces are one object
        self._of_shape: dict[int, Shape] = {}  # by the identity of a shape, which the graph holds on to
        for node in graph.nodes:
            if needs_kernel(node):
                self._add(node)

    def code(self, node: Node) -> Node | None:
        """The node that stands for the straight-line code that ``node`` is part of."""
        if node not in self._above:
            return None
        while self._above[node] is not node:
            self._above[node] = self._above[self._above[node]]
            node = self._above[node]
        return node

    def joins(self, node: Node) -> bool:
        """A join, or a view that only says how a dissolved one lies in memory."""
        return isinstance(node.kind, Join) or (isinstance(node.kind, View) and node.operands[0] in self.dissolved)

    def in_place(self, user: Node, x: Node) -> bool:
        """Whether ``user`` reads ``x`` at its own point."""
        if isinstance(user.kind, Gather):
            return x is not user.operands[0] and x.type.shape == user.type.shape
        return isinstance(user.kind, Map) or self.joins(user) or self.small_view(user)

    def small_view(self, node: Node) -> bool:
        """A view that only inserts or removes axes of size 1."""
        if node not in self._small:
            self._small[node] = keeps_order(node)
        return self._small[node]

    def _add(self, node: Node) -> None:
        self.space[node] = space = self._space(node)
        level, flowing = 0, []
        for x in node.operands:
            if x in self._level and self._flows(node, x):
                level = max(level, self._level[x])
                flowing.append(x)
            elif x in self._level:
                level = max(level, self._level[x] + 1)
        self._level[node] = level
        if isinstance(node.kind, Map | Gather) or (self.joins(node) and space is not None):
            self._above[node] = node
        for x in flowing:
            if x in self._above and self._level[x] == level and self.space[x] is space:
                self._merge(node, x)

    def _space(self, node: Node) -> Shape | None:
        if not self.joins(node):
            return self._known(node.type.shape)
        spaces = [self.space[x] if x in self.dissolved else self._known(x.type.shape) for x in node.operands]
        first = next((s for s, x in zip(spaces, node.operands, strict=True) if uniform(x) is None), spaces[0])
        if first is None:
            return None
        fit = (s is first or unrolled(x, first) is not None for s, x in zip(spaces, node.operands, strict=True))
        return first if all(fit) else None

    def _known(self, shape: Shape) -> Shape:
        found = self._of_shape.get(id(shape))
        if found is None:
            space = space_of(shape)
            found = self._of_shape[id(shape)] = self._spaces.setdefault(space, space)
        return found

    def _flows(self, user: Node, x: Node) -> bool:
        """In place, with nothing stored between them."""
        if isinstance(x.kind, _APART) and not (isinstance(x.kind, Join) and x in self.dissolved):
            return False
        return self.in_place(user, x) and self.space[user] is not None

    def _merge(self, node: Node, x: Node) -> None:
        self._above.setdefault(node, node)
        a, b = self.code(node), self.code(x)
        assert a is not None
        assert b is not None
        self._above[a] = b


def moved_readers(points: Points) -> Iterator[Node]:
    """The nodes that some reader needs at other points than its own."""
    moved: set[Node] = set()
    for node in reversed(points.graph.nodes):
        for user in points.graph.users[node]:
            if not points.in_place(user, node) or (user in moved and isinstance(user.kind, View)):
                moved.add(node)
                yield node
                break
