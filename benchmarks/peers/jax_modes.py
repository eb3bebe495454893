"""A benchmark graph's Jacobian in JAX: jacfwd or jacrev, under vmap where there are many points.

`python -m benchmarks.peers.jax_modes RobotArm_6DOF --batch 1000 --mode jacrev`
"""

from __future__ import annotations

import os
import time
from typing import Any

from benchmarks.modes_worker import facts_of, options
from benchmarks.worker import Task, serve

known = options()  # first: JAX sizes its thread pool by the cores the process is bound to
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_X64"] = "1"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

from benchmarks.peers.jax_functions import twin  # noqa: E402
from graphad.modes import find  # noqa: E402

DERIVATIVES = {"jacfwd": jax.jacfwd, "jacrev": jax.jacrev}


def task(name: str, batch: int, mode: str) -> Task:
    graph = find(name)
    problem = graph.build()
    function = twin(problem, graph.name)
    if function is None:
        raise NotImplementedError(f"{name} has no twin in JAX")
    places = tuple(range(len(problem.inputs)))
    differentiated = jax.grad(function, places) if graph.hessian else function
    jacobian: Any = DERIVATIVES[mode](differentiated, places)
    jacobian = jacobian if batch == 1 else jax.vmap(jacobian)
    points = [jnp.asarray(values if batch > 1 else values[0]) for values in problem.points(batch)]
    began = time.perf_counter()
    compiled = jax.jit(jacobian).lower(*points).compile()
    seconds = time.perf_counter() - began
    blocks = compiled(*points)
    facts = {
        "version": jax.__version__,
        "compile_seconds": seconds,
        **facts_of(jax.tree.leaves(jax.device_get(blocks))),
    }
    state: dict[str, Any] = {}

    def call() -> None:
        state["result"] = compiled(*points)

    return Task(call, lambda: jax.block_until_ready(state["result"]), facts)


if __name__ == "__main__":
    serve(lambda: task(known.graph, known.batch, known.mode))
