"""Weights' gradients in a region: sums over the pixels of a block's examples, then over its lanes.

    for o by RT, for c, i:
        acc = registers(RT, CT)
        for y, x:
            acc[r, j] += d[o + r, y, x] * x[c, y + i, x + j]                  both vectors of examples
        sums[o + r, c, i, j] += sum_lanes(acc[r, j])
"""

from contextlib import ExitStack

from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import Element, Lit, Prim
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.operands import Operand, extents
from graphad.compiler.lower.examples.tiles import choose, pieces
from graphad.compiler.lower.storage import Storage


def lower_weights(
    context: Context, builder: Builder, anchor: Node, a: Operand, b: Operand, sums: Storage, registers: int
) -> str:
    """Adds the block's part of a contraction that sums over the batch to ``sums``; what was done, in words."""
    kind = anchor.kind
    assert isinstance(kind, Contract)
    sizes = extents((kind.left, kind.right), [o.type.shape for o in anchor.operands])
    wide = [c for c in kind.out if sizes[c] != 1]
    sides = [[c for c in wide if c in one.letters and c not in two.letters] for one, two in ((a, b), (b, a))]
    row, column = (_letter(side, sizes) for side in sides)
    r_most, c_most = choose(sizes.get(row, 1), sizes.get(column, 1), registers)
    depth = [c for c in sizes if c not in kind.out]
    dtype = anchor.type.dtype
    with ExitStack() as stack:
        at: dict[str, Dim] = {}
        for c in kind.out:
            if c not in (row, column):
                at[c] = stack.enter_context(builder.loop(sizes[c], stem="o"))
        for p in pieces(sizes.get(row, 1), r_most):
            for q in pieces(sizes.get(column, 1), c_most):
                with ExitStack() as inner:
                    rows, columns = p.size, q.size
                    first = [
                        inner.enter_context(builder.between(s.start, s.stop, sizes[c], s.size, stem="o"))
                        if s.count > 1
                        else s.start
                        for s, c in ((p, row), (q, column))
                    ]
                    acc = builder.registers((rows, columns), Lit(0, dtype))
                    with ExitStack() as deep:
                        place = dict(at)
                        for c in depth:
                            place[c] = deep.enter_context(builder.loop(sizes[c], stem="k"))
                        i = deep.enter_context(builder.unrolled(0, rows, rows, "r"))
                        if row:
                            place[row] = first[0] + i
                        value = builder.let("v", a.load(context, builder, place))
                        j = deep.enter_context(builder.unrolled(0, columns, columns, "q"))
                        if column:
                            place[column] = first[1] + j
                        builder.add_to(acc, (i, j), Prim("mul", (value, b.load(context, builder, place)), dtype))
                    with builder.unrolled(0, rows, rows, "r") as i, builder.unrolled(0, columns, columns, "q") as j:
                        place = dict(at)
                        if row:
                            place[row] = first[0] + i
                        if column:
                            place[column] = first[1] + j
                        where = flat([place[c] for c in kind.out], anchor.type.shape)
                        builder.store(sums, where, Element(acc, (i, j), dtype))
    return f"{r_most} x {c_most} sums in registers, one example a lane"


def _letter(side: list[str], sizes: dict[str, int]) -> str:
    """The longest axis, the last of equal ones."""
    return max(reversed(side), key=sizes.__getitem__, default="")
