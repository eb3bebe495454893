"""A net of `benchmarks.nets` in JAX at its best on a CPU.

Channels last (NHWC, HWIO), max-pool as reshape and maximum, the whole step under jit with the old weights' memory given
away (donated), and a wait only at the end of a sample.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.layers import Array, Conv, Flatten, Layer, Linear, MaxPool, Mean, ReLU, Residual, walk
from benchmarks.nets import NETS, Net
from benchmarks.peers.jax_setup import prepare
from benchmarks.worker import Task, arguments, digest, serve

known = arguments(NETS)
prepare(known.threads)

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

LAYOUTS = {1: ("NWC", "WIO", "NWC"), 2: ("NHWC", "HWIO", "NHWC")}


def convolve(x: Any, layer: Conv, weight: Any, bias: Any) -> Any:
    strides, padding = (layer.stride,) * layer.axes, ((layer.padding,) * 2,) * layer.axes
    y = jax.lax.conv_general_dilated(
        x, weight, strides, padding, dimension_numbers=LAYOUTS[layer.axes], feature_group_count=layer.groups
    )
    return y + bias


def pool(x: Any, size: int) -> Any:
    n, *sizes, channels = x.shape
    whole = [length // size for length in sizes]
    x = x[(slice(None), *(slice(length * size) for length in whole))]
    split = [part for length in whole for part in (length, size)]
    return x.reshape(n, *split, channels).max(tuple(range(2, 2 + 2 * len(whole), 2)))


def apply(layers: Sequence[Layer], x: Any, weights: Iterator[Any]) -> Any:
    for layer in layers:
        match layer:
            case Conv():
                x = convolve(x, layer, *next(weights))
            case Linear():
                weight, bias = next(weights)
                x = x @ weight + bias
            case ReLU():
                x = jax.nn.relu(x)
            case MaxPool(size):
                x = pool(x, size)
            case Flatten():
                x = x.reshape(len(x), -1)
            case Mean():
                x = x.mean(tuple(range(1, x.ndim - 1)))
            case Residual(inner):
                x = x + apply(inner, x, weights)
    return x


def channels_last(x: Array) -> Any:
    return jnp.asarray(np.moveaxis(x, 1, -1) if x.ndim > 2 else x)


def converted(net: Net) -> list[Any]:
    """The weights in JAX's layouts; a linear layer after `Flatten` gets its inputs in the order of NHWC."""
    pairs, flattened, own = [], None, iter(net.weights())
    for layer, before, _ in walk(net.layers, net.shape):
        if isinstance(layer, Flatten):
            flattened = before
        elif isinstance(layer, Conv):
            weight, bias = next(own)
            pairs.append((jnp.asarray(np.moveaxis(weight, (1, 0), (-2, -1))), jnp.asarray(bias)))
        elif isinstance(layer, Linear):
            weight, bias = next(own)
            if flattened:
                weight = np.moveaxis(weight.reshape(-1, *flattened), 1, -1).reshape(layer.outputs, -1)
                flattened = None
            pairs.append((jnp.asarray(weight.T), jnp.asarray(bias)))
    return pairs


def loss(net: Net, weights: Any, x: Any, t: Any) -> Any:
    y = apply(net.layers, x, iter(weights))
    if net.loss == "square":
        return jnp.mean((y - t) ** 2)
    return -jnp.take_along_axis(jax.nn.log_softmax(y), t[:, None], axis=1).mean()


def step(net: Net, weights: Any, momentum: Any, x: Any, t: Any) -> Any:
    value, gradient = jax.value_and_grad(lambda w: loss(net, w, x, t))(weights)
    if net.momentum:
        gradient = momentum = jax.tree.map(lambda m, g: net.momentum * m + g, momentum, gradient)
    return jax.tree.map(lambda w, g: w - net.rate * g, weights, gradient), momentum, value


def training(net: Net) -> Task:
    data, weights = batch(net), converted(net)
    momentum = jax.tree.map(jnp.zeros_like, weights) if net.momentum else None
    start = time.perf_counter()
    compiled = jax.jit(lambda *a: step(net, *a), donate_argnums=(0, 1)).lower(weights, momentum, *data).compile()
    facts: dict[str, Any] = {"version": jax.__version__, "compile_seconds": time.perf_counter() - start}
    state: list[Any] = [weights, momentum, None]

    def advance() -> Any:
        state[:] = compiled(state[0], state[1], *data)
        return state[2]

    facts["check"] = [float(advance()) for _ in range(3)]
    return Task(advance, lambda: jax.block_until_ready(state), facts)


def batch(net: Net) -> tuple[Any, Any]:
    x, t = net.data()
    return channels_last(x), channels_last(t) if net.loss == "square" else jnp.asarray(t, jnp.int32)


def evaluation(net: Net) -> Task:
    """Outputs, loss, or loss and gradients; nothing changes, so the weights are constants of a forward pass."""
    x, t = batch(net)
    weights = converted(net)
    if net.kind == "forward":
        function, given = jax.jit(lambda x: apply(net.layers, x, iter(weights))), (x,)
    elif net.kind == "loss":
        function, given = jax.jit(lambda *a: loss(net, *a)), (weights, x, t)
    else:
        by = (0, 1) if net.by_input else 0
        function, given = jax.jit(jax.value_and_grad(lambda *a: loss(net, *a), by)), (weights, x, t)
    start = time.perf_counter()
    compiled = function.lower(*given).compile()
    facts = {"version": jax.__version__, "compile_seconds": time.perf_counter() - start}
    facts["check"] = digest(jax.tree.leaves(compiled(*given)))
    if net.from_python:
        image = np.moveaxis(net.data()[0], 1, -1).copy()
        return Task(lambda: np.asarray(function(image)), facts=facts)
    state: list[Any] = [None]

    def call() -> None:
        state[0] = compiled(*given)

    return Task(call, lambda: jax.block_until_ready(state), facts)


if __name__ == "__main__":
    net = NETS[known.task]
    serve(lambda: training(net) if net.kind == "train" else evaluation(net))
