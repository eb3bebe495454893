"""Contractions in a region: a tile of sums in registers, each the sum of all examples' lanes.

    for y, for x in columns by CT, for o in rows by RT:
        acc = registers(RT, CT)
        for c, i, j in depth:
            acc[r, q] += w[o + r, c, i, j] * x[c, y + i, x + q + j]          x a vector of examples, w one number
        out[o + r, y, x + q] = epilogue(acc[r, q])

One schedule for all of them: a convolution of any stride, dilation and groups, its input's gradient, a dense layer
(which has no columns), a depthwise one (no rows). The lanes do what vectors of pixels or channels would do elsewhere,
so there are no remainders, and a step of the inner loop is one load a column and one broadcast a row. Rows are inside
of columns: what is read of ``x`` for a few pixels is in the caches for all rows.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from math import prod
from typing import Final, TypeAlias

from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.in_lanes import PIXEL
from graphad.compiler.loops.ir import Element, Expr, Lit, Prim
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.along import along
from graphad.compiler.lower.examples.columns import Columns, in_words
from graphad.compiler.lower.examples.near import copied, crowded
from graphad.compiler.lower.examples.operands import Operand, bounds_of, extents
from graphad.compiler.lower.examples.tiles import Piece, bounded_rows, choose, pieces, step_cost, tiles
from graphad.compiler.lower.examples.trim import trimmed

Finish: TypeAlias = Callable[[dict[str, Dim], Expr], None]
"""What becomes of a result: called with each letter's place and the sum."""


@dataclass(frozen=True)
class Tile:
    """``row`` and ``column``: the letters that a tile goes along, "" for none; columns side by side count as one."""

    row: str
    column: str
    rows: tuple[Piece, ...]
    columns: tuple[Piece, ...]


REUSED: Final = 3
"""Tiles of rows that read the same columns, from which on these are copied if they crowd the cache."""
WHOLE: Final = 16
"""Columns that one tile covers, so that margins of zeros need not be multiplied."""


def letters_to_keep(anchor: Node, x: Node, x_letters: str, w_letters: str, registers: int) -> list[str]:
    """Letters of ``x`` whose loops can keep to bounds, if that pays: the columns', where one tile has them all, and
    summed ones.
    """
    kind = anchor.kind
    assert isinstance(kind, Contract)
    sizes = extents((x_letters, w_letters), [_shape(anchor, letters) for letters in (x_letters, w_letters)])
    summed = [c for c in x_letters if c not in kind.out]
    column = column_of(anchor, w_letters)
    if not column:
        return summed
    width = sizes[column]
    if width > WHOLE:
        return []
    count = max((sizes[c] for c in kind.out if c not in x_letters), default=1)
    rows = min(count, bounded_rows(width, registers))
    for bound in bounds_of(x, x_letters):
        steps = dict(bound.steps)
        if column in steps:
            taps = prod(sizes[c] for c in steps if c != column)  # written out, so that they share what they load
            loads = width * min(abs(steps[column]), taps) / taps
            kept = step_cost(rows, width, loads) * (1 - bound.saved(sizes))
            if kept > step_cost(*choose(count, width, registers)):
                return []
    return [column, *summed]


def column_of(anchor: Node, w_letters: str) -> str:
    """The letter of the columns: the last of ``x`` alone; "" for none."""
    kind = anchor.kind
    assert isinstance(kind, Contract)
    sizes = dict(zip(kind.out, anchor.type.shape, strict=True))
    return next((c for c in reversed(kind.out) if c not in w_letters and sizes[c] != 1), "")


def side_by_side(anchor: Node, w_letters: str, room: int, tile: int = 1) -> int:
    """How many neighbouring columns, or tiles of so many, go into the lanes, if there is room: all of them, or one.

    Those of the result's last axes lie together, and few of them leave less over than they fill.
    """
    kind = anchor.kind
    assert isinstance(kind, Contract)
    width = dict(zip(kind.out, anchor.type.shape, strict=True)).get(column_of(anchor, w_letters), 1)
    return room if room > 1 and isinstance(width, int) and -(-width // tile) >= room else 1


def lower_product(
    context: Context,
    builder: Builder,
    anchor: Node,
    x: Operand,
    w: Operand,
    finish: Finish,
    registers: int,
    vector_bytes: int,
    side_by_side: int = 1,
) -> str:
    """Every result, handed to ``finish``; what was done, in words.

    ``x`` gives the columns, in vectors of so many bytes. ``side_by_side``: neighbouring columns that lanes have at
    once, of which there are no fewer; an operand that keeps to bounds has none.
    """
    kind = anchor.kind
    assert isinstance(kind, Contract)
    sizes = extents((x.letters, w.letters), (_shape(anchor, x.letters), _shape(anchor, w.letters)))
    wide = [c for c in kind.out if sizes[c] != 1]
    tile = _tile(wide, x, w, sizes, registers, side_by_side)
    builder.kernel.side_by_side = side_by_side
    builder.extents[PIXEL] = side_by_side
    depth = [c for c in sizes if c not in kind.out]
    loops = [c for c in kind.out if c not in (tile.row, tile.column)]
    loops.sort(key=lambda c: (c not in w.letters, c not in x.letters) if c in x.letters else (True, True))
    outer = next((c for c in loops if sizes[c] != 1), "")
    by_column = not outer and tiles(tile.columns) > 1
    by_row = not outer and not by_column and tiles(tile.rows) > 1
    builder.kernel.parallel = bool(outer) or by_column or by_row
    with ExitStack() as stack:
        at: dict[str, Dim] = {}
        for c in loops:
            at[c] = stack.enter_context(builder.loop(sizes[c], "parallel" if c == outer else "serial", stem="i"))
        for part, known in _parts(tile, sizes, side_by_side):
            with along(builder, part, sizes.get(tile.column, 1), "i", by_column) as start:
                first = start if known else start * side_by_side
                column = Columns(tile.column, first, part.size, side_by_side, known)
                read = x
                if tiles(tile.rows) >= REUSED and crowded(x, depth, sizes, vector_bytes, part.size * side_by_side):
                    read = copied(context, builder, x, column, at, depth, sizes)
                for piece in tile.rows:
                    with along(builder, piece, sizes.get(tile.row, 1), "o", by_row) as first_row:
                        sides = (piece.size, first_row), column
                        _sums(context, builder, anchor, (read, w), finish, tile.row, sides, at, depth, sizes)
    return f"{tile.rows[0].size} x {tile.columns[0].size} sums in registers, {in_words(side_by_side)}"


def _shape(anchor: Node, letters: str) -> tuple[Dim, ...]:
    kind = anchor.kind
    assert isinstance(kind, Contract)
    return anchor.operands[0 if letters == kind.left else 1].type.shape


def _parts(tile: Tile, sizes: dict[str, int], side_by_side: int) -> Iterator[tuple[Piece, int]]:
    """The tiles along the columns; behind them what is left over, and how many of its columns others have had."""
    yield from ((part, 0) for part in tile.columns)
    width = sizes.get(tile.column, 1)
    if width % side_by_side:
        yield Piece(width - side_by_side, 1, 1), side_by_side - width % side_by_side


def _tile(
    wide: Sequence[str], x: Operand, w: Operand, sizes: dict[str, int], registers: int, side_by_side: int
) -> Tile:
    """Rows along the longest axis of ``w`` alone, columns along the last of ``x`` alone."""
    rows = [c for c in wide if c not in x.letters]
    columns = [c for c in wide if c not in w.letters]
    row = max(rows, key=sizes.__getitem__, default="")
    column = columns[-1] if columns else ""
    count, width = sizes.get(row, 1), sizes.get(column, 1) // side_by_side
    if any(column in dict(b.steps) for b in x.bounds):
        return Tile(row, column, pieces(count, bounded_rows(width, registers)), pieces(width, width))
    r, c = choose(count, width, registers)
    return Tile(row, column, pieces(count, r), pieces(width, c))


def _sums(
    context: Context,
    builder: Builder,
    anchor: Node,
    operands: tuple[Operand, Operand],
    finish: Finish,
    row: str,
    sides: tuple[tuple[int, Dim], Columns],
    outer: dict[str, Dim],
    depth: Sequence[str],
    sizes: dict[str, int],
) -> None:
    x, w = operands
    (rows, first_row), columns = sides
    dtype = anchor.type.dtype
    acc = builder.registers((rows, columns.size), Lit(0, dtype))
    with ExitStack() as stack:
        at = dict(outer)
        for c in _ordered(depth, x, columns.letter):
            at[c] = stack.enter_context(_steps(builder, x, c, columns.letter, at, sizes))
        q = stack.enter_context(_across(builder, x, columns.letter, at, columns.size))
        if columns.letter:
            at[columns.letter] = columns.place(q)
        value = builder.let("v", x.load(context, builder, at))
        r = stack.enter_context(builder.unrolled(0, rows, rows, "r"))
        if row:
            at[row] = first_row + r
        product = Prim("mul", (value, w.load(context, builder, at)), dtype)
        builder.add_to(acc, (r, q), product)
    with (
        columns.new(builder),
        builder.unrolled(0, rows, rows, "r") as r,
        builder.unrolled(0, columns.size, columns.size, "q") as q,
    ):
        at = dict(outer)
        if row:
            at[row] = first_row + r
        if columns.letter:
            at[columns.letter] = columns.place(q)
        finish(at, Element(acc, (r, q), dtype))


def _ordered(depth: Sequence[str], x: Operand, column: str) -> list[str]:
    """Those that the columns' bounds depend on last: they are written out."""
    return sorted(depth, key=lambda c: _meets(x, c, column))


def _meets(x: Operand, letter: str, column: str) -> bool:
    return any({letter, column} <= {c for c, _ in b.steps} for b in x.bounds)


def _steps(
    builder: Builder, x: Operand, letter: str, column: str, at: dict[str, Dim], sizes: dict[str, int]
) -> AbstractContextManager[Dim]:
    """The loop over a summed letter, as far as there is anything to sum."""
    extent = sizes[letter]
    if _meets(x, letter, column):
        return builder.unrolled(0, extent, extent, "k")
    return trimmed(builder, letter, (0, extent), extent, x.bounds, {c: (place, place) for c, place in at.items()})


def _across(builder: Builder, x: Operand, column: str, at: dict[str, Dim], columns: int) -> AbstractContextManager[Dim]:
    """The columns of a tile, as far as there is anything to add."""
    spans = [s for b in x.bounds if column in dict(b.steps) and (s := b.span(column, at)) is not None]
    if not spans:
        return builder.unrolled(0, columns, columns, "q")
    ((start, stop),) = spans
    return builder.unrolled(start, stop, columns, "q", within=(0, columns))
