"""A compiled program's failure codes as errors that name the node and the user's line."""

from graphad.compiler.errors import IndexRangeError, NanError
from graphad.compiler.ir.kinds import Leaf
from graphad.compiler.ir.node import Node
from graphad.compiler.lower.lower import Lowered
from graphad.compiler.lower.nans import BASE
from graphad.runtime import GraphadError, GuardError


def explain_failure(lowered: Lowered, error: GuardError) -> GraphadError:
    """The error that says what went wrong where."""
    if error.code >= BASE:
        node = lowered.watched[error.code - BASE]
        what = f"in {node.kind.name!r}, an argument or parameter" if isinstance(node.kind, Leaf) else f"made by {_who(node)}"
        return NanError(f"the first NaN is {what}, at element {error.detail} of {node.type} [{node.site}]")
    node = lowered.guards[error.code - 1]
    return IndexRangeError(f"{_who(node)}: index {error.detail} is out of range [{node.site}]")


def _who(node: Node) -> str:
    layer = f" in layer {node.site.layer!r}" if node.site.layer else ""
    return f"{node.op.name}({', '.join(str(o.type) for o in node.operands)}){layer}"
