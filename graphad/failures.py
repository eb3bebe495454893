"""A compiled program's failure codes as errors that name the node and the user's line."""

import re
from collections.abc import Callable
from typing import TypeAlias

from graphad.compiler.build import Built
from graphad.compiler.errors import IndexRangeError, NanError, TargetError
from graphad.compiler.ir.kinds import Constant, Gather, Leaf, Map, Scatter, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.types import TensorType
from graphad.compiler.lower.nans import BASE
from graphad.runtime import CompileError, GraphadError, GuardError

Written: TypeAlias = Callable[[TensorType], TensorType]
"""A node's type with its sizes as the user calls them."""


def explain_failure(built: Built, error: GuardError) -> GraphadError:
    """The error that says what went wrong where."""
    if error.code >= BASE:
        return _nan(built.lowered.watched[error.code - BASE], error.detail, built.written)
    node = built.lowered.guards[error.code - 1]
    bound = _bound(node)
    limits = f" 0 to {bound - 1}" if bound else ""
    what = "index or label" if isinstance(node.kind, Map) else "index"
    return IndexRangeError(f"{_who(node, built.written)}: {what} {error.detail} is out of range{limits} [{node.site}]")


def explain_nan(node: Node, element: int) -> NanError:
    """The error for the first NaN of a run."""
    return _nan(node, element, lambda t: t)


def _nan(node: Node, element: int, written: Written) -> NanError:
    leaf = node.kind.name if isinstance(node.kind, Leaf) else None
    what = f"made by {_who(node, written)}" if leaf is None else f"in {leaf!r}, an argument or parameter"
    return NanError(f"the first NaN is {what}, at element {element} of {written(node.type)} [{node.site}]")


def _bound(node: Node) -> int | None:
    """The number that an index has to stay below, where the graph knows it."""
    if isinstance(node.kind, Gather):
        extent = node.operands[0].type.shape[node.kind.axis]
        return extent if isinstance(extent, int) else None
    if isinstance(node.kind, Scatter):
        return node.kind.size if isinstance(node.kind.size, int) else None
    limit = node.operands[-1]
    while isinstance(limit.kind, View):
        (limit,) = limit.operands
    return int(limit.kind.value.flat[0]) if isinstance(limit.kind, Constant) else None


def explain_refusal(built: Built, error: CompileError) -> TargetError:
    """The error for a program that did not compile: which kernel, for which line, and where its text is."""
    number = re.match(r"k(\d+)_", error.kernel)
    nodes = built.lowered.launches[int(number.group(1))].nodes if number else ()
    made = f", made for {_who(nodes[-1], built.written)} [{nodes[-1].site}]" if nodes else ""
    what = f"kernel {error.kernel}{made}" if error.kernel else f"program {error.program!r}"
    return TargetError(
        f"target cpu: {what}: did not compile, which is a fault of graphad's; its text is {error.path}; "
        f"target='numpy' runs without compiling ({error.reason.strip().splitlines()[0]})"
    )


def _who(node: Node, written: Written) -> str:
    layer = f" in layer {node.site.layer!r}" if node.site.layer else ""
    return f"{node.op.name}({', '.join(str(written(o.type)) for o in node.operands)}){layer}"
