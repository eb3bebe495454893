"""Streams: items in the order in which they run, some of them again; what is alive when, and what that costs.

An item reads the newest run of what it reads. Nothing says what is kept: a value lives from its run to its last reader
before it runs again, which is all that a snapshot, a tape or a recomputed value is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphad.recompute.actions import Action, Advance, Tape, Turn
from graphad.recompute.cuts import Cuts
from graphad.recompute.program import Program


@dataclass(frozen=True, slots=True)
class Stream:
    """``runs`` without those nobody reads; the peak in bytes, where it is, and the work of runs beyond the first."""

    runs: tuple[int, ...]
    peak: int
    peak_at: int
    extra_work: int
    extra_flops: int
    dies: tuple[tuple[int, ...], ...]
    """The items whose value is read for the last time by each run."""

    def alive(self, at: int) -> list[int]:
        """The items with a value in memory while run ``at`` computes."""
        found: set[int] = set()
        for t in range(at + 1):
            found.add(self.runs[t])
            if t < at:
                found.difference_update(self.dies[t])
        return sorted(found)


def stream(program: Program, runs: Iterable[int]) -> Stream:
    """What comes of running the items in this order."""
    kept, dies = _prune(program, tuple(runs))
    alive = peak = at = work = flops = 0
    seen = bytearray(len(program.items))
    for t, v in enumerate(kept):
        alive += program.nbytes[v]
        if alive > peak:
            peak, at = alive, t
        alive -= sum(program.nbytes[r] for r in dies[t])
        if seen[v]:
            work += program.work[v]
            flops += program.flops[v]
        seen[v] = 1
    return Stream(tuple(kept), peak, at, work, flops, tuple(dies))


def _prune(program: Program, runs: Sequence[int]) -> tuple[list[int], list[tuple[int, ...]]]:
    """The runs that somebody reads, that leave or that are backward; and what dies with each."""
    outputs = set(program.outputs)
    first = {v: t for t, v in reversed(list(enumerate(runs)))}
    wanted: set[int] = set()  # the newest runs so far from the end that are read
    kept: list[int] = []
    dies: list[tuple[int, ...]] = []
    for t in reversed(range(len(runs))):
        v = runs[t]
        leaves = v >= program.forward or (program.items[v] in outputs and first[v] == t)
        if v not in wanted and not leaves:
            continue
        dead = [r for r in program.reads[v] if r not in wanted]
        if v not in wanted:
            dead.append(v)
        wanted.discard(v)
        wanted.update(program.reads[v])
        kept.append(v)
        dies.append(tuple(dead))
    return kept[::-1], dies[::-1]


def plain(program: Program) -> Stream:
    """Everything once: reverse mode as it is."""
    return stream(program, range(len(program.items)))


def along(program: Program, cuts: Cuts, actions: Iterable[Action]) -> Stream:
    """The stream of a schedule over the stages that the cuts make."""
    runs: list[int] = []
    for action in actions:
        match action:
            case Advance(first, last):
                runs += range(cuts.at[first], cuts.at[last])
            case Tape(step):
                runs += range(cuts.at[step], cuts.at[step + 1])
            case Turn(step):
                runs += cuts.backward[step]
            case _:
                pass  # states stay by being read again
    return stream(program, runs)
