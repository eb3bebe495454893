"""Where a NaN comes from: a result's first NaN followed back, element by element, to what made it.

The graph is run once more by the reference interpreter, all values kept. A NaN that no result took, as in the branch of
a choice that was not chosen, is never met.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from graphad.compiler.interpret import Array, interpret, run_node, view
from graphad.compiler.ir.graph import topological
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
from graphad.compiler.ir.op import MapOp
from graphad.compiler.ir.view import Affine

Place: TypeAlias = tuple[Node, int]
"""An element of a node's value, by its number in row-major order."""


@dataclass(frozen=True)
class Source:
    """``node`` made a NaN at ``element``, of operands that were none; or took it from a constant."""

    node: Node
    element: int
    constant: bool = False


MOST: Final = 16
"""NaNs of a result that are followed: those behind them mostly have the same source."""


def nan_source(roots: Sequence[Node], values: Mapping[Node, Array], sizes: Mapping[str, int]) -> Source | None:
    """What made the roots' first NaNs; of several sources the first in the graph, leaves before all. None without NaN.

    Followed are the first NaNs of the first root that has some.
    """
    known = dict(values)
    interpret(roots, values, sizes, known.__setitem__)
    order = {n: (not isinstance(n.kind, Leaf), i) for i, n in enumerate(topological(roots))}
    for root in roots:
        places = nans(known[root])[:MOST]
        if len(places):
            with np.errstate(all="ignore"):
                search = _Search(known, sizes)
                sources = [search.back(root, int(i)) for i in places]
            return min(sources, key=lambda s: (order[s.node], s.element))
    return None


def nans(value: Array) -> Array:
    """The numbers of the elements that are NaN."""
    return np.flatnonzero(np.isnan(value)) if value.dtype.kind == "f" else np.zeros(0, np.int64)


@dataclass
class _Search:
    known: Mapping[Node, Array]
    sizes: Mapping[str, int]

    def back(self, root: Node, element: int) -> Source:
        """From a NaN to its source; of a constant's, the first operation that takes it, views apart."""
        path: list[Place] = [(root, element)]
        while (place := next(self._nans(*path[-1]), None)) is not None:
            path.append(place)
        node, element = path[-1]
        if not isinstance(node.kind, Constant):
            return Source(node, element)
        takes = [p for p in path if not isinstance(p[0].kind, Constant | View)]
        return Source(*(takes or path)[-1], constant=True)

    def _nans(self, node: Node, element: int) -> Iterator[Place]:
        """The NaNs among operands' elements that make this element NaN."""
        if isinstance(node.kind, Map):
            return self._through_map(node, element)
        return (p for p in self._read(node, element) if _is_nan(self.known[p[0]], p[1]))

    def _through_map(self, node: Node, element: int) -> Iterator[Place]:
        """Operands whose NaN, alone, is one of the result: a choice's other branch is not."""
        assert isinstance(node.op, MapOp)
        given = [np.array([self.known[o].flat[element]]) for o in node.operands]
        harmless = [np.ones_like(v) if _is_nan(v, 0) else v for v in given]
        for i, operand in enumerate(node.operands):
            tried = [given[i] if j == i else v for j, v in enumerate(harmless)]
            if _is_nan(given[i], 0) and np.isnan(node.op.reference(*tried)).any():
                yield operand, element

    def _read(self, node: Node, element: int) -> Iterator[Place]:
        """The operands' elements that this element is made of."""
        at = np.unravel_index(element, self.known[node].shape)
        xs = node.operands
        match node.kind:
            case Reduce(axes=axes):
                rest = iter(at)
                yield from self._all(
                    xs[0], [slice(None) if i in axes else next(rest) for i in range(self._ndim(xs[0]))]
                )
            case Scan(axis=axis, reverse=reverse):
                prefix = slice(at[axis], None) if reverse else slice(0, int(at[axis]) + 1)
                yield from self._all(xs[0], [prefix if i == axis else p for i, p in enumerate(at)])
            case Contract(left=left, right=right, out=out):
                for x, letters in zip(xs, (left, right), strict=True):
                    yield from self._all(x, [at[out.index(c)] if c in out else slice(None) for c in letters])
            case View() | Gather() | Join():
                yield from self._copied(node, element)
            case Fold() | Scatter():
                yield from ((xs[-1], int(i)) for i in np.flatnonzero(self._targets(node) == element))
            case After():
                yield xs[0], element
            case Leaf() | Constant() | SizeOf() | Index() | Map():
                pass

    def _ndim(self, x: Node) -> int:
        return self.known[x].ndim

    def _all(self, x: Node, key: Sequence[object]) -> Iterator[Place]:
        """The NaNs of a part of a value."""
        value = self.known[x]
        places = np.arange(value.size).reshape(value.shape)[tuple(key)]  # type: ignore[arg-type]
        yield from ((x, int(i)) for i in np.atleast_1d(places[np.isnan(value[tuple(key)])]))  # type: ignore[arg-type]

    def _copied(self, node: Node, element: int) -> Iterator[Place]:
        """The one element that is read, if it is no fill value: the operands' places read in the same way."""
        kind, start = node.kind, 0
        if isinstance(kind, View) and isinstance(kind.map, Affine):
            kind = View(replace(kind.map, fill=-1))
        counted = []
        data = node.operands[:1] if isinstance(kind, Gather) else node.operands
        for x in data:
            value = self.known[x]
            counted.append(np.arange(start, start + value.size).reshape(value.shape))
            start += value.size
        places = [*counted, *(self.known[x] for x in node.operands[len(data) :])]
        moved = Node(node.op, kind, node.operands, node.type, node.site)
        found = int(np.asarray(run_node(moved, places, {}, self.sizes)).flat[element])
        for x in data:
            if 0 <= found < self.known[x].size:
                yield x, found
            found -= self.known[x].size

    def _targets(self, node: Node) -> Array:
        """For each element that is added into place, the place."""
        places = np.arange(self.known[node].size).reshape(self.known[node].shape)
        if isinstance(node.kind, Scatter):
            return np.take(places, self.known[node.operands[0]], axis=node.kind.axis).reshape(-1)
        assert isinstance(node.kind, Fold)
        return view(places, replace(node.kind.map.at(self.sizes), fill=-1)).reshape(-1)


def _is_nan(value: Array, element: int) -> bool:
    return value.dtype.kind == "f" and bool(np.isnan(value.flat[element]))


__all__ = ["Source", "nan_source", "nans"]
