"""Loops shared among threads, cut so that results do not depend on how many there are.

    for i in 0 .. n (parallel):          for c in 0 .. (n + 447) // 448 (parallel):
        acc = 0.0                  ->        stop = min(448*c + 448, n)
        for k in 0 .. 4:                     for i in 448*c .. stop:
            acc = acc + x[4*i+k]                 acc = 0.0 ...

A target may write out short loops inside and put iterations of the loop around them into vectors; what is left over at
the end is then added up in another order, where sums may change theirs. Where a loop ends must not depend on threads,
so each block is a loop of its own with bounds that are the program's, whole blocks are shared, and the same
instructions run over the same iterations whoever runs them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, assert_never

from graphad.compiler.ir.size import symbol
from graphad.compiler.loops.ir import (
    Assign,
    At,
    Call,
    Fail,
    For,
    If,
    Let,
    Note,
    Prefetch,
    Prim,
    Put,
    Registers,
    Stmt,
    Store,
    Together,
)

GRAIN: Final = 64
"""Iterations of a short loop body that stay together, where nothing is added up in any order: for speed alone."""
SHORT: Final = 256
"""Iterations inside, up to which a body counts as short."""
WORK: Final = 2048
"""Iterations, those of the loops inside counted, of a block. No target writes out so many."""


def in_blocks(block: Sequence[Stmt]) -> list[Stmt]:
    """The statements with blocks of iterations shared, where a target could mix iterations."""
    found: list[Stmt] = []
    for statement in block:
        match statement:
            case For(mark="parallel", lanes=False) if rows_of_block(statement) > 1:
                found.append(_cut(statement, rows_of_block(statement)))
            case For() | If():
                found.append(replace(statement, body=in_blocks(statement.body)))
            case _:
                found.append(statement)
    return found


def rows_of_block(loop: For) -> int:
    """Iterations of a block, whole vectors; 1 where those inside are unknown or too many for a target to write out."""
    inside = trips(loop.body)
    return 1 if inside is None or inside >= WORK else -(-WORK // inside // GRAIN) * GRAIN


def _cut(loop: For, rows: int) -> For:
    count, stop = f"{loop.var}_block", f"{loop.var}_stop"
    first = symbol(count) * rows
    end = Let(stop, Prim("min", (At(first + rows), At(loop.stop)), "int64"))
    inner = For(loop.var, first, symbol(stop), loop.body)
    return For(count, 0, (loop.stop + (rows - 1)) // rows, [end, inner], mark="parallel", grain=1)


def trips(body: Sequence[Stmt]) -> int | None:
    """Iterations of the loops inside, if they are known: whether the target may write them all out."""
    total = 1
    for statement in body:
        match statement:
            case Call() | Together() | For(lanes=True):  # no loop is put into vectors around a call or other vectors
                return None
            case For():
                extent, inner = statement.stop - statement.start, trips(statement.body)
                if not isinstance(extent, int) or inner is None:
                    return None
                total += extent * inner
            case If(_, inside):
                inner = trips(inside)
                if inner is None:
                    return None
                total += inner
            case _:
                pass
    return total


def unshared(body: Sequence[Stmt]) -> list[Stmt]:
    """The same for one thread that runs it alone: a share of a loop would be what others never come to do."""
    found: list[Stmt] = []
    for statement in body:
        match statement:
            case For(mark=mark):
                inner = unshared(statement.body)
                found.append(replace(statement, body=inner, mark="serial" if mark == "parallel" else mark))
            case If() | Together():
                found.append(replace(statement, body=unshared(statement.body)))
            case Let() | Assign() | Store() | Registers() | Put() | Call() | Fail() | Prefetch() | Note():
                found.append(statement)
            case _:
                assert_never(statement)
    return found
