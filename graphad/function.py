"""Compiled functions: called with arrays, specialised by size, and open to questions."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphad.autodiff.structure import unflatten
from graphad.binding import Sizes, accept
from graphad.compiler.errors import DTypeError, GraphError, ShapeError
from graphad.compiler.interpret import interpret, numbers
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Leaf
from graphad.compiler.ir.node import Node
from graphad.compiler.options import Options
from graphad.specialization import Specialization, Specializer
from graphad.tensor import Tensor, Variable

_SKIP = object()


class Function:
    """What ``ga.compile`` answers. Several threads may call it at once; calls with updates take turns."""

    def __init__(
        self, graph: Graph, variables: Mapping[Node, Variable], outputs: Any, target: str, threads: int, options: Options
    ) -> None:
        self.graph = graph
        self.variables = variables
        self.target = target
        self.threads = threads
        self.options = options
        self.names = tuple(_name(x) for x in graph.inputs)
        self._outputs = outputs
        self._single = isinstance(outputs, Tensor)
        self._specializer = Specializer(graph, variables, threads, options)
        self._last: Specialization | None = None
        self._turn = threading.Lock() if graph.updates else None

    def __call__(self, *args: Any, out: Any = None, **named: Any) -> Any:
        """The outputs' values, in fresh arrays or in ``out`` (arrays of the outputs' types, in kind)."""
        if named or len(args) != len(self.names):
            args = self._arguments(args, named)
        if self.target == "numpy":
            return self._interpret(args, out)
        last = self._last
        if last is None or not last.takes(args):
            args, last = self._specialized(args)
        results = last.outputs() if out is None else self._out(out, last.output_shapes)
        self._run(last, args, results, out is not None)
        if self._single:
            return results[0]
        return unflatten(self._outputs, results)

    def _run(self, last: Specialization, args: Sequence[Any], results: list[np.ndarray], shared: bool) -> None:
        if shared and _overlap(args, results):
            fresh = last.outputs()
            self._run(last, args, fresh, False)
            for have, new in zip(results, fresh, strict=True):
                have[...] = new
        elif self._turn is None:
            last.run(args, results)
        else:
            with self._turn:
                last.run(args, results)

    def _arguments(self, args: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Any, ...]:
        if len(args) > len(self.names):
            raise GraphError(f"takes {len(self.names)} arguments ({', '.join(self.names)}), got {len(args)}")
        values = list(args) + [named.get(n, _SKIP) for n in self.names[len(args) :]]
        known = set(self.names[len(args) :])
        for name in named:
            if name not in known:
                what = "is given twice" if name in self.names else "is no argument"
                raise GraphError(f"{name!r} {what}; the arguments are {', '.join(self.names)}")
        missing = [n for n, v in zip(self.names, values, strict=True) if v is _SKIP]
        if missing:
            raise GraphError(f"argument {', '.join(map(repr, missing))} is missing; call with {', '.join(self.names)}")
        return tuple(values)

    def _accepted(self, args: Sequence[Any]) -> tuple[list[np.ndarray], Sizes]:
        sizes: Sizes = {}
        arrays = [accept(x, value, sizes) for x, value in zip(self.graph.inputs, args, strict=True)]
        return arrays, sizes

    def _specialized(self, args: Sequence[Any]) -> tuple[tuple[np.ndarray, ...], Specialization]:
        arrays, sizes = self._accepted(args)
        self._last = self._specializer.at(sizes)
        return tuple(np.require(a, requirements=["C", "A"]) for a in arrays), self._last

    def _interpret(self, args: Sequence[Any], out: Any) -> Any:
        arrays, sizes = self._accepted(args)
        values: dict[Node, np.ndarray] = dict(zip(self.graph.inputs, arrays, strict=True))
        values.update((s, self.variables[s].storage) for s in self.graph.states)
        found = interpret(self.graph.roots, values, sizes)
        count = len(self.graph.outputs)
        results = [np.array(v) for v in found[:count]]
        for (leaf, _), new in zip(self.graph.updates, found[count:], strict=True):
            values[leaf][...] = new
        if out is not None:
            shapes = [numbers(y.type.shape, sizes) for y in self.graph.outputs]
            for have, new in zip(self._out(out, shapes), results, strict=True):
                have[...] = new
            return out
        return unflatten(self._outputs, results)

    def _out(self, out: Any, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        arrays = _leaves(out)
        if len(arrays) != len(shapes):
            raise GraphError(f"out has {len(arrays)} arrays, the function {len(shapes)} outputs")
        for array, shape, y in zip(arrays, shapes, self.graph.outputs, strict=True):
            if not isinstance(array, np.ndarray) or array.dtype.name != y.type.dtype:
                raise DTypeError(f"out: expected an array of {y.type.dtype}, got {_type_of(array)}")
            if array.shape != shape:
                raise ShapeError(f"out: expected shape {list(shape)}, got {list(array.shape)}")
            if not array.flags.c_contiguous or not array.flags.writeable:
                raise ShapeError("out: expected a C-contiguous, writable array; pass np.empty(shape, dtype)")
        return arrays


def _name(x: Node) -> str:
    assert isinstance(x.kind, Leaf)
    return x.kind.name


def _type_of(value: Any) -> str:
    return str(value.dtype) if isinstance(value, np.ndarray) else type(value).__name__


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        return [leaf for item in tree for leaf in _leaves(item)]
    return [tree]


def _overlap(args: Sequence[Any], results: Sequence[np.ndarray]) -> bool:
    return any(np.may_share_memory(a, r) for a in args for r in results)


__all__ = ["Function"]
