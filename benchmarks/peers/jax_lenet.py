"""LeNet-5 in JAX at its best on a CPU: NHWC, max-pool as reshape and max, the old weights' memory given away."""

from __future__ import annotations

import os
import time
from typing import Any

from benchmarks.worker import Task, arguments, serve

known = arguments()  # first: JAX sizes its thread pool by the cores the process is bound to
if known.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks.lenet_data import timing_batch  # noqa: E402

SHAPES = {"conv1": (5, 5, 1, 6), "conv2": (5, 5, 6, 16), "fc1": (400, 120), "fc2": (120, 84), "fc3": (84, 10)}
Weights = dict[str, tuple[jax.Array, jax.Array]]


def start(generator: np.random.Generator) -> Weights:
    def layer(shape: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
        bound = 1 / np.sqrt(np.prod(shape[:-1]))
        return tuple(jnp.asarray(generator.uniform(-bound, bound, s), jnp.float32) for s in (shape, shape[-1:]))

    return {name: layer(shape) for name, shape in SHAPES.items()}


def block(x: jax.Array, weight: jax.Array, bias: jax.Array) -> jax.Array:
    """Convolution without padding, relu, 2x2 max-pool."""
    y = jax.lax.conv_general_dilated(x, weight, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    y = jax.nn.relu(y + bias)
    n, h, w, c = y.shape
    return y.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))


def loss(weights: Weights, x: jax.Array, t: jax.Array) -> jax.Array:
    y = block(block(x, *weights["conv1"]), *weights["conv2"]).reshape(len(x), -1)
    for name in ("fc1", "fc2"):
        y = jax.nn.relu(y @ weights[name][0] + weights[name][1])
    logits = y @ weights["fc3"][0] + weights["fc3"][1]
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), t[:, None], axis=1).mean()


def step(weights: Weights, momentum: Weights, x: jax.Array, t: jax.Array) -> tuple[Weights, Weights, jax.Array]:
    value, gradient = jax.value_and_grad(loss)(weights, x, t)
    momentum = jax.tree.map(lambda m, g: 0.9 * m + g, momentum, gradient)
    return jax.tree.map(lambda w, m: w - 0.05 * m, weights, momentum), momentum, value


class State:
    """The weights and what is done to them; each call hands its results to the next."""

    def __init__(self, size: int, kind: str) -> None:
        images, labels = timing_batch(size)
        self.data = jnp.asarray(images.transpose(0, 2, 3, 1)), jnp.asarray(labels, jnp.int32)
        self.weights = start(np.random.default_rng(0))
        self.momentum: Weights = jax.tree.map(jnp.zeros_like, self.weights)
        self.result: Any = None
        began = time.perf_counter()
        self.step = jax.jit(step, donate_argnums=(0, 1)).lower(self.weights, self.momentum, *self.data).compile()
        self.compile_seconds = time.perf_counter() - began
        self.function = jax.jit(loss if kind == "loss" else jax.value_and_grad(loss))

    def advance(self) -> None:
        self.weights, self.momentum, self.result = self.step(self.weights, self.momentum, *self.data)

    def evaluate(self) -> None:
        self.result = self.function(self.weights, *self.data)


def task(size: int, kind: str) -> Task:
    state = State(size, kind)
    facts = {"version": jax.__version__, "compile_seconds": state.compile_seconds}
    call = state.advance if kind == "step" else state.evaluate
    return Task(call, lambda: jax.block_until_ready((state.weights, state.result)), facts)


if __name__ == "__main__":
    serve(lambda: task(known.batch, known.task))
