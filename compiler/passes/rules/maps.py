"""Identities of elementwise ops that follow from their scalar expressions or that the ops hand over as data."""

from typing import Final

from graphad.compiler.ir.kinds import Map
from graphad.compiler.ir.make import mapped, uniform
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import MapOp
from graphad.compiler.ir.scalar import Arg, Cast

# The dtypes that hold every value of a dtype exactly.
_HOLDS: Final = {
    "bool": ("bool", "int32", "int64", "float32", "float64"),
    "int32": ("int32", "int64", "float64"),
    "int64": ("int64",),
    "float32": ("float32", "float64"),
    "float64": ("float64",),
}


def identity_of_op(x: Node) -> Node | None:
    """``multiply(x, 1) -> x`` and whatever else the op's record says.

    Safe because each record states only what holds for every x: x + (-0.0), but not x + 0.0, which is wrong at -0.0.
    """
    if not isinstance(x.op, MapOp) or x.op.simplify is None:
        return None
    known = [uniform(o) for o in x.operands]
    if all(v is None for v in known):
        return None
    number = x.op.simplify(*known)
    if number is None or x.operands[number].type != x.type:
        return None
    return x.operands[number]


def cast_to_itself(x: Node) -> Node | None:
    """``to_float32(x: float32) -> x``."""
    return x.operands[0] if _is_cast(x) and x.operands[0].type == x.type else None


def cast_of_cast(x: Node) -> Node | None:
    """``to_float32(to_float64(x: float32)) -> x``: the way there lost nothing, so there is nothing to come back from.

    Where the last dtype is a third one, the middle step goes if it is exact: rounding then happens once either way.
    Not from floats to integers: what a value out of range becomes depends on where it comes from.
    """
    if not _is_cast(x) or not _is_cast(x.operands[0]):
        return None
    (middle,) = x.operands
    (source,) = middle.operands
    if middle.type.dtype not in _HOLDS[source.type.dtype]:
        return None
    if source.type == x.type:
        return source
    if source.type.dtype.startswith("float") and not x.type.dtype.startswith("float"):
        return None
    assert isinstance(x.op, MapOp)
    return mapped(x.op, source, site=x.site)


def _is_cast(x: Node) -> bool:
    return isinstance(x.kind, Map) and isinstance(x.kind.scalar, Cast) and isinstance(x.kind.scalar.arg, Arg)
