"""Kernels of rows of a few columns: a row a lane, its columns written out.

    for i in 0 .. rows (lanes):
        a, b, c = x[3*i], x[3*i+1], x[3*i+2]
        m = max(max(a, b), c)
        ...
        y[3*i], y[3*i+1], y[3*i+2] = exp(a - m) / s, exp(b - m) / s, exp(c - m) / s

A loop over three columns has an end for every three steps; here a vector does as many rows at once as it has lanes.
"""

from collections.abc import Sequence

from graphad.compiler.ir.kinds import Reduce
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.index import flat, split
from graphad.compiler.loops.ir import At, Expr, Lit, Prim
from graphad.compiler.lower.accumulate import combine, first_better, monoid_of
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.maps import Stores
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage
from graphad.compiler.passes.kernels.rowwise import Place, Rows


def lower_short_rows(context: Context, nodes: Sequence[Node], stores: Stores, rows: Rows) -> list[Launch]:
    """One loop over the rows. All that a row stores is computed before anything is stored."""
    builder, puller = context.builder("rows", nodes)
    work = _Row(builder, puller, rows)
    with builder.loop(rows.count, "parallel", stem="i", lanes=context.options.precision != "strict") as i:
        at = split(i, rows.rows, builder.extents)
        for node in nodes:
            if isinstance(node.kind, Reduce):
                puller.substituted[node] = work.reduced(node, at)
        values = [found for store in stores for found in work.values(*store, at)]
        for storage, place, value in values:
            builder.store(storage, place, value)
    builder.kernel.parallel = rows.count != 1
    return [builder.launch(tuple(nodes))]


class _Row:
    """The columns of a row."""

    def __init__(self, builder: Builder, puller: Puller, rows: Rows) -> None:
        self.builder, self.puller, self.rows = builder, puller, rows

    def values(self, node: Node, storage: Storage, at: Place) -> list[tuple[Storage, Dim, Expr]]:
        """What is stored of a node: an element for each column, or the row's number."""
        columns = range(self.rows.width) if self.rows.is_full(node) else [0]
        places = [self._place(node, at, column) for column in columns]
        values = [self.builder.let("w", self.puller.value(node, place)) for place in places]
        return [(storage, flat(p, node.type.shape), v) for p, v in zip(places, values, strict=True)]

    def reduced(self, node: Node, at: Place) -> Expr:
        """From the first column to the last."""
        (x,) = node.operands
        monoid = monoid_of(node)
        values = [self.puller.value(x, self._place(x, at, column)) for column in range(self.rows.width)]
        if monoid.is_arg:
            return self._arg(node, values)
        total = values[0]
        for value in values[1:]:
            total = combine(monoid, total, value)
            total = self.builder.let("acc", total)
        return total

    def _arg(self, node: Node, values: Sequence[Expr]) -> Expr:
        monoid = monoid_of(node)
        best = values[0]
        place: Expr = Lit(0, "int64")
        for column, value in enumerate(values[1:], 1):
            wins = self.builder.let("g", first_better(monoid, value, best))
            place = self.builder.let("at", Prim("select", (wins, At(column), place), "int64"))
            best = self.builder.let("acc", Prim("select", (wins, value, best), value.dtype))
        return place

    def _place(self, node: Node, at: Place, column: int) -> Place:
        found = self.rows.place(node.type.shape, at, column)
        assert found is not None
        return found
