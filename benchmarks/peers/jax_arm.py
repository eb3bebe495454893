"""The arm's Jacobian in JAX: a compiled vmap over the points of jacfwd or jacrev."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import Any

from benchmarks.arm_function import arm, joints
from benchmarks.worker import Task, arguments, serve

TASKS = ("jacfwd", "jacrev")
known = arguments(TASKS)  # first: JAX sizes its thread pool by the cores the process is bound to
if known.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_X64"] = "1"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402


def task(points: int, kind: str) -> Task:
    x = jnp.asarray(joints(points))
    mode = {"jacfwd": jax.jacfwd, "jacrev": jax.jacrev}[kind]
    function = jax.jit(jax.vmap(mode(lambda q: jnp.stack(arm(jnp, [q[k] for k in range(6)])))))
    start = time.perf_counter()
    first = function(x).block_until_ready()
    facts = {"version": jax.__version__, "compile_seconds": time.perf_counter() - start}
    facts["checksum"] = float(jnp.abs(first).sum())
    last: list[Any] = [first]

    def call() -> None:
        last[0] = function(x)
        last[0].block_until_ready()

    return Task(call, facts=facts)


if __name__ == "__main__":
    serve(partial(task, known.batch, known.task))
