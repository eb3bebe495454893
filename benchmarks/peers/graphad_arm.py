"""The arm's Jacobian in graphad: the cheapest elimination order, one kernel over the points."""

from __future__ import annotations

import time
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np

import graphad as ga
from benchmarks.arm_function import arm, joints
from benchmarks.worker import Task, arguments, serve

TASKS = ("fresh", "out")
LIBRARY = SimpleNamespace(sin=ga.sin, cos=ga.cos, sqrt=ga.sqrt, arctan2=ga.atan2)


def task(points: int, threads: int, kind: str) -> Task:
    start = time.perf_counter()
    q = ga.input("q", (6,), "float64")
    qs = ga.input("qs", ("N", 6), "float64")
    jacobian = ga.jacobian(ga.stack(arm(LIBRARY, [q[k] for k in range(6)])), q, mode="eliminate")
    function = ga.compile([qs], ga.vectorize(jacobian, {q: qs}), threads=threads)
    built = time.perf_counter()
    x = joints(points)
    out = function(x)
    facts = {
        "version": version("graphad"),
        "plan_seconds": built - start,
        "compile_seconds": time.perf_counter() - built,
        "checksum": float(np.abs(out).sum()),
    }
    return Task(lambda: function(x, out=out), facts=facts) if kind == "out" else Task(lambda: function(x), facts=facts)


if __name__ == "__main__":
    known = arguments(TASKS)
    serve(lambda: task(known.batch, known.threads, known.task))
