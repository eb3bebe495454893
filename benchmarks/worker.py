"""The worker's side of a race: set up, then run k calls whenever asked.

One JSON object a line. The worker writes `{"ready": {...}}` or `{"failed": "why"}`; then for each
`{"calls": k}` that it reads, `{"wall": seconds, "cpu": seconds}`. Closing its input ends it.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO


@dataclass(frozen=True)
class Task:
    """What is timed: `call` k times, then `finish` once (to wait for work that a peer runs in the background)."""

    call: Callable[[], object]
    finish: Callable[[], object] = lambda: None
    facts: dict[str, Any] = field(default_factory=dict)


def arguments(tasks: Sequence[str] = ("step", "loss", "gradient")) -> argparse.Namespace:
    """The worker's command line; binds the process to as many cores as it may use threads.

    To be called before the peer is imported: JAX sizes its thread pool by the cores it is bound to.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--task", choices=tasks, default=tasks[0])
    parser.add_argument("--compiled", action="store_true", help="torch.compile instead of eager")
    known = parser.parse_args()
    bind(known.threads)
    return known


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
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(calls):
        task.call()
    task.finish()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
