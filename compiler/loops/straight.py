"""Straight-line statements looked through and written anew."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from graphad.compiler.ir.size import Dim, evaluate
from graphad.compiler.loops.ir import (
    Assign,
    At,
    Call,
    Expr,
    Fail,
    For,
    If,
    Let,
    Load,
    Note,
    Prefetch,
    Prim,
    Put,
    Registers,
    Stmt,
    Store,
    ToDtype,
    Together,
)


def within(block: Sequence[Stmt]) -> Iterator[Stmt]:
    """The statements, and those inside them."""
    for statement in block:
        yield statement
        if isinstance(statement, For | If | Together):
            yield from within(statement.body)


def expressions_of(block: Sequence[Stmt]) -> Iterator[Expr]:
    """Every value that the statements compute from others, whole ones first; not those of loops inside."""
    for statement in block:
        match statement:
            case Let(value=value) | Assign(value=value) | Store(value=value) | Put(value=value) | Fail(detail=value):
                yield from parts_of(value)
            case If(condition, body):
                yield from parts_of(condition)
                yield from expressions_of(body)
            case _:
                pass


def parts_of(value: Expr) -> Iterator[Expr]:
    """An expression and all that it is made of."""
    stack = [value]
    while stack:
        part = stack.pop()
        yield part
        if isinstance(part, Prim):
            stack.extend(reversed(part.args))
        elif isinstance(part, ToDtype):
            stack.append(part.arg)


def loads_of(block: Sequence[Stmt]) -> list[Load]:
    """What the statements load, each once."""
    return list(dict.fromkeys(e for e in expressions_of(block) if isinstance(e, Load)))


def renamed(block: Sequence[Stmt], names: Mapping[str, Dim], load: Callable[[Load], Expr]) -> list[Stmt]:
    """Statements of straight-line code with the variables ``names`` replaced in indices, and loads by ``load``."""
    return [_statement(s, names, load) for s in block]


def _statement(statement: Stmt, names: Mapping[str, Dim], load: Callable[[Load], Expr]) -> Stmt:
    match statement:
        case Let() | Assign():
            return replace(statement, value=_expression(statement.value, names, load))
        case Store():
            value = _expression(statement.value, names, load)
            return replace(statement, index=evaluate(statement.index, names), value=value)
        case Prefetch():
            return replace(statement, index=evaluate(statement.index, names))
        case If(condition, body):
            return If(_expression(condition, names, load), renamed(body, names, load))
        case Fail(code, detail):
            return Fail(code, _expression(detail, names, load))
        case Note():
            return statement
        case Registers() | Put() | For() | Together() | Call():
            raise AssertionError(f"{type(statement).__name__} is no straight-line code")
        case _:
            assert_never(statement)


def _expression(value: Expr, names: Mapping[str, Dim], load: Callable[[Load], Expr]) -> Expr:
    match value:
        case Load():
            return load(value)
        case At(index):
            return At(evaluate(index, names))
        case Prim(primitive, args, dtype):
            return Prim(primitive, tuple(_expression(a, names, load) for a in args), dtype)
        case ToDtype(arg, dtype):
            return ToDtype(_expression(arg, names, load), dtype)
        case _:
            return value
