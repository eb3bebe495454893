"""Specialisations of a function: one program for the sizes that are fixed, one instance for all of them."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from graphad.compiler.build import Built, build
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.node import Node
from graphad.compiler.options import Options
from graphad.compiler.sizes import fixed_sizes, specialize
from graphad.failures import explain_failure
from graphad.runtime import Executable, GuardError, Instance, load
from graphad.tensor import Variable

KEPT: Final = 32
"""Instances kept for sizes met; the least recently used go."""


@dataclass(frozen=True, eq=False)
class Compiled:
    """The program for one choice of the fixed sizes."""

    graph: Graph
    built: Built
    executable: Executable
    variables: Mapping[Node, Variable]


class Specialization:
    """A program bound to concrete sizes and to the parameters' storage; ready to run."""

    def __init__(
        self, compiled: Compiled, storages: Sequence[np.ndarray], sizes: Mapping[str, int], threads: int
    ) -> None:
        self.compiled = compiled
        self.sizes = dict(sizes)
        layout = compiled.built.layout(sizes, threads)
        self.instance: Instance = compiled.executable.instantiate(layout, storages)
        self.output_shapes = layout.outputs
        self._dtypes = tuple(np.dtype(y.type.dtype) for y in compiled.graph.outputs)
        self._results = tuple(zip(self.output_shapes, self._dtypes, strict=True))
        shapes = (x.type.at(sizes).shape for x in compiled.graph.inputs)
        self._expected = tuple(
            (shape, np.dtype(x.type.dtype)) for shape, x in zip(shapes, compiled.graph.inputs, strict=True)
        )

    def takes(self, args: Sequence[Any]) -> bool:
        """Whether the arguments can be handed on as they are: the everyday call, checked in under a microsecond."""
        for value, (shape, dtype) in zip(args, self._expected, strict=True):
            if (
                type(value) is not np.ndarray
                or value.shape != shape
                or value.dtype is not dtype
                or not value.flags.c_contiguous
                or not value.flags.aligned
            ):
                return False
        return True

    def outputs(self) -> list[np.ndarray]:
        """Fresh arrays for the results."""
        return [np.empty(shape, dtype) for shape, dtype in self._results]

    def run(self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> None:
        """One step. Errors: IndexError and NanError of ours, naming the node and its line."""
        try:
            self.instance.run(inputs, outputs)
        except GuardError as error:
            raise explain_failure(self.compiled.built.lowered, error) from None


class Specializer:
    """Programs by the fixed sizes, instances by all sizes."""

    def __init__(
        self, graph: Graph, variables: Mapping[Node, Variable], threads: int, options: Options
    ) -> None:
        self.graph = graph
        self.variables = variables
        self.threads = threads
        self.options = options
        self.fixed = fixed_sizes(graph)
        self._programs: dict[tuple[tuple[str, int], ...], Compiled] = {}
        self._instances: OrderedDict[tuple[tuple[str, int], ...], Specialization] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, sizes: Mapping[str, int]) -> Specialization:
        """The specialisation for concrete sizes, compiled now if they are new."""
        key = tuple(sorted(sizes.items()))
        with self._lock:
            found = self._instances.get(key)
            if found is None:
                compiled = self._program(sizes)
                storages = [compiled.variables[s].storage for s in compiled.built.states]
                found = Specialization(compiled, storages, sizes, self.threads)
                self._instances[key] = found
                if len(self._instances) > KEPT:
                    self._instances.popitem(last=False)
            else:
                self._instances.move_to_end(key)
        return found

    def _program(self, sizes: Mapping[str, int]) -> Compiled:
        fixed = {name: sizes[name] for name in self.fixed}
        key = tuple(sorted(fixed.items()))
        if key not in self._programs:
            graph, place = specialize(self.graph, fixed)
            variables = {place[leaf]: v for leaf, v in self.variables.items()}
            built = build(graph, self.options)
            self._programs[key] = Compiled(graph, built, load(built.program), variables)
        return self._programs[key]
