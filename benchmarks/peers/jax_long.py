"""How long JAX takes to trace and to compile a long graph, under jit."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.long_graphs import LONG_GRAPHS, Library, LongGraph, listed
from benchmarks.peers.jax_setup import prepare
from benchmarks.worker import Task, arguments, digest, peak_bytes, serve

known = arguments(LONG_GRAPHS)
prepare(known.threads)

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

LIBRARY = Library(jnp, lambda x, w: jax.lax.conv_general_dilated(x, w, (1, 1), "SAME"))


def task(graph: LongGraph) -> Task:
    given = [jnp.asarray(a) for a in graph.arguments()]

    def value(*arrays: Any) -> Any:
        return graph.value(LIBRARY, *arrays)

    wanted = jax.value_and_grad(value, argnums=graph.wrt) if graph.wrt else value
    start = time.perf_counter()
    compiled = jax.jit(wanted).lower(*given).compile()
    facts = {"version": jax.__version__, "compile_seconds": time.perf_counter() - start, "peak_bytes": peak_bytes()}
    first = jax.tree.leaves(compiled(*given))
    return Task(lambda: jax.block_until_ready(compiled(*given)), facts=facts | {"check": digest(listed(first))})


if __name__ == "__main__":
    serve(lambda: task(LONG_GRAPHS[known.task]))
