"""A race: every contender in its own process, timed in turn while the others are stopped.

Shared machines drift and other people's work comes and goes, so contenders take turns (A B A B) and only
medians of the same rounds are compared. A round in which a contender got clearly less CPU time per second
than it usually does, or in which others used its cores, was disturbed by foreign load, and is not counted.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ROOT = Path(__file__).parents[1]
UNDISTURBED = 0.9  # of the contender's usual CPU seconds per second
FOREIGN = 0.1  # CPU seconds per second that others may use on the contender's cores


@dataclass(frozen=True)
class Contender:
    """A worker (a module that calls `benchmarks.worker.serve`) with its arguments, environment and interpreter."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    python: str = sys.executable


@dataclass(frozen=True)
class Sample:
    """Seconds a call took, and meanwhile CPU seconds per second of the contender, and of others on its cores."""

    seconds: float
    load: float
    foreign: float = 0.0


@dataclass
class Result:
    """What a contender did in the rounds that count; `failed` says why it did not run."""

    name: str
    seconds: list[float] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    failed: str | None = None
    tried: int = 0
    disturbed: bool = False
    """That no round was quiet, so that `seconds` has all of them."""

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        if len(self.seconds) < 2:
            return self.median, self.median
        low, _, high = quantiles(self.seconds, n=4, method="inclusive")
        return low, high


class Worker:
    """A contender's process, stopped except while it is asked for something."""

    def __init__(self, contender: Contender) -> None:
        self.process = subprocess.Popen(
            [contender.python, "-m", contender.module, *contender.arguments],
            cwd=ROOT,
            env=os.environ | contender.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        reply = self._read()
        self.facts: dict[str, Any] = reply.get("ready", {})
        self.failed: str | None = reply.get("failed")
        self._signal(signal.SIGSTOP)

    def time(self, calls: int) -> Sample:
        self._signal(signal.SIGCONT)
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"calls": calls}) + "\n")
        self.process.stdin.flush()
        reply = self._read()
        self._signal(signal.SIGSTOP)
        if "failed" in reply:
            raise RuntimeError(reply["failed"])
        return Sample(reply["wall"] / calls, reply["cpu"] / reply["wall"], reply.get("foreign", 0.0))

    def calls_in(self, seconds: float) -> int:
        """How many calls take about `seconds`."""
        calls = 1
        while (taken := self.time(calls).seconds * calls) < seconds / 4:
            calls *= 4
        return max(1, round(calls * seconds / taken))

    def close(self) -> None:
        self._signal(signal.SIGCONT)
        self.process.communicate()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            return {"failed": f"the worker ended with status {self.process.wait()}"}
        return dict(json.loads(line))

    def _signal(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)


@contextmanager
def started(contender: Contender) -> Iterator[Worker]:
    """The worker, ended when the block is left, however it is left."""
    worker = Worker(contender)
    try:
        yield worker
    finally:
        worker.close()


def race(contenders: Sequence[Contender], rounds: int = 15, seconds: float = 0.2) -> list[Result]:
    """Time all contenders in turn until `rounds` undisturbed rounds are there, at most three times as many."""
    with ExitStack() as stack:
        # one after the other: each is stopped before the next starts, so set-up times are undisturbed too
        workers = [stack.enter_context(started(contender)) for contender in contenders]
        results = [Result(c.name, facts=w.facts, failed=w.failed) for c, w in zip(contenders, workers, strict=True)]
        running = [(worker, result) for worker, result in zip(workers, results, strict=True) if not worker.failed]
        calls = [worker.calls_in(seconds) for worker, _ in running]
        table: list[list[Sample]] = []
        while running and len(undisturbed(table)) < rounds and len(table) < 3 * rounds:
            table.append([worker.time(k) for (worker, _), k in zip(running, calls, strict=True)])
        kept = undisturbed(table) or table  # on a machine that is never quiet, all of it is what there is
        for column, (_, result) in enumerate(running):
            result.disturbed = not undisturbed(table)
            result.seconds = [row[column].seconds for row in kept]
            result.tried = len(table)
    return results


def undisturbed(table: list[list[Sample]]) -> list[list[Sample]]:
    """The rounds in which every contender had its usual share of the machine (the upper quartile of its loads)."""
    if not table:
        return []
    usual = [sorted(sample.load for sample in column)[3 * len(column) // 4] for column in zip(*table, strict=True)]
    return [
        row
        for row in table
        if all(s.load >= UNDISTURBED * u and s.foreign <= FOREIGN for s, u in zip(row, usual, strict=True))
    ]


def differing(results: Sequence[Result], tolerance: float = 2e-3) -> list[str]:
    """Names of the contenders whose digest (`facts["check"]`) is not that of the first: they compute something else."""
    digests = {r.name: r.facts["check"] for r in results if r.seconds and "check" in r.facts}
    if not digests:
        return []
    first = next(iter(digests.values()))
    close = tolerance * max(abs(x) for x in first)
    return [
        name
        for name, digest in digests.items()
        if len(digest) != len(first) or not all(abs(a - b) <= close for a, b in zip(digest, first, strict=True))
    ]
