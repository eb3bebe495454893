"""First axes that are one: which of a graph's values count the same things along their first axis.

%0: float32[64,3] = input "x"           the first axes of %0 and %2 are one, so are those of all that is made of
%1: float32[3,5] = parameter "w"        %2 element by element, and of a reshape to [320] a multiple of it; %1's is
%2: float32[64,5] = contract(...)       another, although it may have as many elements
"""

from itertools import chain, pairwise
from typing import Final, assert_never

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import (
    After,
    Constant,
    Contract,
    Fold,
    Gather,
    Index,
    Join,
    Leaf,
    Map,
    Reduce,
    Scan,
    Scatter,
    SizeOf,
    View,
)
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.view import Affine

NUMBER: Final = 0
"""The place of all axes whose size has to stay a number."""


class Axes:
    """Classes of first axes: in one class all sizes are multiples of one, whatever that is.

    All other axes are in the class of NUMBER, and with them what depends on one, on a constant, or on what outlives
    the call. An axis that is read other than element by element, as by a slice or a window, is in no class with what
    reads it, and that has a number.
    """

    def __init__(self, graph: Graph) -> None:
        self._places = {node: i for i, node in enumerate(graph.nodes, NUMBER + 1)}
        self._above = list(range(len(self._places) + 1))
        for node in graph.nodes:
            self._rule(node)
        for leaf, value in graph.updates:
            self._join((leaf, 0), (value, 0))

    def of(self, node: Node, axis: int = 0) -> int:
        """The class of an axis."""
        return self._root(NUMBER if axis or not node.type.shape else self._places[node])

    def spreads(self, node: Node, axis: int) -> bool:
        """Whether a view along the axis is one element for all of a batch, that of a weight, although there is one."""
        return node.type.shape[axis] == 1 and self.of(node, axis) == NUMBER

    def _root(self, place: int) -> int:
        above = self._above
        while above[place] != place:
            above[place] = place = above[above[place]]
        return place

    def _join(self, *axes: tuple[Node, int]) -> None:
        for a, b in pairwise([self.of(*axis) for axis in axes]):
            low, high = sorted((self._root(a), self._root(b)))
            self._above[high] = low  # NUMBER is the lowest, and stays what it is

    def _fix(self, node: Node, axis: int = 0) -> None:
        self._above[self.of(node, axis)] = NUMBER

    def _rule(self, node: Node) -> None:
        kind, operands = node.kind, node.operands
        match kind:
            case Leaf(role=role):
                if role != "input":
                    self._fix(node)
            case Constant():
                self._fix(node)
            case Index() | SizeOf():
                pass
            case Map() | Scan():
                self._join((node, 0), *((x, 0) for x in operands))
            case After():
                self._join((node, 0), (operands[0], 0))
            case View(map=found):
                if isinstance(found, Affine):
                    self._mapped(found, node, operands[0])
                else:
                    self._join((node, 0), (operands[0], 0))
            case Fold(map=found):
                self._mapped(found, operands[0], node)
            case Reduce(axes=axes):
                kept = [a for a in range(operands[0].type.ndim) if a not in axes]
                self._join((node, 0), *((operands[0], a) for a in kept[:1]))
            case Join(axis=axis):
                self._join((node, 0), *((x, 0) for x in operands))
                if axis == 0:
                    self._fix(node)
            case Contract():
                self._contract(kind, node)
            case Gather(axis=axis):
                self._gathered(axis, operands[0], operands[1], node)
            case Scatter(axis=axis):
                self._gathered(axis, node, operands[0], operands[1])
            case _:
                assert_never(kind)

    def _mapped(self, found: Affine, reader: Node, read: Node) -> None:
        """The axes of what reads, or adds to, the elements of ``read`` by an affine map."""
        for a, axis in enumerate(found.axes):
            for j, _ in axis.terms:
                if axis.is_identity(j) and found.shape[j] == read.type.shape[a]:
                    if not self.spreads(read, a):
                        self._join((reader, j), (read, a))
                else:
                    self._fix(reader, j)

    def _contract(self, kind: Contract, node: Node) -> None:
        where: dict[str, list[tuple[Node, int]]] = {}
        sides = zip((kind.left, kind.right, kind.out), (*node.operands, node), strict=True)
        for letter, axis in chain.from_iterable(((c, (x, a)) for a, c in enumerate(letters)) for letters, x in sides):
            where.setdefault(letter, []).append(axis)
        for axes in where.values():
            self._join(*axes)

    def _gathered(self, axis: int, table: Node, index: Node, picked: Node) -> None:
        """``picked[.., j.., ..]`` belongs to ``table[.., index[j..], ..]``: a first axis before, or of the index."""
        if axis:
            self._join((table, 0), (picked, 0))
        elif index.type.shape:
            self._join((index, 0), (picked, 0))
        elif picked.type.shape:
            self._fix(picked)
