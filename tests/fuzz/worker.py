"""A process that runs cases: ``python -m tests.fuzz.worker FUNCTION MEGABYTES SEED COUNT`` prints a line for each step.

> 17            case 17 begins
= 17 True       it is done; what the check answered
! 17 "..."      it failed: the traceback, as JSON
"""

from __future__ import annotations

import itertools
import json
import sys
import traceback
from pathlib import Path

from tests.fuzz.parts import load

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

FIRST = 2000
"""Megabytes for what the first case makes that others use again, libraries and threads among them."""


def main(function: str, megabytes: int, first: int, count: int) -> None:
    """Runs until it is stopped, or ``count`` cases where that is not 0."""
    check = load(function)
    limit_memory(FIRST + megabytes << 20)
    for seed in itertools.islice(itertools.count(first), count or None):
        print(f"> {seed}", flush=True)
        try:
            print(f"= {seed} {check(seed)}", flush=True)
        except Exception:
            print(f"! {seed} {json.dumps(traceback.format_exc())}", flush=True)
        if seed == first:
            limit_memory(megabytes << 20)


def limit_memory(more: int) -> None:
    """No more than ``more`` bytes of addresses beyond what there are now, where the system can say."""
    statm = Path("/proc/self/statm")
    if resource is not None and statm.exists():
        now = int(statm.read_text().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (now + more, hard))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
