"""Names of our own for a graph's sizes: what the user calls them ends here.

Before:  %0: float32[batch,3] = input "x"; %1: float32[batch] = sum(%0) axes=[1]
After:   %0: float32[n0,3] = input "x"; %1: float32[n0] = sum(%0) axes=[1]                 with {"batch": "n0"}

Passes and lowering calculate with sizes, and with indices and arguments of their own making, in one algebra, and the
kernels' text has names for all of them. ``Builder.fresh`` makes none that begin as these do. Numbers follow from where
the sizes stand, not from what they are called: programs that differ in names alone are one program.
"""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, FloorDiv, Size, symbol
from graphad.compiler.ir.types import TensorType
from graphad.compiler.sizes import dims_of, kind_at

STEM: Final = "n"
"""What our names of sizes begin with; a number follows."""

Place: TypeAlias = tuple[int, ...]
"""Where a name stands in a size: degrees and coefficients from the outside to the inside."""


def own_names(graph: Graph) -> dict[str, str]:
    """Our name for each of the user's, in order.

    >>> from graphad.compiler.ir.parse import parse
    >>> own_names(parse('%0: float32[rows,columns] = input "x"\\nreturn %0'))
    {'rows': 'n0', 'columns': 'n1'}
    """
    sizes = dict.fromkeys(d for node in graph.nodes for d in dims_of(node) if isinstance(d, Size))
    found: dict[str, list[tuple[int, Place]]] = {}
    for i, size in enumerate(sizes):
        for name, place in _places(size):
            found.setdefault(name, []).append((i, place))
    ranked = sorted(found, key=lambda name: (sorted(found[name]), name))
    return {name: f"{STEM}{i}" for i, name in enumerate(ranked)}


def _places(size: Size) -> Iterator[tuple[str, Place]]:
    for atoms, coefficient in size.terms:
        for atom in atoms:
            here = (-len(atoms), coefficient)
            if isinstance(atom, FloorDiv):
                yield from ((name, (*here, atom.denominator, *place)) for name, place in _places(atom.numerator))
            else:
                yield atom, here


class Renaming:
    """Graphs with their sizes under other names. Nodes without sizes stay; what graphs share, they share afterwards.

    ``numbers``: of sizes that get one instead of a name.

    >>> from graphad.compiler.ir.parse import parse
    >>> Renaming({"N": "n0"}).graph(parse('%0: float32[2*N] = input "x"\\nreturn %0')).inputs[0].type.shape
    (2*n0,)
    """

    def __init__(self, names: Mapping[str, str], numbers: Mapping[str, int] | None = None) -> None:
        self.names = names
        self._sizes: dict[str, Dim] = {old: symbol(new) for old, new in names.items()}
        self._sizes.update(numbers or {})
        self._types: dict[TensorType, TensorType] = {}
        self._done: dict[Node, Node] = {}

    def back(self, numbers: Mapping[str, int] | None = None) -> "Renaming":
        """The renaming that undoes this one; ``numbers``: of sizes that had been numbers before they had a name."""
        known = numbers or {}
        names = {new: old for old, new in self.names.items() if old not in known}
        return Renaming(names, {new: known[old] for old, new in self.names.items() if old in known})

    def sizes(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """Numbers of sizes under their other names; without those that have none."""
        return {self.names[name]: number for name, number in sizes.items() if name in self.names}

    def type(self, t: TensorType) -> TensorType:
        """A type."""
        if t not in self._types:
            self._types[t] = t.at(self._sizes)
        return self._types[t]

    def graph(self, graph: Graph) -> Graph:
        """A graph, with its kernels."""
        if not self._sizes:
            return graph
        done = self._done
        for node in graph.nodes:
            if node not in done:
                done[node] = self._node(node)
        kernels = graph.kernels and tuple(k.moved(done) for k in graph.kernels)
        inputs, outputs = (tuple(done[n] for n in nodes) for nodes in (graph.inputs, graph.outputs))
        return Graph(inputs, outputs, tuple((done[leaf], done[value]) for leaf, value in graph.updates), kernels)

    def _node(self, node: Node) -> Node:
        operands = tuple([self._done[x] for x in node.operands])
        if all(isinstance(d, int) for d in dims_of(node)):
            return node.with_operands(operands)
        return Node(node.op, kind_at(node.kind, self._sizes), operands, self.type(node.type), node.site, node.label)
