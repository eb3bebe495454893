"""The arm's Jacobian in JAX: a compiled vmap over the points of jacfwd or jacrev."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.arm_function import arm, joints
from benchmarks.peers.jax_setup import prepare
from benchmarks.worker import Task, arguments, digest, serve

known = arguments(["jacobian"])
prepare(known.threads, float64=True)

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

MODES = {"jacfwd": jax.jacfwd, "jacrev": jax.jacrev}


def task(form: str) -> Task:
    x = jnp.asarray(joints())
    function: Any = jax.jit(jax.vmap(MODES[form](lambda q: jnp.stack(arm(jnp, [q[k] for k in range(6)])))))
    start = time.perf_counter()
    first = function(x).block_until_ready()
    facts = {"version": jax.__version__, "compile_seconds": time.perf_counter() - start, "check": digest([first])}
    return Task(lambda: function(x).block_until_ready(), facts=facts)


if __name__ == "__main__":
    serve(lambda: task(known.form))
