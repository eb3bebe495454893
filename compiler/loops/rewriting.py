"""Statements rewritten: with other indices of buffers, other expressions for constants, other functions called."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.ir import (
    Assign,
    At,
    Bound,
    Call,
    Element,
    Expr,
    Fail,
    For,
    If,
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


def _as_it_is(buffer: str, index: Dim) -> Dim:
    return index


def _kept(literal: Lit) -> Expr:
    return literal


def _same(function: str) -> str:
    return function


@dataclass(frozen=True)
class Rewriting:
    """``index``: what becomes of an index of a buffer; ``literal``: of a constant, but for operands of quotients and
    powers, of which some are quicker; ``function``: of what is called. Expressions that do not change stay as they are.
    """

    index: Callable[[str, Dim], Dim] = _as_it_is
    literal: Callable[[Lit], Expr] = _kept
    function: Callable[[str], str] = _same

    def block(self, statements: Sequence[Stmt]) -> list[Stmt]:
        return [self.statement(s) for s in statements]

    def statement(self, statement: Stmt) -> Stmt:
        match statement:
            case Let() | Assign() | Put():
                value = self.expression(statement.value)
                return statement if value is statement.value else replace(statement, value=value)
            case Store(buffer, index, value):
                return replace(statement, index=self.index(buffer, index), value=self.expression(value))
            case For() | Together():
                return replace(statement, body=self.block(statement.body))
            case If(condition, body):
                return If(self.expression(condition), self.block(body))
            case Call(function, arguments):
                return Call(self.function(function), tuple(self.argument(a) for a in arguments))
            case Fail(code, detail):
                return Fail(code, self.expression(detail))
            case Prefetch(buffer, index):
                return Prefetch(buffer, self.index(buffer, index))
            case Registers() | Note():
                return statement

    def argument(self, argument: tuple[str, Dim] | Dim) -> tuple[str, Dim] | Dim:
        if isinstance(argument, tuple):
            return argument[0], self.index(*argument)
        return argument

    def expression(self, value: Expr) -> Expr:
        match value:
            case Load(buffer, index, dtype):
                moved = self.index(buffer, index)
                return value if moved is index else Load(buffer, moved, dtype)
            case Prim(primitive, args, dtype):
                fixed = primitive in _FIXED
                changed = tuple(a if fixed and isinstance(a, Lit) else self.expression(a) for a in args)
                same = all(a is b for a, b in zip(changed, args, strict=True))
                return value if same else Prim(primitive, changed, dtype)
            case ToDtype(arg, dtype):
                inner = self.expression(arg)
                return value if inner is arg else ToDtype(inner, dtype)
            case Lit():
                return self.literal(value)
            case Ref() | At() | Bound() | Element():
                return value


_FIXED = frozenset(("pow", "div", "floordiv", "mod"))
