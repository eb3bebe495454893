"""Any graph: kept values are given up one after the other, the cheapest to have again for its size first.

As in dynamic tensor rematerialization (Kirisame et al., arXiv 2006.09616), but before the run: the price of a value is
the work of running it again, with all that was given up below it, over the bytes that are free in between.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from math import inf
from typing import Final

from graphad.recompute.program import Program
from graphad.recompute.stream import Stream, plain, stream

ROUNDS: Final = 64
"""Streams tried; with more values than that several are given up at a time."""

NEAR: Final = 8
"""Backward items for which a value that ran again is held."""


def give_up(program: Program) -> Iterator[Stream]:
    """Streams of falling memory and rising work, until nothing that is alive at the peak can be given up."""
    given: set[int] = set()
    now = plain(program)
    needs = _needs(program)
    batch = max(1, sum(program.nbytes[i] > 0 for i in range(program.forward)) // ROUNDS)
    while True:
        there = [v for v in now.alive(now.peak_at) if v < program.forward and v not in given and program.nbytes[v]]
        reading = now.runs[now.peak_at]
        busy = {reading, *program.reads[reading]}
        idle = [v for v in there if v not in busy and v in needs]
        if not idle:
            return
        price = {v: _again(program, v, given) / program.nbytes[v] for v in idle}
        given.update(sorted(idle, key=lambda v: (price[v], v))[:batch])
        now = stream(program, _runs(program, given))
        yield now


def _needs(program: Program) -> set[int]:
    """The forward items that some backward item reads."""
    return {r for reads in program.reads[program.forward :] for r in reads if r < program.forward}


def _again(program: Program, v: int, given: set[int]) -> int:
    """The work of having ``v`` again."""
    found, stack = {v}, [v]
    while stack:
        for r in program.reads[stack.pop()]:
            if r in given and r not in found:
                found.add(r)
                stack.append(r)
    return sum(program.work[x] for x in found)


def _runs(program: Program, given: set[int]) -> list[int]:
    """Forward once; then each backward item, behind what it reads that is not there, with all that this takes.

    What ran again is there for the next few readers; one that comes later has it run again once more.
    """
    there = _needs(program) - given
    readers: dict[int, list[int]] = {}
    for j in range(program.forward, len(program.items)):
        for r in program.reads[j]:
            if r < program.forward:
                readers.setdefault(r, []).append(j)
    runs = list(range(program.forward))
    again: set[int] = set()
    for j in range(program.forward, len(program.items)):
        stack = [r for r in program.reads[j] if r < program.forward]
        wanted: set[int] = set()
        while stack:
            r = stack.pop()
            if r not in wanted and r not in there and r not in again:
                wanted.add(r)
                stack += program.reads[r]
        runs += sorted(wanted)
        runs.append(j)
        again |= wanted
        again = {r for r in again if _next(readers.get(r, ()), j) <= j + NEAR}
    return runs


def _next(readers: Sequence[int], j: int) -> float:
    place = bisect_right(readers, j)
    return readers[place] if place < len(readers) else inf
