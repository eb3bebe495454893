"""Work of `benchmarks.arrays` in JAX, under jit."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.arrays import EPSILON, KINDS, chain, data, gains, labels
from benchmarks.peers.jax_setup import prepare
from benchmarks.worker import Task, arguments, digest, serve

known = arguments(KINDS)
prepare(known.threads)

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402


def layer_norm(x: Any) -> Any:
    gain, shift = map(jnp.asarray, gains())
    centred = x - x.mean(1, keepdims=True)
    return centred * jax.lax.rsqrt((centred * centred).mean(1, keepdims=True) + EPSILON) * gain + shift


def loss(x: Any, t: Any) -> Any:
    return -jnp.take_along_axis(jax.nn.log_softmax(x), t[:, None], axis=1).mean()


FUNCTIONS = {
    "elementwise-chain": lambda x: chain(jax.nn, x),
    "layer-norm": layer_norm,
    "softmax-cross-entropy": jax.value_and_grad(loss),
}


def task(kind: str) -> Task:
    given = [jnp.asarray(data())]
    if kind == "softmax-cross-entropy":
        given.append(jnp.asarray(labels(), jnp.int32))
    start = time.perf_counter()
    compiled = jax.jit(FUNCTIONS[kind]).lower(*given).compile()
    facts = {"version": jax.__version__, "compile_seconds": time.perf_counter() - start}
    facts["check"] = digest(jax.tree.leaves(compiled(*given)))
    # results are waited for one by one: many of 64 MiB under way would only fill the memory
    return Task(lambda: jax.block_until_ready(compiled(*given)), facts=facts)


if __name__ == "__main__":
    serve(lambda: task(known.task))
