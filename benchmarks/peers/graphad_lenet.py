"""LeNet-5 in graphad."""

from __future__ import annotations

import time
from importlib.metadata import version

import numpy as np

import graphad as ga
from benchmarks.lenet_data import timing_batch
from benchmarks.worker import Task, arguments, serve
from graphad import nn, optim


def lenet5() -> nn.Sequential:
    """32x32 images of one channel to ten logits; the same layers under the same names as the peers'."""
    features = (nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2))
    classifier = (nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
    return nn.Sequential(*features, nn.Flatten(), *classifier)


def function(model: nn.Sequential, kind: str, threads: int) -> ga.Function:
    """The training step, the loss, or the loss and its gradient, as one compiled function of a batch."""
    x = ga.input("x", ("N", 1, 32, 32))
    t = ga.input("t", ("N",), dtype="int64")
    loss = nn.functional.cross_entropy(model(x), t)
    if kind == "loss":
        return ga.compile([x, t], loss, threads=threads)
    if kind == "gradient":
        return ga.compile([x, t], [loss, *ga.grad(loss, list(model.parameters()))], threads=threads)
    updates = optim.SGD(lr=0.05, momentum=0.9).minimize(loss, model.parameters())
    return ga.compile([x, t], loss, updates=updates, threads=threads)


def task(size: int, threads: int, kind: str) -> Task:
    images, labels = timing_batch(size)
    start = time.perf_counter()
    call = function(lenet5(), kind, threads)
    first = call(images, labels)
    facts = {"version": version("graphad"), "compile_seconds": time.perf_counter() - start}
    assert np.isfinite(first if kind != "gradient" else first[0])
    return Task(lambda: call(images, labels), facts=facts)


if __name__ == "__main__":
    known = arguments()
    serve(lambda: task(known.batch, known.threads, known.task))
