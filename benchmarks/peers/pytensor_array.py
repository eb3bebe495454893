"""Work of `benchmarks.arrays` in PyTensor, by its default backend."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import Any

from benchmarks.arrays import EPSILON, KINDS, chain, data, gains, labels
from benchmarks.worker import Task, arguments, digest, serve

known = arguments(KINDS)
os.environ["PYTENSOR_FLAGS"] = "floatX=float32"
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = str(known.threads)

import pytensor  # noqa: E402
import pytensor.tensor as pt  # noqa: E402

LIBRARY = SimpleNamespace(relu=lambda x: pt.maximum(x, 0))


def outputs_of(kind: str, x: Any) -> list[Any]:
    if kind == "elementwise-chain":
        return [chain(LIBRARY, x)]
    if kind == "layer-norm":
        gain, shift = map(pytensor.shared, gains())
        centred = x - x.mean(1, keepdims=True)
        return [centred / pt.sqrt((centred * centred).mean(1, keepdims=True) + EPSILON) * gain + shift]
    t = labels()
    loss = -pt.special.log_softmax(x, axis=1)[pt.arange(len(t)), pytensor.shared(t)].mean()
    return [loss, pytensor.grad(loss, x)]


def task(kind: str) -> Task:
    x = pt.matrix("x", dtype="float32")
    given = data()
    start = time.perf_counter()
    function = pytensor.function([x], outputs_of(kind, x))
    function.trust_input = True
    first = function(given)
    facts = {"version": pytensor.__version__, "compile_seconds": time.perf_counter() - start, "check": digest(first)}
    return Task(lambda: function(given), facts=facts)


if __name__ == "__main__":
    serve(lambda: task(known.task))
