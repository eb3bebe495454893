"""A compiled program's failure codes as errors that name the node and the user's line."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias, cast

import numpy as np

from graphad.compiler.build import Built
from graphad.compiler.errors import IndexRangeError, NanError, OutOfRangeError, ShapeError, TargetError
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Constant, Gather, Leaf, Map, Scatter, SizeOf, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, evaluate
from graphad.compiler.ir.types import TensorType
from graphad.compiler.lower.nans import BASE
from graphad.compiler.nans import nan_source
from graphad.ops.arithmetic import from_end
from graphad.runtime import CompileError, GraphadError, GuardError

Written: TypeAlias = Callable[[TensorType], TensorType]
"""A node's type with its sizes as the user calls them."""


def explain_failure(
    built: Built, error: GuardError, values: Mapping[Node, np.ndarray], sizes: Mapping[str, int]
) -> GraphadError:
    """The error that says what went wrong where. ``values``: the inputs' and the states'."""
    if error.code >= BASE:
        seen = built.lowered.watched[error.code - BASE], error.detail
        return explain_nan(built.lowered.graph, values, sizes, seen, built.written)
    return explain_index(built.lowered.guards[error.code - 1], error.detail, sizes, built.written)


def _as_it_is(t: TensorType) -> TensorType:
    return t


def explain_index(node: Node, index: int, sizes: Mapping[str, int], written: Written = _as_it_is) -> IndexRangeError:
    """The error for an index that ``node`` met, as the user gave it: a negative one not yet counted from the end."""
    bound = _bound(node, sizes)
    least = 0
    if bound and _counts_from_end(node):
        least, index = -bound, index - bound if index < 0 else index
    limits = f" {least} to {bound - 1}" if bound else ""
    what = "index or label" if isinstance(node.kind, Map) and not least else "index"
    return IndexRangeError(f"{_who(node, written)}: {what} {index} is out of range{limits} [{node.site}]")


@contextmanager
def explained(sizes: Mapping[str, int]) -> Iterator[None]:
    """What the interpreter meets, in the words of the other targets."""
    try:
        yield
    except OutOfRangeError as error:
        raise explain_index(cast("Node", error.node), error.index, sizes) from None
    except MemoryError as error:
        raise ShapeError(f"more than memory holds: {error}; smaller sizes, or parts one after the other") from error


def _counts_from_end(node: Node) -> bool:
    """Whether negative indices were counted from the end before ``node`` met them."""
    indices = node.operands[1 if isinstance(node.kind, Gather) else 0]
    while isinstance(indices.kind, View):
        (indices,) = indices.operands
    return indices.op is from_end


def explain_nan(
    graph: Graph,
    values: Mapping[Node, np.ndarray],
    sizes: Mapping[str, int],
    seen: tuple[Node, int],
    written: Written = _as_it_is,
) -> NanError:
    """The error for the first NaN among the results, named by what made it.

    ``seen``: the result's node and element that are NaN, for one that kernels make and the interpreter does not.
    """
    found = nan_source(graph.roots, values, sizes)
    if found is None:
        node, element = seen
        return NanError(
            f"the first NaN is in what {_who(node, written)} gives, at element {element} of {written(node.type)}; "
            "node by node, as "
            f"target='numpy' computes, there is none: numbers on the way are at the edge of their range [{node.site}]"
        )
    node, leaf = found.node, found.node.kind.name if isinstance(found.node.kind, Leaf) else None
    what = f"made by {_who(node, written)}" if leaf is None else f"in {leaf!r}, an argument or parameter"
    why = ", from a NaN written as a constant" if found.constant else ""
    return NanError(f"the first NaN is {what}, at element {found.element} of {written(node.type)}{why} [{node.site}]")


def _bound(node: Node, sizes: Mapping[str, int]) -> int | None:
    """The number that an index has to stay below, where it is known."""
    if isinstance(node.kind, Gather):
        return _number(node.operands[0].type.shape[node.kind.axis], sizes)
    if isinstance(node.kind, Scatter):
        return _number(node.kind.size, sizes)
    limit = node.operands[-1]
    while isinstance(limit.kind, View) or (isinstance(limit.kind, Map) and len(limit.operands) == 1):  # a conversion
        (limit,) = limit.operands
    if isinstance(limit.kind, SizeOf):
        return _number(limit.kind.size, sizes)
    return int(limit.kind.value.flat[0]) if isinstance(limit.kind, Constant) else None


def _number(size: Dim, sizes: Mapping[str, int]) -> int | None:
    found = evaluate(size, sizes)
    return found if isinstance(found, int) else None


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
