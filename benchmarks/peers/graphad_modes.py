"""A benchmark graph's Jacobian in graphad, in one mode.

`python -m benchmarks.peers.graphad_modes RobotArm_6DOF --batch 1000 --mode auto`
"""

from __future__ import annotations

import time
from importlib.metadata import version

from benchmarks.modes_worker import facts_of, options
from benchmarks.worker import Task, serve
from graphad.modes import evaluation, find


def task(name: str, batch: int, mode: str) -> Task:
    began = time.perf_counter()
    asked = evaluation(find(name), batch)
    call = asked.compiled(asked.plan.chosen if mode == "auto" else mode)
    blocks = call()
    facts = {"version": version("graphad"), "compile_seconds": time.perf_counter() - began, **facts_of(blocks)}
    return Task(call, facts=facts)


if __name__ == "__main__":
    known = options()
    serve(lambda: task(known.graph, known.batch, known.mode))
