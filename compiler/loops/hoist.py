"""hoist_indices: indices that are looked up and checked once a point -> once a row.

    for q in 0 .. 16:                        v0 = x0[i]
        v0 = x0[i]                           if v0 < 0 or v0 >= 100: fail
        if v0 < 0 or v0 >= 100: fail    ->   j0 = v0
        j0 = v0                              for q in 0 .. 16:
        y2[16*i + q] = x1[16*j0 + q]             y2[16*i + q] = x1[16*j0 + q]

Only what an index or a check needs moves, and only out of loops that have an iteration at least: elsewhere nothing is
to be read, nor to fail. What is left is straight-line code over neighbours in memory, for vectors.
"""

from collections.abc import Iterator, Sequence

from graphad.compiler.ir.size import Dim, Size
from graphad.compiler.loops.ir import (
    Assign,
    At,
    Call,
    Element,
    Expr,
    Fail,
    For,
    If,
    Kernel,
    Let,
    Load,
    Put,
    Ref,
    Stmt,
    Store,
    Together,
)
from graphad.compiler.loops.straight import expressions_of, parts_of, within


def hoist_indices(kernel: Kernel) -> None:
    """Move what is looked up out of the loops of a kernel, in place."""
    kernel.body[:] = _hoisted(kernel.body)


def _hoisted(block: Sequence[Stmt]) -> list[Stmt]:
    found: list[Stmt] = []
    for statement in block:
        match statement:
            case For():
                statement.body[:] = _hoisted(statement.body)
                found += _moved(statement)
            case If(_, body):
                body[:] = _hoisted(body)
            case _:
                pass
        found.append(statement)
    return found


def _moved(loop: For) -> list[Stmt]:
    """Take out of a loop what it looks up again and again."""
    if not isinstance(loop.start, int) or not isinstance(loop.stop, int) or loop.stop <= loop.start:
        return []
    same = _unchanging(loop)
    used = _looked_up(loop.body)
    needed = {s.name for s in same if isinstance(s, Let) and s.name in used}
    moved: list[Stmt] = []
    for statement in reversed(same):
        if isinstance(statement, Let) and statement.name not in needed:
            continue
        needed |= set().union(*(_names(e) for e in expressions_of([statement])))
        moved.append(statement)
    kept = {id(s) for s in moved}
    loop.body[:] = [s for s in loop.body if id(s) not in kept]
    return moved[::-1]


def _unchanging(loop: For) -> list[Stmt]:
    """Scalars and checks that have no part in the loop's variable, in what it changes, or in what it writes."""
    inside = list(within(loop.body))
    if any(isinstance(s, Call | Together) for s in inside):
        return []
    changing = {loop.var} | {s.name for s in inside if isinstance(s, Assign | Put)}
    written = set(_written(loop.body))
    found: list[Stmt] = []
    for statement in loop.body:
        values = list(expressions_of([statement]))
        names = set().union(*(_names(e) for e in values))
        loads = {e.buffer for e in values if isinstance(e, Load)}
        fixed = not names & changing and not loads & written
        match statement:
            case Let(name=name, mutable=mutable):
                if fixed and not mutable:
                    found.append(statement)
                else:
                    changing.add(name)
            case If(_, body) if fixed and all(isinstance(s, Fail) for s in body):
                found.append(statement)
            case _:
                changing |= {s.name for s in within([statement]) if isinstance(s, Let)}
    return found


def _looked_up(block: Sequence[Stmt]) -> set[str]:
    """Names that indices of loads and stores are made of."""
    found: set[str] = set()
    for statement in within(block):
        if isinstance(statement, Store):
            found |= _of(statement.index)
        own: Sequence[Stmt] = [] if isinstance(statement, If) else [statement]
        found |= set().union(*(_of(e.index) for e in expressions_of(own) if isinstance(e, Load)))
    return found


def _written(block: Sequence[Stmt]) -> Iterator[str]:
    return (s.buffer for s in within(block) if isinstance(s, Store))


def _names(value: Expr) -> set[str]:
    """Scalars and variables that an expression is made of."""
    found: set[str] = set()
    for part in parts_of(value):
        match part:
            case Ref(name) | Element(name):
                found.add(name)
            case At(index) | Load(index=index):
                found |= _of(index)
            case _:
                pass
    return found


def _of(index: Dim) -> set[str]:
    return index.names() if isinstance(index, Size) else set()
