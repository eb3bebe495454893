"""``build``: Graph -> Program. Passes, lowering, text; and the layout for concrete sizes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphad.compiler.batch import find_batch
from graphad.compiler.emit import module_text
from graphad.compiler.interpret import number, numbers
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import After, Constant
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import symbol
from graphad.compiler.ir.types import TensorType
from graphad.compiler.ir.verify import verify
from graphad.compiler.lower.lower import Lowered, lower
from graphad.compiler.memory import plan_memory
from graphad.compiler.names import Renaming, own_names
from graphad.compiler.options import Options
from graphad.compiler.passes.fuse import fuse
from graphad.compiler.pipeline import Stage, run
from graphad.compiler.predict import predict
from graphad.compiler.sizes import fixed_sizes, specialize
from graphad.compiler.ways import WAYS, Way, example_bytes, way_of
from graphad.runtime import ArraySpec, Layout, Program, default_threads
from graphad.runtime.once import cached_property


@dataclass(frozen=True, eq=False)
class Built:
    """A program and everything that can be asked of how it came to be.

    ``own_stages`` and ``lowered`` have sizes under names of our own, as ``own`` gives them; what is asked and answered
    here has the user's. ``sizes``: those that the program takes, ours and the graph's. ``known``: numbers of those that
    have a name in the graph alone.
    """

    own_stages: tuple[Stage, ...]
    lowered: Lowered
    program: Program
    sizes: Mapping[str, str]
    own: Renaming
    known: Mapping[str, int] = field(default_factory=dict)

    def layout(self, sizes: Mapping[str, int], threads: int) -> Layout:
        """The program's numbers for concrete sizes."""
        own = self.own_sizes(sizes)
        offsets, nbytes = plan_memory(self.lowered.launches, self.lowered.locals, own, threads)
        shapes = tuple(numbers(y.type.shape, own) for y in self.lowered.graph.outputs)
        return Layout(tuple(own[name] for name in self.sizes), offsets, nbytes, shapes, threads)

    def own_sizes(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """Sizes as ``lowered`` knows them. Errors: GraphError for one that the program takes and that is not given."""
        known = {**sizes, **self.known}
        return self.own.sizes(known) | {ours: number(symbol(name), known) for ours, name in self.sizes.items()}

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The graph after each pass, as the user wrote its sizes."""
        return tuple(Stage(s.name, self._back.graph(s.graph), s.seconds) for s in self.own_stages)

    def written(self, t: TensorType) -> TensorType:
        """The type of a node of ``lowered`` as the user wrote it."""
        return self._back.type(t)

    @cached_property
    def _back(self) -> Renaming:
        return self.own.back(self.known)

    @cached_property
    def states(self) -> tuple[Node, ...]:
        return self.lowered.graph.states


WORTH_SHARING: Final = 20e-6
"""Seconds of work on one thread below which waking others costs more than it gives."""


def build(
    graph: Graph,
    options: Options,
    name: str = "step",
    way: Way = WAYS[0],
    picks: Mapping[str, str] | None = None,
    known: Mapping[str, int] | None = None,
) -> Built:
    """A program for the cpu. Sizes that are still symbolic become its run-time arguments.

    ``way``: how a batch is gone through. ``picks``: answers to what may be done in several ways, by question.
    ``known``: numbers of sizes that have names in the graph alone, as ``find_batch`` gives them.
    """
    own = Renaming(own_names(graph))
    stages = graph_stages(own.graph(graph), options)
    fused = stages[-1].graph
    started = time.perf_counter()
    known = known or {}
    lowered = _lowered(stages, options, way, picks, own.sizes(known))
    named = set().union(*(_names(n) for n in fused.nodes))
    sizes = {ours: name for name, ours in own.names.items() if ours in named}
    source = module_text(lowered, {ours: known.get(name, name) for ours, name in sizes.items()})
    stages.append(Stage("lower", fused, time.perf_counter() - started))
    return Built(tuple(stages), lowered, _program(name, lowered, source, options), sizes, own, known)


def _lowered(
    stages: Sequence[Stage],
    options: Options,
    way: Way,
    picks: Mapping[str, str] | None,
    known: Mapping[str, int],
) -> Lowered:
    """The fused graph's loop nests; sparing of memory, where somebody asked for that and made nodes wait."""
    limited = any(isinstance(n.kind, After) for n in stages[-2].graph.nodes)
    return lower(stages[-1].graph, options, way.lanes, way.few, picks, limited, known)


def allocated(graph: Graph, options: Options, sizes: Mapping[str, int], threads: int | None = None) -> int:
    """Bytes of the arena that each call in flight of the graph's program has for itself, scratch of all threads in it.

    ``sizes``: a number for every symbolic size. ``threads``: as many as a call would use by itself, unless given.
    Nothing is compiled and no text is made.
    """
    fixed = {name: sizes[name] for name in fixed_sizes(graph)}
    batch = find_batch(specialize(graph, fixed)[0])
    counts = [*(n for name, n in sizes.items() if name not in fixed), *batch.sizes.values()]
    way = way_of(options, counts, example_bytes(batch.graph))
    own = Renaming(own_names(batch.graph))
    stages, known = graph_stages(own.graph(batch.graph), options), own.sizes({**sizes, **batch.sizes})
    lowered = _lowered(stages, options, way, None, own.sizes(batch.sizes))
    used = threads or threads_for(predict(stages[-1].graph, known).seconds)
    return plan_memory(lowered.launches, lowered.locals, known, used)[1]


def threads_for(seconds: float) -> int:
    """How many threads a call shares its work among, if that takes so many seconds on one."""
    return 1 if seconds < WORTH_SHARING else default_threads()


def graph_stages(graph: Graph, options: Options) -> list[Stage]:
    """The graph after each pass, ``"graph"`` to ``"fuse"``: all that needs no sizes."""
    known: set[Node] = set()
    stages = run(graph, options, known=known)
    started = time.perf_counter()
    fused = verify(fuse(stages[-1].graph), "fuse", known)
    return [*stages, Stage("fuse", fused, time.perf_counter() - started)]


def _names(node: Node) -> set[str]:
    return set().union(*(d.names() for d in node.type.shape if not isinstance(d, int)))


def _program(name: str, lowered: Lowered, source: str, options: Options) -> Program:
    graph = lowered.graph
    constants = [n.kind.value for n in lowered.assignment.constants if isinstance(n.kind, Constant)]
    return Program(
        name=name,
        source=source,
        inputs=_specs("input", graph.inputs),
        outputs=_specs("output", graph.outputs),
        states=_specs("state", graph.states),
        constants=tuple(constants),
        locals=len(lowered.locals),
        kernels=tuple(launch.kernel.name for launch in lowered.launches),
        flushes=bool(graph.updates) and options.precision != "strict",
    )


def _specs(role: str, nodes: Sequence[Node]) -> tuple[ArraySpec, ...]:
    return tuple(ArraySpec(f"{role}{i}", n.type.dtype, n.type.ndim) for i, n in enumerate(nodes))
