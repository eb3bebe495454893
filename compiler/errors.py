"""The errors a graph can be wrong with; the front end raises them on the line that wrote the mistake."""

from graphad.runtime.errors import GraphadError


class GraphError(GraphadError):
    """The graph itself is wrong: cyclic, foreign, a name that is not there, an output that is no tensor."""


class ShapeError(GraphadError):
    """Shapes, ranks or axes do not fit together."""


class DTypeError(GraphadError):
    """A dtype is not what the operation takes, or not what the input declared."""


class IndexRangeError(GraphadError, IndexError):
    """An index of a run lies outside its axis."""


class OutOfRangeError(IndexError):
    """What is computed met an index outside of its bounds. ``node``: the one that met it, for the front end to name."""

    def __init__(self, index: int, node: object = None) -> None:
        super().__init__(f"index {index} is out of range")
        self.index, self.node = index, node


class NanError(GraphadError, ArithmeticError):
    """``nan_guard`` met a NaN; names the node and the line that made it."""


class ParseError(GraphError):
    """A graph's text form cannot be read; names the line."""


class VerifyError(GraphError):
    """A pass (or a hand-written graph) broke an invariant; names the pass and the node."""


class TargetError(GraphadError):
    """The graph cannot be compiled for the target that was asked for."""


__all__ = [
    "DTypeError",
    "GraphError",
    "GraphadError",
    "IndexRangeError",
    "NanError",
    "OutOfRangeError",
    "ParseError",
    "ShapeError",
    "TargetError",
    "VerifyError",
]
