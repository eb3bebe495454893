"""Training of a net of linear layers in PyTensor, by its default backend, with weights as shared variables.

PyTensor itself has no convolution of batches and channels, so that only such nets are compared.
"""

from __future__ import annotations

import os
import time
from typing import Any

from benchmarks.layers import Linear, ReLU
from benchmarks.nets import NETS, Net
from benchmarks.worker import Task, arguments, serve

DENSE = [name for name, net in NETS.items() if all(isinstance(layer, Linear | ReLU) for layer in net.layers)]
known = arguments(DENSE)
os.environ["PYTENSOR_FLAGS"] = "floatX=float32"
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = str(known.threads)

import pytensor  # noqa: E402
import pytensor.tensor as pt  # noqa: E402


def step_of(net: Net) -> Any:
    """A compiled function of nothing that makes a step and returns the loss before it; the batch lies ready."""
    x, labels = net.data()
    weights = [tuple(pytensor.shared(array, borrow=False) for array in pair) for pair in net.weights()]
    y, rest = pytensor.shared(x), iter(weights)
    for layer in net.layers:
        if isinstance(layer, Linear):
            weight, bias = next(rest)
            y = y @ weight.T + bias
        else:
            y = pt.maximum(y, 0)
    t = pytensor.shared(labels)
    loss = -pt.special.log_softmax(y, axis=1)[pt.arange(net.batch), t].mean()
    parameters = [p for pair in weights for p in pair]
    gradients = pytensor.grad(loss, parameters)
    updates = [(p, (p - net.rate * g).astype("float32")) for p, g in zip(parameters, gradients, strict=True)]
    function = pytensor.function([], loss, updates=updates)
    function.trust_input = True
    return function


def task(net: Net) -> Task:
    start = time.perf_counter()
    call = step_of(net)
    first = float(call())
    facts = {"version": pytensor.__version__, "compile_seconds": time.perf_counter() - start}
    return Task(call, facts=facts | {"check": [first, float(call()), float(call())]})


if __name__ == "__main__":
    serve(lambda: task(NETS[known.task]))
