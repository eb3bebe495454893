"""The batch of a graph whose sizes are numbers, found by what its axes do: a number goes the ways of a name.

Before:  %0: float32[64,3] = input "x"; %1: float32[3,5] = parameter "w"; %2: float32[64,5] = contract(%0, %1)[...]
After:   %0: float32[batch,3] = ...; %2: float32[batch,5] = ...                                      with {"batch": 64}

A batch is what inputs count along their first axis and a contraction goes through, as long as it stays a first axis
everywhere (axes.py). Nothing else changes, so the graph computes the same: with the number in place of the name it is
what it was.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import assert_never

import numpy as np

from graphad.compiler.axes import NUMBER, Axes
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import (
    After,
    Constant,
    Contract,
    Fold,
    Gather,
    Index,
    Join,
    Kind,
    Leaf,
    Map,
    Reduce,
    Scan,
    Scatter,
    SizeOf,
    View,
)
from graphad.compiler.ir.make import counted
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.ir.types import Shape, TensorType
from graphad.compiler.ir.view import Affine, AxisMap, Reshape
from graphad.compiler.sizes import named_sizes


@dataclass(frozen=True, eq=False)
class Batch:
    """A graph with the sizes of its batches under names of our own.

    ``sizes``: their numbers.
    """

    graph: Graph
    sizes: Mapping[str, int] = field(default_factory=dict)


def find_batch(graph: Graph) -> Batch:
    """The graph's batches. None where a size has a name, which is the batch then, and where there is doubt.

    >>> from graphad.compiler.ir.parse import parse
    >>> product = "%2: float32[64,64] = contract(%0, %1)[ab,bc->ac]"
    >>> leaves = '%0: float32[64,64] = input "x"\\n%1: float32[64,64] = parameter "w"'
    >>> [str(n.type) for n in find_batch(parse(f"{leaves}\\n{product}\\nreturn %2")).graph.nodes]
    ['float32[batch,64]', 'float32[64,64]', 'float32[batch,64]']
    """
    if named_sizes(graph) or not any(isinstance(n.kind, Contract) for n in graph.nodes):
        return Batch(graph)
    axes = Axes(graph)
    units = _units(graph, axes)
    if not units:
        return Batch(graph)
    names = {n: f"batch{i or ''}" for i, n in enumerate(dict.fromkeys(units.values()))}
    named = _Naming(axes, {c: (n, names[n]) for c, n in units.items()}).graph(graph)
    return Batch(named, {name: n for n, name in names.items()})


def _units(graph: Graph, axes: Axes) -> dict[int, int]:
    """The classes that are a batch, with its size: the least that an input has, of which all others are multiples.

    What is spread along an axis as long as a batch, and meets none of it, as a sum's gradient, counts as one.
    """
    multiplied = set(_multiplied(graph, axes)) - {NUMBER}
    units: dict[int, int] = {}
    for x in graph.inputs:
        if axes.of(x) in multiplied:
            units[axes.of(x)] = min(_first(x), units.get(axes.of(x), _first(x)))
    extents: dict[int, set[int]] = {}
    for node in graph.nodes:
        if c := axes.of(node):
            extents.setdefault(c, set()).add(_first(node))
    found = {c: n for c, n in units.items() if n and all(d % n == 0 for d in extents[c])}
    several = any(n > 1 for n in found.values())  # one example beside these is what they all share
    found = {c: n for c, n in found.items() if n > 1 or not several}
    inputs = {axes.of(x) for x in graph.inputs}
    spread = {c: min(ds) for c, ds in extents.items() if c not in inputs and min(ds) in found.values()}
    return found | {c: n for c, n in spread.items() if n > 1 and all(d % n == 0 for d in extents[c])}


def _multiplied(graph: Graph, axes: Axes) -> Iterator[int]:
    for node in graph.nodes:
        if isinstance(node.kind, Contract):
            yield from (axes.of(x) for x in (*node.operands, node))


def _first(node: Node) -> int:
    extent = node.type.shape[0]
    assert isinstance(extent, int)
    return extent


class _Naming:
    """The graph with names for the sizes of some classes of axes, each given as its unit and what that is called."""

    def __init__(self, axes: Axes, names: Mapping[int, tuple[int, str]]) -> None:
        self._axes, self._names = axes, {c: (n, symbol(name)) for c, (n, name) in names.items()}
        self._done: dict[Node, Node] = {}

    def graph(self, graph: Graph) -> Graph:
        done = self._done
        for node in graph.nodes:
            done[node] = self._node(node)
        inputs, outputs = (tuple(done[n] for n in nodes) for nodes in (graph.inputs, graph.outputs))
        return Graph(inputs, outputs, tuple((done[leaf], done[value]) for leaf, value in graph.updates))

    def _node(self, node: Node) -> Node:
        if isinstance(node.kind, Constant) and node.kind.counts:
            return self._count(node, node.kind.value)
        operands = tuple([self._done[x] for x in node.operands])
        shape = self._shape(node)
        kind = self._kind(node, shape)
        if shape is node.type.shape and kind == node.kind:
            return node.with_operands(operands)
        return Node(node.op, kind, operands, TensorType(node.type.dtype, shape), node.site, node.label)

    def _count(self, node: Node, value: np.ndarray) -> Node:
        """A number of examples, or of all that they have, as of a batch with a name: then it is no number, either."""
        for unit, name in self._names.values():
            if value % unit == 0:
                return counted(int(value) // unit * name, node.type.dtype, node.site)
        return node

    def _shape(self, node: Node) -> Shape:
        shape = node.type.shape
        if not shape or self._axes.of(node) not in self._names:
            return shape
        unit, name = self._names[self._axes.of(node)]
        first: Dim = _first(node) // unit * name
        return (first, *shape[1:])

    def _kind(self, node: Node, shape: Shape) -> Kind:
        """The node's kind, which says some shapes again."""
        match node.kind:
            case Index(axis=axis):
                return Index(shape, axis)
            case View(map=found):
                if isinstance(found, Reshape):
                    return View(Reshape(shape))
                return View(self._read(found, shape, node.operands[0]))
            case Fold(map=found):
                return Fold(self._read(found, self._shape(node.operands[0]), node), shape)
            case Scatter(axis=axis):
                return Scatter(axis, shape[axis])
            case Leaf() | Constant() | SizeOf() | Map() | Reduce() | Scan() | Join() | Contract() | Gather() | After():
                return node.kind
            case _:
                assert_never(node.kind)

    def _read(self, found: Affine, reader: Shape, read: Node) -> Affine:
        """The map by which a value of shape ``reader`` reads another one."""
        if reader == found.shape:
            return found
        alone = (a for a, axis in enumerate(found.axes) if axis.is_identity(0) and self._axes.spreads(read, a))
        axes = dict(enumerate(found.axes)) | dict.fromkeys(alone, AxisMap())
        return Affine(reader, tuple(axes.values()), found.fill, found.spare)
