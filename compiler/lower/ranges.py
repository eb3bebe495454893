"""Which indices need no check when they are used: those that are constants, looked at now."""

from graphad.compiler.ir.kinds import Constant
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim


def in_range(places: Node, size: Dim) -> bool:
    """Whether every index is known to be in 0..size-1."""
    if not isinstance(places.kind, Constant) or not isinstance(size, int):
        return False
    values = places.kind.value
    return not values.size or bool(values.min() >= 0 and values.max() < size)
