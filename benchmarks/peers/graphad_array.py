"""Work of `benchmarks.arrays` in graphad; results are written to memory that is there."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any

import graphad as ga
from benchmarks.arrays import COLUMNS, EPSILON, KINDS, chain, data, gains, labels
from benchmarks.worker import Task, arguments, digest, serve
from graphad.nn import functional


def layer_norm(x: Any) -> Any:
    gain, shift = map(ga.constant, gains())
    centred = x - ga.mean(x, axis=1, keepdims=True)
    return centred * ga.rsqrt(ga.mean(centred * centred, axis=1, keepdims=True) + EPSILON) * gain + shift


def task(kind: str, threads: int) -> Task:
    x = ga.input("x", ("N", COLUMNS))
    inputs, given = [x], [data()]
    outputs: Any
    if kind == "softmax-cross-entropy":
        t = ga.input("t", ("N",), "int64")
        inputs, given = [x, t], [data(), labels()]
        loss = functional.cross_entropy(x, t)
        outputs = [loss, ga.grad(loss, x)]
    else:
        outputs = [layer_norm(x) if kind == "layer-norm" else chain(functional, x)]
    start = time.perf_counter()
    call = ga.compile(inputs, outputs, threads=threads)
    held = call(*given)
    facts = {"version": version("graphad"), "compile_seconds": time.perf_counter() - start}
    facts["check"] = digest(call(*given, out=held))
    return Task(lambda: call(*given, out=held), facts=facts)


if __name__ == "__main__":
    known = arguments(KINDS)
    serve(lambda: task(known.task, known.threads))
