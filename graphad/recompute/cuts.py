"""Where a program is cut into a chain of stages: between items, where little is handed on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, takewhile
from typing import Final

from graphad.recompute.program import Program
from graphad.recompute.stages import Chain, Stage

MOST: Final = 128
"""Stages; a longer chain is cut into so many of about equal work."""

FEW: Final = 16
"""Stages below which no cut is left out for being higher than its neighbours."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Stage k is the forward items ``at[k]..at[k+1]-1``, its adjoint the items ``backward[k]``."""

    at: tuple[int, ...]
    backward: tuple[tuple[int, ...], ...]
    chain: Chain

    @property
    def stages(self) -> int:
        return len(self.backward)


def cut(program: Program) -> Cuts:
    """The stages of a program with forward items.

    A cut lies where no fewer bytes are handed on a place earlier or later: in a chain of layers behind each layer's
    output, in a recurrence between time steps, whatever their number of states. A value that skips stages is handed on
    at each of them. Of neighbours that hand on as much, those are taken that lie behind a value that its adjoint keeps
    anyway.
    """
    last = _last_readers(program)
    crossing = _crossing(program, last)
    residual = {r for reads in program.reads[program.forward :] for r in reads if r < program.forward}
    at = _thinned(program, _lowest(program, crossing, _minima(crossing, residual, program.forward)))
    bounds = list(pairwise(at))
    backward: list[list[int]] = [[] for _ in bounds]
    place = [k for k, (low, high) in enumerate(bounds) for _ in range(low, high)]
    for j in range(program.forward, len(program.items)):
        key = program.stage_key[j - program.forward]
        backward[place[key]].append(j)
    alive = _cotangents(program)
    stages = []
    for (low, high), back in zip(bounds, backward, strict=True):
        tape = sum(program.nbytes[i] for i in range(low, high) if i in residual or last[i] >= high)
        inside = sum(program.nbytes[low:high])
        turn = max(inside, tape + max((alive[j - program.forward] for j in back), default=0))
        stages.append(Stage(sum(program.work[low:high]), crossing[low], tape, turn))
    return Cuts(tuple(at), tuple(map(tuple, backward)), Chain(stages, _fresh(program, at, last)))


def _last_readers(program: Program) -> list[int]:
    """The last forward item that reads each forward item; -1 for none."""
    last = [-1] * program.forward
    for j in range(program.forward):
        for i in program.reads[j]:
            last[i] = j
    return last


def _crossing(program: Program, last: Sequence[int]) -> list[int]:
    """The bytes of forward values handed on at each place 0..forward."""
    change = [0] * (program.forward + 2)
    for i in range(program.forward):
        if last[i] > i:
            change[i + 1] += program.nbytes[i]
            change[last[i] + 1] -= program.nbytes[i]
    return list(accumulate(change))[: program.forward + 1]


def _minima(crossing: Sequence[int], residual: set[int], n: int) -> list[int]:
    """The places to cut at, 0 and n among them."""
    inner = [p for p in range(1, n) if crossing[p] <= min(crossing[p - 1] if p > 1 else crossing[p], crossing[p + 1])]
    among = set(inner)
    level = {p for p in inner if (p - 1 in among or p + 1 in among) and p - 1 not in residual}
    return [0, *(p for p in inner if p not in level), n]


def _lowest(program: Program, crossing: Sequence[int], at: Sequence[int]) -> list[int]:
    """Without the cuts that have a lower one near on either side: those inside a time step, when its ends are cuts."""
    sums = [0, *accumulate(program.work[: program.forward])]
    near = sums[-1] / FEW
    return [
        p
        for i, p in enumerate(at)
        if not (
            any(crossing[q] < crossing[p] for q in _until(at[i - 1 :: -1] if i else (), sums, p, near) if q)
            and any(crossing[q] < crossing[p] for q in _until(at[i + 1 : -1], sums, p, near))
        )
    ]


def _until(places: Sequence[int], sums: Sequence[int], p: int, near: float) -> Iterator[int]:
    """Those of the places that are near, in terms of work."""
    return takewhile(lambda q: abs(sums[q] - sums[p]) <= near, places)


def _thinned(program: Program, at: Sequence[int]) -> list[int]:
    """At most MOST stages, neighbours joined to about equal work."""
    if len(at) - 1 <= MOST:
        return list(at)
    sums = [0, *accumulate(program.work[: program.forward])]
    share = sums[-1] / MOST
    kept = [0]
    for p in at[1:-1]:
        if sums[p] >= share * len(kept):
            kept.append(p)
    return [*kept[:MOST], at[-1]]


def _cotangents(program: Program) -> list[int]:
    """The bytes of backward values alive while each backward item is computed."""
    n = program.forward
    dies: dict[int, int] = {}
    for j in range(n, len(program.items)):
        for i in program.reads[j]:
            dies[i] = j
    ends: list[int] = [0] * (len(program.items) + 1)
    alive, found = 0, []
    for j in range(n, len(program.items)):
        alive += program.nbytes[j]
        found.append(alive)
        ends[dies.get(j, j)] += program.nbytes[j]
        alive -= ends[j]
    return found


def _fresh(program: Program, at: Sequence[int], last: Sequence[int]) -> list[list[int]]:
    """fresh[i][k]: the bytes handed on at cut k that are not handed on at cut i already."""
    stage = [k for k in range(len(at) - 1) for _ in range(at[k], at[k + 1])]
    count = len(at) - 1
    born: list[dict[int, int]] = [{} for _ in range(count)]  # by the stage of birth: bytes by the last stage that reads
    for i in range(program.forward):
        if last[i] > i and stage[last[i]] > stage[i]:
            row = born[stage[i]]
            row[stage[last[i]]] = row.get(stage[last[i]], 0) + program.nbytes[i]
    found = [[0] * count for _ in range(count)]
    for b in range(count):
        # born in stage b, read until stage z: handed on at cuts b+1..z, which is news seen from cuts 0..b
        across = [0] * (count + 1)
        for z, size in born[b].items():
            across[z] += size
        total = 0
        for k in range(count - 1, b, -1):
            total += across[k]
            if total:
                for i in range(b + 1):
                    found[i][k] += total
    return found
