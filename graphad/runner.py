"""Running: arguments bound to a program for their sizes, results handed out."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from graphad.arguments import arrange, overlap, results_in
from graphad.autodiff.structure import unflatten
from graphad.binding import Sizes, accept
from graphad.checks import whole
from graphad.compiler.errors import GraphError
from graphad.compiler.interpret import interpret, numbers
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Leaf
from graphad.compiler.ir.node import Node
from graphad.compiler.nans import nans
from graphad.compiler.options import Options
from graphad.compiler.sizes import named_sizes
from graphad.failures import explain_nan, explained
from graphad.sparse_tensor import SparseTensor, assemble, leaves
from graphad.specialization import Specialization, Specializer
from graphad.tensor import Tensor, Variable


class Runner:
    """A graph that can be called: the half of a ``Function`` that computes."""

    def __init__(
        self,
        graph: Graph,
        variables: Mapping[Node, Variable],
        outputs: Any,
        target: str,
        threads: int | None,
        options: Options,
    ) -> None:
        self.graph = graph
        self.variables = variables
        self.target = target
        self.threads = threads
        self.options = options
        self.names = {_name(x): x.type for x in graph.inputs}
        self._outputs = outputs
        self._count = len(self.names)
        self._leaves = leaves(outputs)
        self._sparse = any(isinstance(y, SparseTensor) for y in self._leaves)
        self._single = isinstance(outputs, Tensor) and not self._sparse
        self._specializer = Specializer(graph, variables, threads, options)
        self._last: Specialization | None = None
        self._turn = self._specializer.turn

    def __call__(self, *args: Any, out: Any = None, **named: Any) -> Any:
        """The outputs' values, in fresh arrays or in ``out`` (arrays of the outputs' types, in kind).

        A sparse output is answered as a ``scipy.sparse.csr_array``; ``out`` has an array for its values, (nnz,), which
        the matrix then holds.
        """
        if named or len(args) != self._count:
            args = arrange(self.names, args, named)
        last = self._last
        ready = None if last is None else last.ready(args)
        if ready is None or last is None:
            if self.target == "numpy":
                return self._interpreted(args, out)
            ready, last = self._specialized(args)
        results = last.outputs() if out is None else self._results_in(out, last.output_shapes)
        aliased = out is not None and overlap(ready, results)
        targets = last.outputs() if aliased else results
        last.run(ready, targets)
        if aliased:
            for have, new in zip(results, targets, strict=True):
                have[...] = new
        return results[0] if self._single else self._in_kind(results)

    def _accepted(self, args: Sequence[Any]) -> tuple[list[np.ndarray], Sizes]:
        sizes: Sizes = {}
        arrays = [accept(x, value, sizes) for x, value in zip(self.graph.inputs, args, strict=True)]
        return arrays, sizes

    def _specialized(self, args: Sequence[Any]) -> tuple[tuple[np.ndarray, ...], Specialization]:
        arrays, sizes = self._accepted(args)
        self._last = last = self._specializer.at(sizes)
        return tuple(np.require(a, requirements=["C", "A"]) for a in arrays), last

    def _interpreted(self, args: Sequence[Any], out: Any) -> Any:
        return self._interpret(args, out) if self._turn is None else self._turn.run(self._interpret, args, out)

    def _interpret(self, args: Sequence[Any], out: Any) -> Any:
        arrays, sizes = self._accepted(args)
        values: dict[Node, np.ndarray] = dict(zip(self.graph.inputs, arrays, strict=True))
        values.update((s, self.variables[s].storage) for s in self.graph.states)
        shapes = [numbers(y.type.shape, sizes) for y in self.graph.outputs]
        targets = None if out is None else self._results_in(out, shapes)
        with explained(sizes):
            found = interpret(self.graph.roots, values, sizes)
        if self.options.nan_guard:
            for root, value in zip(self.graph.roots, found, strict=True):
                if len(places := nans(value)):
                    raise explain_nan(self.graph, values, sizes, (root, int(places[0])))
        count = len(self.graph.outputs)
        results = [np.array(v) for v in found[:count]]
        news = [np.array(v) for v in found[count:]]  # a new value may be another state itself, as in a swap
        for (leaf, _), new in zip(self.graph.updates, news, strict=True):
            values[leaf][...] = new
        if targets is None:
            return self._in_kind(results)
        for have, result in zip(targets, results, strict=True):
            have[...] = result
        return self._in_kind(targets)

    def _in_kind(self, results: Sequence[np.ndarray]) -> Any:
        return unflatten(self._outputs, assemble(self._leaves, results) if self._sparse else results)

    def _results_in(self, out: Any, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        return results_in(out, self._outputs, self.graph.outputs, shapes)

    @property
    def sizes(self) -> tuple[str, ...]:
        """The names of the sizes that the arguments bring."""
        return named_sizes(self.graph)

    def specialize(self, /, **sizes: int) -> Self:
        """Compiles ahead of the first call, for these sizes; answers the function itself.

        Errors: GraphError for a size that is unknown, missing, or no number of at least 0.
        """
        known = self._known("specialize", sizes)
        if self.target != "numpy":
            self._last = self._specializer.at(known)
        return self

    def _known(self, what: str, sizes: Mapping[str, Any]) -> dict[str, int]:
        has = f"its sizes are {', '.join(self.sizes)}" if self.sizes else "it has no symbolic sizes"
        for name, value in sizes.items():
            if name not in self.sizes:
                raise GraphError(f"{what}: {name!r} is no size of this function; {has}")
            whole(what, name, value, 0)
        missing = [name for name in self.sizes if name not in sizes]
        if missing:
            raise GraphError(f"{what}: needs {' and '.join(missing)}; write {self._written(what)}")
        return {name: int(value) for name, value in sizes.items()}

    def _written(self, method: str, number: int = 64) -> str:
        return f".{method}({', '.join(f'{name}={number}' for name in self.sizes)})"

    def _current(self, what: str) -> Specialization:
        """The last specialisation; the only one, where no sizes are symbolic."""
        if self._last is None:
            if self.sizes:
                raise GraphError(
                    f"{what}: {', '.join(self.sizes)} is not known yet; call the function, or "
                    f"{self._written('specialize')}, first"
                )
            self._last = self._specializer.at({})
        return self._last


def _name(x: Node) -> str:
    assert isinstance(x.kind, Leaf)
    return x.kind.name
