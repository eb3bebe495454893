"""Specialisations of a function: one program for the sizes that are fixed, one instance for all of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from graphad import runtime
from graphad.compiler.batch import Batch, find_batch
from graphad.compiler.build import Built, build
from graphad.compiler.cost import Cost, estimate
from graphad.compiler.errors import ShapeError
from graphad.compiler.fingerprint import compiler_stamp, fingerprint
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import TensorType
from graphad.compiler.lower.examples.way import Lanes
from graphad.compiler.names import Renaming, own_names
from graphad.compiler.options import Options
from graphad.compiler.sizes import check_sizes, fixed_sizes, named_sizes, specialize
from graphad.compiler.ways import WAYS, Way, example_bytes, way_of
from graphad.failures import explain_failure, explain_refusal
from graphad.runtime import CompileError, GraphadError, GuardError, Turn, collection_paused, default_threads, empty
from graphad.runtime.forks import Lock
from graphad.runtime.once import cached_property
from graphad.tensor import Variable
from graphad.tuning import Run, Tuned, data_for, tuned

if TYPE_CHECKING:
    from graphad.runtime import Executable, Instance, Layout

KEPT: Final = 32
"""Instances kept for sizes met; the least recently used go."""


@dataclass(frozen=True, eq=False)
class Compiled:
    """The program for one choice of the fixed sizes; its machine code is made when it is first asked for.

    ``loaded``: the machine code that the function has in memory, by its key.
    """

    graph: Graph
    built: Built
    variables: Mapping[Node, Variable]
    tuned: Tuned | None = None
    loaded: dict[str, Executable] = field(default_factory=dict)

    @cached_property
    def executable(self) -> Executable:
        try:
            return runtime.load(self.built.program, self.loaded)
        except CompileError as error:
            raise explain_refusal(self.built, error) from error


class Specialization:
    """A program bound to concrete sizes and to the parameters' storage; ready to run.

    How it came to be, ``compiled``, is made when it is first asked for where the cache knows the program.
    """

    def __init__(
        self,
        graph: Graph,
        make: Callable[[], Compiled],
        executable: Executable,
        layout: Layout,
        storages: Sequence[np.ndarray],
        sizes: Mapping[str, int],
        turn: Turn | None = None,
    ) -> None:
        self._make = make
        self.sizes = dict(sizes)
        self.storages = tuple(storages)
        self.threads = layout.threads
        self.instance: Instance = executable.instantiate(layout, storages, turn)
        self.output_shapes = layout.outputs
        self._dtypes = tuple(np.dtype(y.type.dtype) for y in graph.outputs)
        self._results = tuple(zip(self.output_shapes, self._dtypes, strict=True))
        self._expected = tuple(_expected(x.type.at(sizes)) for x in graph.inputs)

    @cached_property
    def compiled(self) -> Compiled:
        """The program and how it was made."""
        return self._make()

    @cached_property
    def cost(self) -> Cost:
        """What a call costs."""
        return estimate(self.compiled.built, self.sizes, self.threads)

    def ready(self, args: Sequence[Any]) -> Sequence[np.ndarray] | None:
        """The arguments as the program takes them, or None if they need a closer look: the everyday call.

        Arrays of the right type are handed on as they are, floats for 0-d inputs become arrays: a microsecond in all.
        """
        for i, (value, (shape, dtype, numbers)) in enumerate(zip(args, self._expected, strict=True)):
            if type(value) is not np.ndarray:
                if type(value) not in numbers:
                    return None
                args = (*args[:i], np.array(value, dtype), *args[i + 1 :])
            elif value.shape != shape or value.dtype is not dtype:
                return None
            else:
                flags = value.flags
                if not flags.c_contiguous or not flags.aligned:
                    return None
        return args

    def outputs(self) -> list[np.ndarray]:
        """Fresh arrays for the results."""
        return [empty(shape, dtype) for shape, dtype in self._results]

    def run(self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> None:
        """One step. Errors: IndexError and NanError of ours, naming the node and its line."""
        try:
            self.instance.run(inputs, outputs)
        except GuardError as error:
            raise self.explained(error, inputs) from None

    def explained(self, error: GuardError, inputs: Sequence[np.ndarray]) -> GraphadError:
        """What stopped a run with these arguments, with the node and its line."""
        built = self.compiled.built
        values = dict(zip(built.lowered.graph.inputs, inputs, strict=True))
        values.update(zip(built.states, self.storages, strict=True))
        return explain_failure(built, error, values, built.own_sizes(self.sizes))


def bound(
    compiled: Compiled,
    storages: Sequence[np.ndarray],
    sizes: Mapping[str, int],
    threads: int | None,
    turn: Turn | None = None,
) -> Specialization:
    """A program for concrete sizes; on one thread, if that is soon enough and no number is given.

    ``turn``: of calls that share the storages.
    """
    cost = None if threads else estimate(compiled.built, sizes)
    count = threads or (1 if cost is None else cost.threads)
    layout = compiled.built.layout(sizes, count)
    found = Specialization(compiled.graph, lambda: compiled, compiled.executable, layout, storages, sizes, turn)
    if cost is not None:
        found.cost = cost
    return found


def _expected(t: TensorType) -> tuple[tuple[Dim, ...], np.dtype, tuple[type, ...]]:
    """The shape, the dtype, and the types of numbers that stand for an array without axes, no questions asked."""
    dtype = np.dtype(t.dtype)
    numbers = (float, dtype.type) if dtype.kind == "f" else (dtype.type,)
    return t.shape, dtype, () if t.shape else numbers


def _turn(graph: Graph, variables: Mapping[Node, Variable]) -> Turn | None:
    """What a call touches; None for a function without states."""
    if not graph.states:
        return None
    written = [variables[leaf].storage for leaf, _ in graph.updates]
    return Turn([variables[leaf].storage for leaf in graph.states], written)


Fixed: TypeAlias = tuple[tuple[str, int], ...]
"""Numbers of the sizes that a program has as numbers."""


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A graph with some sizes as numbers; ``example``: bytes of one example's largest value."""

    graph: Graph
    batch: Batch
    variables: Mapping[Node, Variable]
    example: int

    @classmethod
    def of(cls, graph: Graph, fixed: Mapping[str, int], variables: Mapping[Node, Variable]) -> _Prepared:
        special, place = specialize(graph, fixed)
        batch = find_batch(special)
        moved = {place[leaf]: v for leaf, v in variables.items()}
        return cls(special, batch, moved, example_bytes(batch.graph))


class Specializer:
    """Programs by the fixed sizes, instances by all sizes."""

    def __init__(self, graph: Graph, variables: Mapping[Node, Variable], threads: int | None, options: Options) -> None:
        self.graph = graph
        self.variables = variables
        self.threads = threads
        self.options = options
        self.fixed = fixed_sizes(graph)
        self.turn = _turn(graph, variables)
        self._prepared: dict[Fixed, _Prepared] = {}
        self._programs: dict[tuple[Way, Fixed], Compiled] = {}
        self._instances: OrderedDict[tuple[tuple[str, int], ...], Specialization] = OrderedDict()
        self._loaded: dict[str, Executable] = {}
        self._lock = Lock()

    def at(self, sizes: Mapping[str, int]) -> Specialization:
        """The specialisation for concrete sizes, compiled now if they are new."""
        key = tuple(sorted(sizes.items()))
        with self._lock:
            found = self._instances.get(key)
            if found is None:
                check_sizes(self.graph, sizes)
                with collection_paused():
                    found = self._fitting(sizes)
                self._instances[key] = found
                if len(self._instances) > KEPT:
                    self._instances.popitem(last=False)
            else:
                self._instances.move_to_end(key)
        return found

    def _fitting(self, sizes: Mapping[str, int]) -> Specialization:
        """A new one. Errors: ShapeError for sizes whose arrays no memory holds."""
        try:
            return self._new(sizes)
        except (MemoryError, OverflowError) as error:
            given = ", ".join(f"{name}={number}" for name, number in sizes.items())
            raise ShapeError(f"{given}: more than memory holds; smaller sizes, or parts one after the other") from error

    def _new(self, sizes: Mapping[str, int]) -> Specialization:
        about = self._about(sizes)
        known = runtime.recall(self._loaded, len(self.graph.states), *about) if about else None
        if known is not None:
            storages = [self.variables[self.graph.states[i]].storage for i in known.states]
            return Specialization(
                self.graph, lambda: self.compiled(sizes), known.executable, known.layout, storages, sizes, self.turn
            )
        compiled = self._compiled(sizes)
        storages = [compiled.variables[s].storage for s in compiled.built.states]
        found = bound(compiled, storages, sizes, self.threads, self.turn)
        if about:
            numbers = {id(self.variables[leaf]): i for i, leaf in enumerate(self.graph.states)}
            states = tuple(numbers[id(compiled.variables[s])] for s in compiled.built.states)
            runtime.remember(compiled.built.program, found.instance.layout, states, *about)
        return found

    def _about(self, sizes: Mapping[str, int]) -> tuple[str, ...]:
        """Everything that a program for these sizes depends on; nothing if no other process can know."""
        if self._fingerprint is None:
            return ()
        chosen = f"{sorted(self._own.sizes(sizes).items())} {self.threads} {default_threads()} {self.options.key()}"
        return self._fingerprint, compiler_stamp(Path(__file__).parent), chosen

    @cached_property
    def _fingerprint(self) -> str | None:
        return fingerprint(self._own.graph(self.graph))

    @cached_property
    def _own(self) -> Renaming:
        return Renaming(own_names(self.graph))

    def compiled(self, sizes: Mapping[str, int]) -> Compiled:
        """The program for sizes, without machine code unless it was run; those that are not fixed need not be given."""
        with self._lock:
            return self._compiled(sizes)

    def _compiled(self, sizes: Mapping[str, int]) -> Compiled:
        fixed = tuple(sorted((name, sizes[name]) for name in self.fixed))
        found = self._prepared.get(fixed)
        if found is None:
            found = self._prepared[fixed] = _Prepared.of(self.graph, dict(fixed), self.variables)
        named = [d for name, d in sizes.items() if name not in self.fixed]
        way = way_of(self.options, [*named, *found.batch.sizes.values()], found.example)
        if (way, fixed) not in self._programs:
            built = build(found.batch.graph, self.options, way=way, known=found.batch.sizes)
            own = Compiled(found.graph, built, found.variables, loaded=self._loaded)
            program = self._best(own, found.batch, way, sizes)
            for other in (way,) if program.built.lowered.profits else WAYS:  # else its size makes no difference
                self._programs[other, fixed] = program
        return self._programs[way, fixed]

    def _best(self, own: Compiled, batch: Batch, way: Way, sizes: Mapping[str, int]) -> Compiled:
        """The program, or with ``tune`` the quickest that was measured, once all sizes are known."""
        graph = own.graph
        if not self.options.tune or not set(named_sizes(graph)) <= set(sizes):
            return own
        threads = self.threads or default_threads()

        def make(how: Way, picks: Mapping[str, str]) -> Built:
            if how == way and not picks:
                return own.built
            return build(batch.graph, self.options, way=how, picks=picks, known=batch.sizes)

        def trial(built: Built) -> Run:
            made = Compiled(graph, built, own.variables)
            program = bound(made, [own.variables[s].storage.copy() for s in built.states], sizes, threads)
            inputs, outputs = data_for(graph, sizes), program.outputs()
            return lambda: program.run(inputs, outputs)

        auto = self.options.batch == "auto" and self.options.convolution == "auto"
        other = Way(None if way.lanes else Lanes(1))
        ways = [way, other] if auto and own.built.lowered.profits else [way]
        found = tuned(ways, make, trial, f"{sorted(self._own.sizes(sizes).items())}, {threads} threads")
        return Compiled(graph, make(found.way, found.picks), own.variables, found, self._loaded)
