"""A net of `benchmarks.nets` in graphad."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

import graphad as ga
from benchmarks.layers import Conv, Flatten, Layer, Linear, MaxPool, Mean, ReLU, Residual
from benchmarks.nets import NETS, Net
from benchmarks.worker import Task, arguments, digest, serve
from graphad import optim
from graphad.nn import functional as F  # noqa: N812

CONV = {1: F.conv1d, 2: F.conv2d}
POOL = {3: F.max_pool1d, 4: F.max_pool2d}


def apply(layers: Sequence[Layer], x: Any, weights: Iterator[tuple[Any, Any]]) -> Any:
    for layer in layers:
        match layer:
            case Conv():
                w, b = next(weights)
                x = CONV[layer.axes](x, w, b, layer.stride, layer.padding, groups=layer.groups)
            case Linear():
                x = F.linear(x, *next(weights))
            case ReLU():
                x = F.relu(x)
            case MaxPool(size):
                x = POOL[len(x.shape)](x, size)
            case Flatten():
                x = ga.reshape(x, (x.shape[0], -1))
            case Mean():
                x = ga.mean(x, axis=tuple(range(2, len(x.shape))))
            case Residual(inner):
                x = x + apply(inner, x, weights)
    return x


def function(net: Net, threads: int) -> Any:
    """What is timed of the net, as one compiled function."""
    pairs = [(ga.parameter(f"{k}.weight", w), ga.parameter(f"{k}.bias", b)) for k, (w, b) in enumerate(net.weights())]
    parameters = [p for pair in pairs for p in pair]
    x = ga.input("x", ("N", *net.shape))
    y = apply(net.layers, x, iter(pairs))
    if net.kind == "forward":
        return ga.compile([x], y, threads=threads)
    labels = net.loss == "cross_entropy"
    t = ga.input("t", ("N",), "int64") if labels else ga.input("t", ("N", *net.result()[1:]))
    loss = F.cross_entropy(y, t) if labels else F.mse_loss(y, t)
    if net.kind == "loss":
        return ga.compile([x, t], loss, threads=threads)
    if net.kind == "gradients":
        by = [*parameters, x] if net.by_input else parameters
        return ga.compile([x, t], [loss, *ga.grad(loss, by)], threads=threads)
    updates = optim.SGD(lr=net.rate, momentum=net.momentum).minimize(loss, parameters)
    return ga.compile([x, t], loss, updates=updates, threads=threads)


def task(net: Net, threads: int) -> Task:
    x, t = net.data()
    given = (x,) if net.kind == "forward" else (x, t)
    start = time.perf_counter()
    call = function(net, threads)
    first = call(*given)
    facts = {"version": version("graphad"), "compile_seconds": time.perf_counter() - start}
    if net.kind == "train":
        return Task(lambda: call(*given), facts=facts | {"check": [float(first), *(float(call(*given)) for _ in "23")]})
    facts["check"] = digest(first if isinstance(first, list) else [first])
    if net.from_python:
        return Task(lambda: call(*given), facts=facts)
    held = [np.empty_like(a) for a in first] if isinstance(first, list) else np.empty_like(first)
    return Task(lambda: call(*given, out=held), facts=facts)


if __name__ == "__main__":
    known = arguments(NETS)
    serve(lambda: task(NETS[known.task], known.threads))
