"""Graphs as text, for the tests of passes."""

from collections.abc import Callable

from graphad.compiler.ir.graph import Graph, Kernel
from graphad.compiler.ir.text import parse, to_text
from graphad.compiler.ir.verify import needs_kernel, verify
from graphad.compiler.passes.fuse import separate_roots, without_waits


def lines(text: str) -> str:
    """The body of a graph's text, one line each, without indentation."""
    kept = (line.strip() for line in text.strip().splitlines())
    return "\n".join(line for line in kept if line not in ("", "graph {", "}"))


def after(run: Callable[[Graph], Graph], text: str) -> str:
    """The text of a graph after a pass, verified."""
    return lines(to_text(verify(run(verify(parse(text))))))


def check(run: Callable[[Graph], Graph], before: str, expected: str) -> None:
    """That a pass makes one text of the other."""
    assert after(run, before) == lines(expected)


def check_kept(run: Callable[[Graph], Graph], text: str) -> None:
    """That a pass changes nothing."""
    assert after(run, text) == lines(to_text(parse(text)))


def apart(graph: Graph) -> Graph:
    """Every node a kernel of its own, views too: what ``fuse`` is held against."""
    graph = separate_roots(graph)
    kernels = tuple(Kernel((n,), (n,)) for n in graph.nodes if needs_kernel(n))
    return without_waits(Graph(graph.inputs, graph.outputs, graph.updates, kernels))
