"""Row by row: reductions over the last axis, and maps around them, that one kernel computes one row after the other.

    kernel 0: max(x) axes=[1]                       kernel 0, for each row:
    kernel 1: exp(x - max)                    ->        max, exp(x - max), sum, exp / sum
    kernel 2: sum(exp) axes=[1]
    kernel 3: exp / sum

A row stays in the nearest caches between its passes, and what only these kernels read of each other is a row of
scratch memory, or a number. Kernels join if they read each other's rows, and nothing of another row.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.kinds import Gather, Index, Map, Reduce, SizeOf, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, product, variable
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, Reshape
from graphad.compiler.loops.index import flat, split
from graphad.compiler.passes.kernels.groups import Group
from graphad.compiler.passes.kernels.order import can_fail
from graphad.compiler.passes.kernels.points import is_anchor, space_of

TINY: Final = 32  # elements of a row whose columns are written out, a row a lane
SHORT: Final = 64  # elements of a row; shorter ones lie in the caches together, many at a time
LONG: Final = 1 << 15  # elements; beyond, a row and the scratch rows do not stay in a core's cache
_WINDOW: Final = 32  # kernels looked back, so that a long list stays linear
Place = tuple[Dim, ...]
Readers = dict[Node, set[Group]]


@dataclass(frozen=True)
class Rows:
    """The points of a row kernel: ``rows`` without axes of size 1, and the ``width`` of each."""

    rows: Shape
    width: int

    @property
    def tiny(self) -> bool:
        """Whether columns are written out."""
        return 2 <= self.width <= TINY

    @property
    def count(self) -> Dim:
        return product(self.rows)

    def place(self, shape: Shape, row: Place, column: Dim) -> Place | None:
        """The index of a node's element at a row's column, or of the row's number; None if it has neither shape."""
        space = space_of(shape)
        if space not in (self.rows, (*self.rows, self.width)):
            return None
        point = iter((*row, column))
        return tuple(0 if d == 1 else next(point) for d in shape)

    def is_full(self, node: Node) -> bool:
        """Has an element for each column."""
        return space_of(node.type.shape) == (*self.rows, self.width)


def rows_of(node: Node) -> Rows | None:
    """The points of a reduction over the last axis alone, if a row of it is tiny, or neither short nor long."""
    if not isinstance(node.kind, Reduce):
        return None
    shape = node.operands[0].type.shape
    width, rows = shape[-1], space_of(shape[:-1])
    if node.kind.axes != (len(shape) - 1,) or not isinstance(width, int) or not rows:
        return None
    found = Rows(rows, width)
    fits = found.tiny or (SHORT <= width <= LONG and not node.kind.monoid.is_arg)
    return found if fits else None


def rows_of_kernel(nodes: Sequence[Node], stores: Sequence[Node]) -> Rows | None:
    """The points of a kernel that has to be computed row by row: more than a reduction with its epilogue, or tiny."""
    anchors = [n for n in nodes if is_anchor(n)]
    found = rows_of(anchors[0]) if anchors else None
    if found is None or any(rows_of(a) != found for a in anchors):
        return None
    if found.tiny:
        return None if any(can_fail(n) for n in nodes) or reached(nodes, stores, found) is None else found
    several = len({a.operands[0] for a in anchors}) > 1
    return found if several or any(found.is_full(s) for s in stores) else None


def merge_rows(groups: list[Group]) -> list[Group]:
    """Kernels that one walk over the rows can compute become one kernel, at the place of the first or of the last."""
    merged = list(groups)
    readers: Readers = {}
    for group in groups:
        for n in group.reads:
            readers.setdefault(n, set()).add(group)
    rows = {g: _rows(g) for g in groups}
    i = 0
    while i < len(merged):
        for j in range(i - 1, max(-1, i - 1 - _WINDOW), -1):
            if rows[merged[j]] is None and rows[merged[i]] is None:
                continue
            between = merged[j + 1 : i]
            early = not any(s in merged[i].reads for g in between for s in g.stores)
            late = not any(s in g.reads for g in between for s in merged[j].stores)
            joined = _joined(readers, merged[j], merged[i]) if early or late else None
            if joined is None:
                continue
            _take_places(readers, joined, (merged[j], merged[i]))
            rows[joined] = _rows(joined)
            merged[j if early else i] = joined
            del merged[i if early else j]
            i = j if early else i - 1  # what follows may join now
            break
        i += 1
    return merged


def _take_places(readers: Readers, joined: Group, two: Collection[Group]) -> None:
    """The kernel reads what two read that are gone, but for what one of them stored for the other."""
    for n in {n for g in two for n in g.reads}:
        readers[n].difference_update(two)
        if n in joined.reads:
            readers[n].add(joined)


def _joined(readers: Readers, before: Group, group: Group) -> Group | None:
    """One kernel of two, None if they are better or have to stay apart."""
    rows = _rows(before) or _rows(group)
    if rows is None or before.waits != group.waits or not _profits(before, group, rows):
        return None
    nodes, stores = before.nodes | group.nodes, [*before.stores, *group.stores]
    anchors = [n for n in nodes if is_anchor(n)]
    if any(rows_of(a) != rows for a in anchors) or any(can_fail(n) for n in nodes):
        return None
    if reached(nodes, stores, rows) is None:
        return None
    leaving, two = before.points.graph.leaving, {before, group}
    kept = [s for s in stores if s in leaving or not readers.get(s, set()) <= two]
    found = Group(before.points, kept, nodes)
    found.anchors = anchors
    found.parts = (*(before.parts or (before,)), *(group.parts or (group,)))
    return found


def _rows(group: Group) -> Rows | None:
    return rows_of(group.anchors[0]) if group.anchors else None


def _profits(before: Group, group: Group, rows: Rows) -> bool:
    """One reads what the other stores, or both read the same rows."""
    if not group.reads.isdisjoint(before.stores):
        return True
    return any(rows.is_full(n) for n in group.reads & before.reads)


def reached(nodes: Collection[Node], stores: Sequence[Node], rows: Rows) -> dict[Node, bool] | None:
    """The nodes that a row needs, each with whether only at the row's own places (one of a column, or the row's).

    None where a row cannot be computed for itself: a reduction or a store would be needed at a place of another.
    """
    names = [f"row {i}" for i in range(len(rows.rows))]
    row, column = tuple(map(variable, names)), variable("a column")
    extents: dict[str, Dim] = {**dict(zip(names, rows.rows, strict=True)), "a column": rows.width}
    found: dict[Node, bool] = {}
    seen: set[tuple[Node, Place]] = set()
    own = {n: rows.place(n.type.shape, row, column) for n in nodes}
    if any(own[s] is None for s in stores):
        return None
    fixed = {*stores, *(n for n in nodes if isinstance(n.kind, Reduce))}
    stack: list[tuple[Node, Place]] = [(s, own[s]) for s in stores]  # type: ignore[misc]
    while stack:
        node, at = stack.pop()
        if (node, at) in seen or node not in own:
            continue
        seen.add((node, at))
        in_place = at == own[node]
        if node in fixed and not in_place:
            return None
        found[node] = found.get(node, True) and in_place
        read = _read(node, at, own, row, column, rows, extents)
        if read is None:
            return None
        stack += read
    return found


def _read(
    node: Node,
    at: Place,
    inside: Mapping[Node, object],
    row: Place,
    column: Dim,
    rows: Rows,
    extents: Mapping[str, Dim],
) -> list[tuple[Node, Place]] | None:
    """What an element needs of its operands; None for what is unknown before it runs, and for joins."""
    match node.kind:
        case Map():
            return [(x, at) for x in node.operands]
        case Index() | SizeOf():
            return []
        case Reduce():
            x = node.operands[0]
            place = rows.place(x.type.shape, row, column)
            return None if place is None else [(x, place)]
        case View(map=Reshape()):
            (x,) = node.operands
            return [(x, split(flat(at, node.type.shape), x.type.shape, extents))]
        case View(map=Affine() as found):
            moved = (sum((c * at[j] for j, c in axis.terms), axis.offset) for axis in found.axes)
            return [(node.operands[0], tuple(p // a.divisor for p, a in zip(moved, found.axes, strict=True)))]
        case Gather(axis=axis):
            x, places = node.operands
            return None if x in inside else [(places, at[axis : axis + places.type.ndim])]
        case _:
            return None
