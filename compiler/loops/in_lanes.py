"""in_lanes: the program for one example -> the same for several at once, one in each lane.

    for i0 in 0 .. 6:                    for l in lanes(16):
        v0 = t0[i0]               ->         for i0 in 0 .. 6:
        t1[i0] = max(v0, 0.0)                    v0 = t0[i0*16+l]
                                                 t1[i0*16+l] = max(v0, 0.0)

Where a buffer's elements of an example lie is its ``Layout``:

    lanes     one element of every example side by side: [i] -> [i*lanes + l]
    rows      the examples one after the other, as the user has them: [i] -> [(first + l)*pitch + i]
    sums      one element for all: a store adds the sum over the examples that there are
    chunks    the same, which a kernel of its own sets for all blocks of a chunk
    shared    the same for all examples: weights

``first`` is the first example of the block, ``count`` how many there are: fewer than lanes in the last block. Lanes
beyond them repeat the last example; they neither reach rows nor sums.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.ir import (
    Assign,
    At,
    Expr,
    Fail,
    For,
    If,
    Kernel,
    Let,
    Lit,
    Load,
    Prim,
    Put,
    Stmt,
    Store,
    ToDtype,
    Together,
)

LANE: Final = "l"
PIXEL: Final = "h"  # which of several neighbours of an example, where lanes have them side by side
FIRST: Final = "first"
COUNT: Final = "count"
_EXAMPLE: Final = "e"
FEW: Final = 4  # iterations of a loop that is written out
MUCH: Final = 80  # statements that such a loop may come to


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a buffer's elements of one example lie. ``pitch``: elements of an example, for rows."""

    kind: Literal["lanes", "rows", "sums", "chunks", "shared"]
    pitch: Dim = 0


SHARED: Final = Layout("shared")


def in_lanes(kernel: Kernel, lanes: int, layouts: Mapping[str, Layout], shared: bool = False) -> Kernel:
    """The kernel for ``lanes`` examples; ``layouts`` by the buffers' names.

    ``shared``: threads share its parallel loops; else there are other examples for them.
    """
    body = _Lanes(lanes, layouts, shared).block(kernel.body)
    if any(layouts[p.name].kind == "rows" for p in kernel.buffers):
        body.insert(0, example_number())
    scalars = [*kernel.scalars, FIRST, COUNT]
    block: list[Stmt] = [Together(LANE, lanes, body)]
    if kernel.side_by_side > 1:
        block = [Together(PIXEL, kernel.side_by_side, block)]
    return replace(kernel, body=block, scalars=scalars, side_by_side=1, parallel=shared and kernel.parallel)


class _Lanes:
    """Rewrites statements."""

    def __init__(self, lanes: int, layouts: Mapping[str, Layout], shared: bool) -> None:
        self.lanes, self.layouts, self.shared = lanes, layouts, shared

    def block(self, statements: Sequence[Stmt]) -> list[Stmt]:
        return [self.statement(s) for s in statements]

    def statement(self, statement: Stmt) -> Stmt:
        match statement:
            case Let() | Assign() | Put():
                return replace(statement, value=self.expression(statement.value))
            case Store():
                return self.store(statement)
            case For():
                body = self.block(statement.body)
                if self.shared and statement.mark == "parallel":
                    return replace(statement, body=body, lanes=False, grain=1)
                short = statement.mark == "unrolled" or _short(statement, body)
                return replace(statement, body=body, mark="unrolled" if short else "serial", lanes=False)
            case If(condition, body):
                return If(self.expression(condition), self.block(body))
            case Fail(code, detail):
                return Fail(code, self.expression(detail))
            case _:
                return statement

    def store(self, statement: Store) -> Stmt:
        layout = self.layouts[statement.buffer]
        value = self.expression(statement.value)
        there = Prim("lt", (At(symbol(LANE)), At(symbol(COUNT))), "bool")
        match layout.kind:
            case "lanes":
                return Store(statement.buffer, self.lane(statement.index), value)
            case "rows":
                place = (symbol(FIRST) + symbol(LANE)) * layout.pitch + statement.index
                return If(there, [Store(statement.buffer, place, value)])
            case "sums":
                old = Load(statement.buffer, statement.index, value.dtype)
                counted = Prim("select", (there, value, Lit(0, value.dtype)), value.dtype)
                total = Prim("sum_lanes", (counted,), value.dtype)
                return Store(statement.buffer, statement.index, Prim("add", (old, total), value.dtype))
            case "chunks" | "shared":
                raise AssertionError(f"{statement.buffer} is the same for all examples")

    def lane(self, index: Dim) -> Dim:
        return index * self.lanes + symbol(LANE)

    def expression(self, value: Expr) -> Expr:
        match value:
            case Load(buffer, index, dtype):
                return self.load(buffer, index, dtype)
            case Prim(primitive, args, dtype):
                return Prim(primitive, tuple(self.expression(a) for a in args), dtype)
            case ToDtype(arg, dtype):
                return ToDtype(self.expression(arg), dtype)
            case _:
                return value

    def load(self, buffer: str, index: Dim, dtype: str) -> Expr:
        layout = self.layouts[buffer]
        match layout.kind:
            case "lanes":
                return Load(buffer, self.lane(index), dtype)
            case "rows":
                return Load(buffer, symbol(_EXAMPLE) * layout.pitch + index, dtype)
            case _:
                return Load(buffer, index, dtype)


def _short(loop: For, body: Sequence[Stmt]) -> bool:
    """Few iterations of little, without loops inside that stay: rather written out than counted."""
    trips = loop.stop - loop.start
    if not isinstance(trips, int) or not isinstance(loop.start, int) or loop.step != 1 or not 0 < trips <= FEW:
        return False
    return trips * _size(body) <= MUCH


def _size(body: Sequence[Stmt]) -> int:
    """Statements once loops are written out; too many where one stays."""
    total = 0
    for statement in body:
        if isinstance(statement, For):
            trips = statement.stop - statement.start
            known = statement.mark == "unrolled" and isinstance(trips, int)
            total += trips * _size(statement.body) if known and isinstance(trips, int) else MUCH + 1
        else:
            total += 1
    return total


def example_number() -> Let:
    """The number of the lane's example, the last one's in lanes beyond."""
    last = At(symbol(COUNT) - 1)
    lane = Prim("min", (At(symbol(LANE)), last), "int64")
    return Let(_EXAMPLE, Prim("add", (At(symbol(FIRST)), lane), "int64"))
