"""The passes over the graph, in order, each with the reason for its place."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from graphad.compiler.errors import GraphError
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.verify import verify
from graphad.compiler.options import Options
from graphad.compiler.passes.cse import cse
from graphad.compiler.passes.dce import dce
from graphad.compiler.passes.fold_constants import fold_constants
from graphad.compiler.passes.simplify import simplify
from graphad.compiler.passes.stabilise import stabilise


@dataclass(frozen=True, slots=True)
class Step:
    """A pass and the reason for its place. ``takes`` names the options that it is called with."""

    run: Callable[..., Graph]
    reason: str
    takes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.run.__name__

    def __call__(self, graph: Graph, options: Options) -> Graph:
        return self.run(graph, **{name: getattr(options, name) for name in self.takes})


PASSES: Final = (
    Step(fold_constants, "first: everything after sees fewer nodes"),
    Step(simplify, "before cse: x*1 and x must become one node; identities come as data from the ops", ("fast_math",)),
    Step(stabilise, "before cse and fuse, while log(sum(exp)) is still visible; its rules are the front end's"),
    Step(cse, "before fuse: fusion would hide equal nodes"),
    Step(dce, "after cse, which makes updates that do nothing visible"),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """The graph after a pass, and the seconds that the pass and its verification took."""

    name: str
    graph: Graph
    seconds: float


def run(
    graph: Graph, options: Options | None = None, passes: tuple[Step, ...] = PASSES, known: set[Node] | None = None
) -> list[Stage]:
    """The graph after each pass, beginning with ``"graph"``, which is what was written; verified after each.

    ``known`` gathers the nodes that were verified.

    Errors: VerifyError, naming the pass that broke the graph; GraphError for a pass in ``disable`` that does not exist.
    """
    chosen = options or Options()
    check_names(chosen.disable, passes)
    known = set() if known is None else known
    stages = [_stage("graph", graph, time.perf_counter(), known)]
    for step in passes:
        if step.name not in chosen.disable:
            start = time.perf_counter()
            stages.append(_stage(step.name, step(stages[-1].graph, chosen), start, known))
    return stages


def _stage(name: str, graph: Graph, start: float, known: set[Node]) -> Stage:
    verify(graph, name, known)
    return Stage(name, graph, time.perf_counter() - start)


def check_names(disable: tuple[str, ...], passes: tuple[Step, ...] = PASSES) -> None:
    """That each pass to be left out is one of those that may be."""
    names = [step.name for step in passes]
    for name in disable:
        if name not in names:
            raise GraphError(f"Options(disable={disable!r}): {name!r} cannot be left out; {', '.join(names)} can")
