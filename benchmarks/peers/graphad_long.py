"""How long graphad takes from the first line of a long graph to its first result, and how much memory."""

from __future__ import annotations

import importlib
import time
from importlib.metadata import version

import graphad as ga
from benchmarks.long_graphs import LONG_GRAPHS, Library, LongGraph, listed
from benchmarks.worker import Task, arguments, digest, peak_bytes, serve
from graphad.nn import functional as F  # noqa: N812

LIBRARY = Library(ga, lambda x, w: F.conv2d(x, w, padding=1))


def function(graph: LongGraph, threads: int) -> ga.Function:
    """The values and the gradients. The first axis of images is a size with a name."""
    shapes = [("N", *a.shape[1:]) if i == 0 and a.ndim == 4 else a.shape for i, a in enumerate(graph.arguments())]
    inputs = [ga.input(f"x{i}", shape) for i, shape in enumerate(shapes)]
    value = graph.value(LIBRARY, *inputs)
    by = [inputs[i] for i in graph.wrt]
    return ga.compile(inputs, [*listed(value), *(ga.grad(value, by) if by else [])], threads=threads)


def task(graph: LongGraph, threads: int) -> Task:
    given = graph.arguments()
    importlib.import_module("llvmlite.binding")
    start = time.perf_counter()
    call = function(graph, threads)
    first = call(*given)
    seconds = time.perf_counter() - start
    facts = {"version": version("graphad"), "compile_seconds": seconds, "peak_bytes": peak_bytes()}
    return Task(lambda: call(*given), facts=facts | {"check": digest(first)})


if __name__ == "__main__":
    known = arguments(LONG_GRAPHS)
    serve(lambda: task(LONG_GRAPHS[known.task], known.threads))
