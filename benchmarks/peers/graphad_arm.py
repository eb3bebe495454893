"""The arm's Jacobian in graphad: the cheapest elimination order, one kernel over the points."""

from __future__ import annotations

import time
from importlib.metadata import version
from types import SimpleNamespace

import graphad as ga
from benchmarks.arm_function import arm, joints
from benchmarks.worker import Task, arguments, digest, serve

LIBRARY = SimpleNamespace(sin=ga.sin, cos=ga.cos, sqrt=ga.sqrt, arctan2=ga.atan2)


def task(threads: int) -> Task:
    start = time.perf_counter()
    q = ga.input("q", (6,), "float64")
    qs = ga.input("qs", ("N", 6), "float64")
    jacobian = ga.jacobian(ga.stack(arm(LIBRARY, [q[k] for k in range(6)])), q, mode="eliminate")
    function = ga.compile([qs], ga.vectorize(jacobian, {q: qs}), threads=threads)
    built = time.perf_counter()
    x = joints()
    held = function(x)
    facts = {
        "version": version("graphad"),
        "plan_seconds": built - start,
        "compile_seconds": time.perf_counter() - built,
        "check": digest([held]),
    }
    return Task(lambda: function(x, out=held), facts=facts)


if __name__ == "__main__":
    known = arguments(["jacobian"])
    serve(lambda: task(known.threads))
