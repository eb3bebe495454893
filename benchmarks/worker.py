"""The worker's side of a race: set up, then run k calls whenever asked.

One JSON object a line. The worker writes `{"ready": {...}}` or `{"failed": "why"}`; then for each
`{"calls": k}` that it reads, `{"wall": seconds, "cpu": seconds, "foreign": others' CPU seconds per second on the same
cores}`. Closing its input ends it.
"""

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np


@dataclass(frozen=True)
class Task:
    """What is timed: `call` k times, then `finish` once (to wait for work that a peer runs in the background)."""

    call: Callable[[], object]
    finish: Callable[[], object] = lambda: None
    facts: dict[str, Any] = field(default_factory=dict)


def arguments(tasks: Iterable[str]) -> argparse.Namespace:
    """The worker's command line; binds the process to as many cores as it may use threads.

    To be called before the peer is imported: JAX sizes its thread pool by the cores it is bound to.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=list(tasks))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--form", default="", help="how the peer runs it: eager, compiled, jacfwd ...")
    known = parser.parse_args()
    bind(known.threads)
    return known


def digest(arrays: Iterable[Any]) -> list[float]:
    """Two numbers an array, norm and sum / sqrt(size), alike in all layouts: who differs computes something else.

    >>> digest([np.ones((2, 8))])
    [4.0, 4.0]
    """
    flat = [np.asarray(a, np.float64).ravel() for a in arrays]
    return [float(x) for a in flat for x in (np.linalg.norm(a), a.sum() / np.sqrt(a.size))]


def bind(threads: int) -> None:
    """Binds the process to as many cores as it may use threads; before the peer is imported."""
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def serve(set_up: Callable[[], Task]) -> None:
    """Set up and answer requests until the input closes."""
    replies = _private_stdout()
    try:
        task = set_up()
        task.call()
        task.finish()
    except Exception as error:  # a peer that does not work here is a row of the table, not the end of it
        _reply(replies, {"failed": f"{type(error).__name__}: {error}".splitlines()[0]})
        return
    _reply(replies, {"ready": task.facts})
    for line in sys.stdin:
        _reply(replies, _timed(task, json.loads(line)["calls"]))


def _private_stdout() -> TextIO:
    """The pipe to the harness; whatever the peer prints goes to stderr from now on."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return replies


def _reply(replies: TextIO, message: dict[str, Any]) -> None:
    replies.write(json.dumps(message) + "\n")
    replies.flush()


def _timed(task: Task, calls: int) -> dict[str, float]:
    task.call()  # untimed: the others ran since, and caches are theirs
    task.finish()
    before = busy_seconds()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(calls):
        task.call()
    task.finish()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall": wall, "cpu": cpu, "foreign": foreign(busy_seconds() - before - cpu, wall)}


def peak_bytes() -> int:
    """The most memory that the process has had; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0
    most = int(importlib.import_module("resource").getrusage(0).ru_maxrss)
    return most if sys.platform == "darwin" else 1024 * most


STAT = Path("/proc/stat")
TICK = 0.01
"""Seconds that Linux counts at once, on each core."""


def busy_seconds() -> float:
    """Seconds that the cores to which this process is bound have worked for anyone, since the start; 0 if unknown."""
    if not STAT.exists() or not hasattr(os, "sched_getaffinity"):
        return 0.0
    own = {f"cpu{core}" for core in os.sched_getaffinity(0)}
    lines = (line.split() for line in STAT.read_text().splitlines())
    return TICK * sum(busy_ticks(line[1:]) for line in lines if line[0] in own)


def busy_ticks(counts: Sequence[str]) -> int:
    """Of user, nice, system, idle, iowait, irq, softirq and stolen ticks, as a line of /proc/stat has them.

    >>> busy_ticks("10 1 5 700 30 2 3 4 0 0".split())
    25
    """
    user, nice, system, _, _, irq, softirq, steal = map(int, counts[:8])
    return user + nice + system + irq + softirq + steal


def foreign(seconds: float, wall: float) -> float:
    """CPU seconds per second that others had, when they had so many in so long, less what counting in ticks may add.

    >>> foreign(0.015, 0.2), round(foreign(0.12, 0.2), 2)
    (0.0, 0.5)
    """
    return max(0.0, seconds - 2 * TICK) / wall
