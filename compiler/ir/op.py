"""Ops: open records with a name and a meaning, each lowered through its closed kind.

The compiler owns the structural ops below; elementwise ops, reductions and scans are declared by the front end, which
adds its derivative to the record. A pass never asks for an op's name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from graphad.compiler.errors import GraphError
from graphad.compiler.ir.kinds import Monoid
from graphad.compiler.ir.scalar import Scalar


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Op:
    """A named operation. ``reference`` is its meaning in NumPy, for kinds that leave the meaning to the op."""

    name: str


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MapOp(Op):
    """An elementwise op: the scalar expression every target emits from, and the NumPy function it means.

    ``simplify`` holds float-safe identities: called with the operands' constant values (None where unknown), it
    answers the number of the operand that the result equals, or None.
    """

    scalar: Scalar
    arity: int
    reference: Callable[..., Any]
    simplify: Callable[..., int | None] | None = None
    commutative: bool = False


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ReduceOp(Op):
    """A reduction by a monoid; ``reference(array, axes)``."""

    monoid: Monoid
    reference: Callable[[np.ndarray, tuple[int, ...]], Any]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ScanOp(Op):
    """All prefixes by a monoid; ``reference(array, axis)``."""

    monoid: Monoid
    reference: Callable[[np.ndarray, int], Any]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AliasOp(Op):
    """An identity view with a name of its own: it means its operand, and derivatives treat it specially."""


_OPS: Final[dict[str, Op]] = {}


def register(op: Op) -> None:
    """Makes an op known by name, for the text form; a name is given once."""
    if op.name in _OPS:
        raise GraphError(f"an op named {op.name!r} exists already; choose another name")
    if not op.name.isidentifier():
        raise GraphError(f"an op's name is an identifier, got {op.name!r}")
    _OPS[op.name] = op


def find(name: str) -> Op:
    """The op of that name."""
    if name not in _OPS:
        raise GraphError(f"no op is named {name!r}")
    return _OPS[name]


def is_known(op: Op) -> bool:
    """Whether the name says what the op means: it stands for this very op, or for aliases, which mean their operand."""
    found = _OPS.get(op.name)
    return found is op or (isinstance(op, AliasOp) and isinstance(found, AliasOp))


def registered() -> tuple[Op, ...]:
    """Every op known, in the order of declaration."""
    return tuple(_OPS.values())


def _structural(name: str) -> Op:
    op = Op(name=name)
    register(op)
    return op


INPUT: Final = _structural("input")
PARAMETER: Final = _structural("parameter")
STATE: Final = _structural("state")
CONSTANT: Final = _structural("constant")
SIZE: Final = _structural("size")
INDEX: Final = _structural("index")
VIEW: Final = _structural("view")
RESHAPE: Final = _structural("reshape")
JOIN: Final = _structural("join")
FOLD: Final = _structural("fold")
CONTRACT: Final = _structural("contract")
GATHER: Final = _structural("gather")
SCATTER: Final = _structural("scatter")
AFTER: Final = _structural("after")
