"""Runs the fuzzer.

    python -m tests.fuzz --minutes 10                       every part for its share of ten minutes
    python -m tests.fuzz --part idx --seed 17 --cases 1     one case again

Cases of a part have the seeds from ``--seed`` on. The exit status is 1 if one failed.
"""

from __future__ import annotations

import argparse
import json
import queue
import secrets
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

from tests.fuzz.parts import PARTS, Part

START = 300.0
"""Seconds for a process to begin its first case."""


@dataclass
class Result:
    """What came of a part."""

    part: Part
    cases: int = 0
    accepted: int = 0
    failures: list[tuple[int, str]] = field(default_factory=list)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="for all parts together (10)")
    parser.add_argument("--seed", type=int, help="of the first case of each part (random)")
    parser.add_argument("--cases", type=int, default=0, help="stop each part after so many")
    parser.add_argument(
        "--part", action="append", choices=[p.name for p in PARTS], help="this part only; again for more"
    )
    given = parser.parse_args()
    parts = [p for p in PARTS if not given.part or p.name in given.part]
    seed = secrets.randbelow(10**9) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    results = []
    for part in parts:
        seconds = 60 * given.minutes * part.share / sum(p.share for p in parts)
        results.append(run(part, seed, seconds, given.cases))
        print(summary(results[-1]), flush=True)
    return int(any(r.failures for r in results))


def summary(result: Result) -> str:
    """A line about a part."""
    return (
        f"{result.part.name:12} {result.cases:6} cases, {result.accepted:6} accepted, {len(result.failures):4} failed"
    )


def run(part: Part, seed: int, seconds: float, cases: int = 0) -> Result:
    """Cases from ``seed`` on, in a process that is replaced where one takes too long or dies."""
    result, end = Result(part), time.monotonic() + seconds
    while time.monotonic() < end and (not cases or result.cases < cases):
        seed = _run(result, seed, end, cases - result.cases if cases else 0) + 1
    return result


def _run(result: Result, seed: int, end: float, cases: int) -> int:
    """One process; the last seed that it began."""
    part = result.part
    numbers = map(str, (part.megabytes, seed, cases))
    command = [sys.executable, "-m", "tests.fuzz.worker", part.function, *numbers]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    last, running, noise = seed, False, []
    try:
        while True:
            limit = part.seconds if running else START
            try:
                line = lines.get(timeout=limit)
            except queue.Empty:
                _fail(result, last, f"it took more than {limit:.0f} s")
                return last
            kind, _, rest = line.partition(" ")
            if kind == ">":
                last, running = int(rest), True
                result.cases += 1
            elif kind in ("=", "!"):
                running = False
                number, _, answer = rest.partition(" ")
                result.accepted += kind == "=" and answer.strip() == "True"
                if kind == "!":
                    _fail(result, int(number), json.loads(answer))
            elif line:
                noise.append(line)
            else:
                if running or process.wait():
                    _fail(result, last, f"the process ended with {process.wait()}\n{''.join(noise[-30:])}")
                return last
            if not running and time.monotonic() > end:
                return last
    finally:
        process.kill()
        process.wait()
        reader.join()


def _read(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    with process.stdout as output:
        for line in output:
            lines.put(line)
    lines.put("")


def _fail(result: Result, seed: int, why: str) -> None:
    result.failures.append((seed, why))
    again = f"python -m tests.fuzz --part {result.part.name} --seed {seed} --cases 1"
    print(f"FAILED {result.part.name}, seed {seed}\n{why}\nagain: {again}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
