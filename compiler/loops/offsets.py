"""from_starts: kernels that read and write from their buffers' first elements on, wherever those begin.

    for i0 in 0 .. 16:                             for i0 in 0 .. 16:
        v0 = x0[800*i0 + 24]              ->           v0 = x0[800*i0]          called with x0 + 24
        t1[i0] = v0

So kernels that differ in nothing but where they begin, as the steps of an unrolled recurrence do, are one kernel. What is
taken out of a buffer's indices is what all of them have in common: the least of their constants, and sizes that the
program takes, where each has the same.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

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
    Lit,
    Load,
    Note,
    Prefetch,
    Prim,
    Put,
    Ref,
    Registers,
    Stmt,
    Store,
    ToDtype,
    Together,
)

Touch = Callable[[str, Dim], Dim]
"""What becomes of an index of a buffer."""


def from_starts(kernel: Kernel, sizes: Collection[str]) -> dict[str, Dim]:
    """Take out of a kernel's indices, in place, where each buffer's first element is; the answer, where that is not 0.

    ``sizes``: names of those that the program takes, which no loop changes.
    """
    found: dict[str, set[tuple[int, Dim]]] = {p.name: set() for p in kernel.buffers}

    def look(buffer: str, index: Dim) -> Dim:
        if buffer in found:
            found[buffer].add(_fixed(index, sizes))
        return index

    _Walk(look).block(kernel.body)
    starts = {name: start for name, places in found.items() if (start := _start(places)) != 0}
    if starts:

        def move(buffer: str, index: Dim) -> Dim:
            return index - starts[buffer] if buffer in starts else index

        kernel.body = _Walk(move).block(kernel.body)
    return starts


def _fixed(index: Dim, sizes: Collection[str]) -> tuple[int, Dim]:
    """The terms of an index without a variable: the constant, and those of sizes."""
    if isinstance(index, int):
        return index, 0
    constant, rest = 0, []
    for atoms, c in index.terms:
        if not atoms:
            constant = c
        elif all(isinstance(a, str) and a in sizes for a in atoms):
            rest.append((atoms, c))
    return constant, Size(tuple(rest)) if rest else 0


def _start(places: Collection[tuple[int, Dim]]) -> Dim:
    """Where the first element is: never before the buffer, which guarded indices may be."""
    beyond = {sizes for _, sizes in places}
    least = min((constant for constant, _ in places), default=0)
    common = next(iter(beyond)) if len(beyond) == 1 else 0
    if isinstance(common, Size):
        return common + least if all(c > 0 for _, c in common.terms) else max(0, least)
    return max(0, least)


class _Walk:
    """Statements with every index of a buffer as ``touch`` answers it; what does not change stays the object it is."""

    def __init__(self, touch: Touch) -> None:
        self.touch = touch

    def block(self, statements: Sequence[Stmt]) -> list[Stmt]:
        return [self.statement(s) for s in statements]

    def statement(self, statement: Stmt) -> Stmt:
        match statement:
            case Let() | Assign() | Put():
                value = self.expression(statement.value)
                return statement if value is statement.value else replace(statement, value=value)
            case Store(buffer, index, value):
                return replace(statement, index=self.touch(buffer, index), value=self.expression(value))
            case For() | Together():
                return replace(statement, body=self.block(statement.body))
            case If(condition, body):
                return If(self.expression(condition), self.block(body))
            case Call(function, arguments):
                return Call(function, tuple(self.argument(a) for a in arguments))
            case Fail(code, detail):
                return Fail(code, self.expression(detail))
            case Prefetch(buffer, index):
                return Prefetch(buffer, self.touch(buffer, index))
            case Registers() | Note():
                return statement

    def argument(self, argument: tuple[str, Dim] | Dim) -> tuple[str, Dim] | Dim:
        if isinstance(argument, tuple):
            return argument[0], self.touch(*argument)
        return argument

    def expression(self, value: Expr) -> Expr:
        match value:
            case Load(buffer, index, dtype):
                moved = self.touch(buffer, index)
                return value if moved is index else Load(buffer, moved, dtype)
            case Prim(primitive, args, dtype):
                changed = tuple(self.expression(a) for a in args)
                same = all(a is b for a, b in zip(changed, args, strict=True))
                return value if same else Prim(primitive, changed, dtype)
            case ToDtype(arg, dtype):
                inner = self.expression(arg)
                return value if inner is arg else ToDtype(inner, dtype)
            case Lit() | Ref() | At() | Element():
                return value
