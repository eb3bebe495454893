"""Operations of `benchmarks.operations` in JAX, under jit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from benchmarks.operations import BY_NAME
from benchmarks.peers.jax_setup import prepare
from benchmarks.worker import Task, arguments, digest, serve

known = arguments(BY_NAME)
prepare(known.threads, float64=known.task == "transpose-double")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

OTHERS = {
    "permute": jnp.transpose,
    "erf": jax.scipy.special.erf,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "counts": lambda n: jnp.arange(n, dtype="f"),
    "rows": lambda x, i: jnp.take(x, i, axis=0),
    "scattered": lambda x, i, y: x.at[i].add(y),
    "softmax": lambda x: jax.nn.softmax(x, 1),
    "slope": lambda f, x: jax.grad(lambda t: f(t).sum())(x),
    "margin": lambda x: jnp.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))),
    "running": lambda x: jnp.cumsum(x, axis=0),
}
NAMES = ("sum", "exp", "tanh", "log1p", "max", "amax", "argmax", "arcsinh", "arctanh", "hypot", "remainder", "fmod")
LIBRARY = SimpleNamespace(**{n: getattr(jnp, n) for n in NAMES} | OTHERS)


def task(name: str) -> Task:
    operation = BY_NAME[name]
    given = [jnp.asarray(a) for a in operation.data()]

    def timed(*arrays: Any) -> Any:
        return operation.call(LIBRARY, *arrays)

    compiled = jax.jit(timed).lower(*given).compile()
    facts = {"version": jax.__version__, "check": digest([compiled(*given)])}
    return Task(lambda: jax.block_until_ready(compiled(*given)), facts=facts)


if __name__ == "__main__":
    serve(lambda: task(known.task))
