"""Operations of `benchmarks.operations` in graphad; results are written to memory that is there."""

from __future__ import annotations

import time
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import numpy as np

import graphad as ga
from benchmarks.operations import BY_NAME
from benchmarks.worker import Task, arguments, digest, serve
from graphad.nn import functional

LIBRARY = SimpleNamespace(
    sum=ga.sum,
    exp=ga.exp,
    tanh=ga.tanh,
    log1p=ga.log1p,
    max=ga.max,
    amax=lambda x, axis: ga.max(x, axis=axis),
    argmax=lambda x, axis=None: ga.argmax(x, axis=axis),
    permute=ga.permute_dims,
    erf=ga.erf,
    gelu=lambda x: 0.5 * x * (1 + ga.erf(x * 2**-0.5)),
    arcsinh=ga.asinh,
    arctanh=ga.atanh,
    hypot=ga.hypot,
    remainder=ga.remainder,
    fmod=lambda x, y: x - y * ga.trunc(x / y),
    counts=lambda n: ga.constant(np.arange(n, dtype="f")),
    rows=lambda x, i: ga.take(x, i, axis=0),
    scattered=lambda x, i, y: x + ga.vjp(ga.take(x, i, axis=0), x, y),
    softmax=lambda x: functional.softmax(x, 1),
    slope=lambda f, x: ga.grad(ga.sum(f(x)), x),
    margin=lambda x: ga.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))),
    running=lambda x: ga.cumulative_sum(x, axis=0),
)


def task(name: str, threads: int) -> Task:
    operation = BY_NAME[name]
    given = operation.data()
    inputs = [ga.input(f"x{i}", a.shape, str(a.dtype)) for i, a in enumerate(given)]
    start = time.perf_counter()
    call = ga.compile(inputs, [operation.call(LIBRARY, *inputs)], threads=threads)
    held = call(*given)
    facts: dict[str, Any] = {"version": version("graphad"), "compile_seconds": time.perf_counter() - start}
    facts["check"] = digest(held)
    return Task(lambda: call(*given, out=held), facts=facts)


if __name__ == "__main__":
    known = arguments(BY_NAME)
    serve(lambda: task(known.task, known.threads))
