"""What a call is given: arguments in their order, and arrays for the results."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphad.compiler.errors import DTypeError, GraphError, ShapeError
from graphad.compiler.ir.node import Node

_MISSING = object()


def arrange(names: Sequence[str], args: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, ...]:
    """The arguments in order, those given by name put in their places.

    Errors: GraphError for one too many, missing, unknown, or given twice.

    >>> arrange(["x", "y"], [1], {"y": 2})
    (1, 2)
    """
    if len(args) > len(names):
        raise GraphError(f"expected {_count(len(names), 'argument')} ({', '.join(names)}), got {len(args)}")
    known = names[len(args) :]
    for name in named:
        if name not in known:
            what = "is given twice, by position and by name" if name in names else "is no argument"
            raise GraphError(f"{name!r} {what}; the arguments are {', '.join(names) or 'none'}")
    values = [*args, *(named.get(n, _MISSING) for n in known)]
    missing = [n for n, v in zip(names, values, strict=True) if v is _MISSING]
    if missing:
        what = "is" if len(missing) == 1 else "are"
        raise GraphError(f"{', '.join(map(repr, missing))} {what} missing; the arguments are {', '.join(names)}")
    return tuple(values)


def results_in(out: Any, outputs: Sequence[Node], shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """The arrays of ``out``, which are of the outputs' types and can be written to.

    Errors: GraphError, DTypeError and ShapeError that name the output by its number.
    """
    arrays = _leaves(out)
    if len(arrays) != len(shapes):
        raise GraphError(f"out: expected {_count(len(shapes), 'array')}, one for each output, got {len(arrays)}")
    for i, (array, shape, y) in enumerate(zip(arrays, shapes, outputs, strict=True)):
        create = f"np.empty({shape}, {y.type.dtype!r})"
        if not isinstance(array, np.ndarray):
            raise GraphError(f"out: output {i} is a {type(array).__name__}, expected an array; pass {create}")
        if array.dtype != np.dtype(y.type.dtype):
            raise DTypeError(f"out: output {i} is {array.dtype}, expected {y.type.dtype}; pass {create}")
        if array.shape != shape:
            raise ShapeError(f"out: output {i} has shape {list(array.shape)}, expected {list(shape)}; pass {create}")
        if not array.flags.c_contiguous or not array.flags.aligned or not array.flags.writeable:
            raise ShapeError(f"out: output {i} has to be C-contiguous, aligned and writable; pass {create}")
    return arrays


def overlap(args: Sequence[Any], results: Sequence[np.ndarray]) -> bool:
    """Whether a result may lie where an argument, or another result, lies."""
    return any(np.may_share_memory(x, y) for i, y in enumerate(results) for x in (*args, *results[:i]))


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        return [leaf for item in tree for leaf in _leaves(item)]
    return [tree]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
