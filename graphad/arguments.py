"""What a call is given: arguments in their order, and arrays for the results."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphad.arrays import masked
from graphad.compiler.errors import DTypeError, GraphadError, GraphError, ShapeError
from graphad.compiler.ir.node import Node
from graphad.tensor import Tensor

_MISSING = object()


def arrange(inputs: Mapping[str, object], args: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, ...]:
    """The arguments in order, those given by name put in their places. ``inputs``: their names, each with its type.

    Errors: GraphError for one too many, missing, unknown, or given twice.

    >>> arrange({"x": "float32", "y": "float32"}, [1], {"y": 2})
    (1, 2)
    """
    names = list(inputs)
    if len(args) > len(names):
        raise GraphError(f"expected {_count(len(names), 'argument')}, got {len(args)}; {_usage(inputs)}")
    known = names[len(args) :]
    for name in named:
        if name in names and name not in known:
            raise GraphError(f"{name!r} is given twice, by position and by name; {_usage(inputs)}")
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise GraphError(f"{name!r} is no argument; {hint}{_usage(inputs)}")
    values = [*args, *(named.get(n, _MISSING) for n in known)]
    missing = [n for n, v in zip(names, values, strict=True) if v is _MISSING]
    if missing:
        what = "is" if len(missing) == 1 else "are"
        raise GraphError(f"{', '.join(map(repr, missing))} {what} missing; {_usage(inputs)}")
    return tuple(values)


def _usage(inputs: Mapping[str, object]) -> str:
    """What to write."""
    if not inputs:
        return "call f()"
    types = ", ".join(f"{name}: {declared}" for name, declared in inputs.items())
    return f"call f({', '.join(inputs)}), with {types}"


def results_in(out: Any, kind: Any, outputs: Sequence[Node], shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """The arrays of ``out``, in kind with the outputs, of their types, apart from each other, that can be written to.

    Errors: GraphError, DTypeError and ShapeError that name the output by its number or key.
    """
    found = _paired(out, kind, ())
    for (path, array), shape, y in zip(found, shapes, outputs, strict=True):
        fits = (
            isinstance(array, np.ndarray) and not masked(array) and array.shape == shape and array.dtype == y.type.dtype
        )
        if not fits or not array.flags.carray:  # C-contiguous, aligned and writable
            raise _refusal(path, array, shape, y.type.dtype)
    for i, (path, array) in enumerate(found):
        for other, earlier in found[:i]:
            if np.may_share_memory(array, earlier):
                raise GraphError(f"out: {_output(other)} and {_output(path)} overlap; pass an array for each")
    return [array for _, array in found]


def _refusal(path: tuple[Any, ...], array: Any, shape: tuple[int, ...], dtype: str) -> GraphadError:
    """Why an array is not fit for a result."""
    who, create = f"out: {_output(path)}", f"np.empty({shape}, {dtype!r})"
    if masked(array):
        return DTypeError(f"{who} has a mask, which would be lost; pass {create}")
    if not isinstance(array, np.ndarray):
        return GraphError(f"{who} is a {type(array).__name__}, expected an array; pass {create}")
    if array.dtype != dtype:
        return DTypeError(f"{who} is {array.dtype}, expected {dtype}; pass {create}")
    if array.shape != shape:
        return ShapeError(f"{who} has shape {list(array.shape)}, expected {list(shape)}; pass {create}")
    return ShapeError(f"{who} has to be C-contiguous, aligned and writable; pass {create}")


def overlap(args: Sequence[Any], results: Sequence[np.ndarray]) -> bool:
    """Whether a result may lie where an argument lies."""
    return any(np.may_share_memory(x, y) for y in results for x in args)


def _paired(out: Any, kind: Any, path: tuple[Any, ...]) -> list[tuple[tuple[Any, ...], Any]]:
    """What ``out`` holds for each output, in the outputs' order, with its place."""
    if isinstance(kind, Tensor):
        return [(path, out)]
    who = f"out: {_output(path)}: " if path else "out: "
    if isinstance(kind, Mapping):
        keys = ", ".join(map(repr, kind))
        if not isinstance(out, Mapping):
            raise GraphError(f"{who}expected a dict with the keys {keys}, got {type(out).__name__}")
        for key in out:
            if key not in kind:
                raise GraphError(f"{who}{key!r} is no output; the keys are {keys}")
        missing = [key for key in kind if key not in out]
        if missing:
            what = "is" if len(missing) == 1 else "are"
            raise GraphError(f"{who}{', '.join(map(repr, missing))} {what} missing; the keys are {keys}")
        return [leaf for key, item in kind.items() for leaf in _paired(out[key], item, (*path, key))]
    if not isinstance(out, list | tuple):
        got = type(out).__name__
        raise GraphError(f"{who}expected a {type(kind).__name__} of {len(kind)}, one for each output, got {got}")
    if len(out) != len(kind):
        raise GraphError(f"{who}expected {len(kind)}, one for each output, got {len(out)}")
    pairs = enumerate(zip(out, kind, strict=True))
    return [leaf for i, (have, item) in pairs for leaf in _paired(have, item, (*path, i))]


def _output(path: tuple[Any, ...]) -> str:
    return f"output {path[0]!r}{''.join(f'[{key!r}]' for key in path[1:])}" if path else "the output"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
