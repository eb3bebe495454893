"""Checkpointing of unequal stages: the cheapest schedule within a memory limit, by dynamic programming.

The recurrence over stages i..e-1 with memory m beyond the state before i, which is kept (Beaumont, Eyraud-Dubois,
Herrmann, Joly, Shilova, "Optimal checkpointing for heterogeneous chains", arXiv 1911.13214; persistent schedules, in
which a kept state stays until its last use):

    T(i, e, m) = min of
        cost_i + T(i+1, e, m - tape_i)                              tape stage i, if turn_i <= m
        sum(cost, i..k-1) + T(k, e, m - state_k) + T(i, k, m)       keep the state before some k, i < k < e
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import gcd
from typing import Any, Final

import numpy as np

from graphad.checks import listed, whole
from graphad.compiler.errors import GraphError
from graphad.recompute.actions import Action, Advance, Restore, Snapshot, Tape, Turn

SLOTS: Final = 256
"""Units into which a limit is divided, at least, where exact bytes would take too large a table."""

_ENTRIES: Final = 1 << 21  # of a table
_WIDE: Final = 1 << 61


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a chain, in integers: any unit of time, any unit of memory.

    ``cost`` of running it forward; ``state``: the size of what it starts from; ``tape``: what its adjoint keeps beyond
    that, the state after it included; ``turn``: the most memory in use while it is taped and reversed, ``tape`` unless
    given.
    """

    cost: int
    state: int
    tape: int
    turn: int | None = None

    def __post_init__(self) -> None:
        for name in ("cost", "state", "tape", "turn"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                raise GraphError(f"recompute.Stage: {name} is a whole number of at least 0, got {value!r}")

    @property
    def peak(self) -> int:
        """Memory for one turn by itself."""
        return max(self.tape, self.turn or 0)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The actions, what all forward stages of them cost, and how much of that is beyond once each."""

    actions: tuple[Action, ...]
    cost: int
    extra: int


class Chain:
    """A chain of stages. ``fresh[i][k]``: what keeping the state before k takes while that before i is kept.

    Unless given, that is the whole of it: ``stages[k].state``.
    """

    def __init__(self, stages: Sequence[Stage], fresh: Sequence[Sequence[int]] | None = None) -> None:
        listed("recompute.Chain", "stages", stages, "Stage")
        if not all(isinstance(s, Stage) for s in stages):
            raise GraphError("recompute.Chain: each of the stages is a recompute.Stage")
        if not stages:
            raise GraphError("recompute.Chain: the chain is empty; it needs at least one Stage")
        self.stages = tuple(stages)
        self.fresh = fresh or [[s.state for s in stages]] * len(stages)
        self.sums = [0, *accumulate(s.cost for s in stages)]
        tapes = [0, *accumulate(s.tape for s in stages)]
        self.all_tapes = max(before + s.peak for before, s in zip(tapes, stages, strict=False))
        """Memory with which nothing runs twice."""

    def leanest(self) -> tuple[int, Schedule]:
        """The least memory with which the chain can be reversed, exactly, and a schedule that takes no more."""
        n = len(self.stages)
        least = [[0] * (n + 1) for _ in range(n + 1)]
        choice = [[0] * (n + 1) for _ in range(n + 1)]
        for i in reversed(range(n)):
            own, row, fresh = self.stages[i], least[i], self.fresh[i]
            for e in range(i + 1, n + 1):
                best, pick = max(own.peak, own.tape + least[i + 1][e]), 0
                for k in range(i + 1, e):
                    there = max(fresh[k] + least[k][e], row[k])
                    if there < best:
                        best, pick = there, k
                row[e], choice[i][e] = best, pick
        return least[0][n], self.read(lambda i, e, _: choice[i][e])

    def read(
        self, choice: Callable[[int, int, int], int], memory: int = 0, size: Callable[[int], int] = int
    ) -> Schedule:
        """The schedule that choices by (first, end, memory left) stand for: 0 tapes the first stage, k keeps the state
        before k. ``size`` turns sizes into the unit of ``memory``.
        """
        found: list[Action] = []
        stack: list[tuple[int, int, int, bool] | Action] = [(0, len(self.stages), memory, True)]
        while stack:
            entry = stack.pop()
            if not isinstance(entry, tuple):
                found.append(entry)
                continue
            i, e, m, arrived = entry
            if i == e:
                continue
            k = choice(i, e, m)
            if not k:
                found.append(Tape(i))
                stack += [Turn(i), (i + 1, e, m - size(self.stages[i].tape), True)]
                continue
            if arrived:
                found.append(Snapshot(i))
            found.append(Advance(i, k))
            stack += [(i, k, m, False), Restore(i), (k, e, m - size(self.fresh[i][k]), True)]
        runs = [self.sums[a.last] - self.sums[a.first] for a in found if isinstance(a, Advance)]
        return Schedule(tuple(found), sum(runs) + self.sums[-1], sum(runs))


class Table:
    """The cheapest schedules of a chain for every limit up to ``limit``, in units of memory."""

    def __init__(self, chain: Chain, limit: int) -> None:
        self.chain = chain
        n, most = len(chain.stages), min(limit, chain.all_tapes)
        sizes = [x for s in chain.stages for x in (s.tape, s.peak)] + [f for row in chain.fresh for f in row]
        common = gcd(*sizes) or 1
        room = max(SLOTS, _ENTRIES // (n + 1) ** 2)
        self.unit = common if most // common <= room else -(-most // room)
        """The size of a slot: what divides all sizes, or what makes a table of moderate size; sizes are rounded up."""
        self.slots = most // self.unit
        self.never = (chain.sums[-1] + 1) * (n + 1)
        self.cost, self.choice = self._fill()

    def _fill(self) -> tuple[np.ndarray, np.ndarray]:
        chain, top, never = self.chain, self.slots, self.never
        n = len(chain.stages)
        dtype: Any = np.int64 if 3 * never < _WIDE else object
        slots = np.arange(top + 1)
        cost = np.zeros((n + 1, n + 1, top + 1), dtype)
        choice = np.zeros((n + 1, n + 1, top + 1), np.int16)
        sums = np.asarray(chain.sums, dtype)
        for i in reversed(range(n)):
            own = chain.stages[i]
            tape, peak = self._up(own.tape), self._up(own.peak)
            fresh = np.asarray([self._up(f) for f in chain.fresh[i]])
            for e in range(i + 1, n + 1):
                best = np.full(top + 1, never, dtype)
                if peak <= top:
                    best[peak:] = own.cost + cost[i + 1, e, peak - tape : top + 1 - tape]
                if e > i + 1:
                    left = slots[None, :] - fresh[i + 1 : e, None]
                    there = np.where(left >= 0, cost[np.arange(i + 1, e)[:, None], e, np.maximum(left, 0)], never)
                    total = (sums[i + 1 : e] - sums[i])[:, None] + there + cost[i, i + 1 : e]
                    pick = total.argmin(axis=0)
                    kept = total[pick, slots]
                    choice[i, e] = np.where(kept < best, pick + i + 1, 0)
                    best = np.minimum(kept, best)
                cost[i, e] = np.minimum(best, never)
        return cost, choice

    def _up(self, size: int) -> int:
        return min(-(-size // self.unit), self.slots + 1)

    def costs(self) -> list[int | None]:
        """The least cost for each number of slots, None where no schedule fits."""
        return [None if c >= self.never else int(c) for c in self.cost[0, len(self.chain.stages)]]

    def schedule(self, slots: int) -> Schedule:
        """The cheapest schedule that fits in so many slots."""
        return self.chain.read(lambda i, e, m: int(self.choice[i, e, m]), slots, self._up)


def checkpoint(stages: Sequence[Stage], memory: int) -> Schedule:
    """The cheapest schedule of a chain within ``memory``, beyond the state that the first stage starts from.

    Exact where the limit is few multiples of what divides all sizes; else sizes are rounded up to 1/256 of the limit or
    less, so a schedule always fits.

    Errors: GraphError for an empty chain, and for less memory than is possible, with the least.

    >>> checkpoint([Stage(cost=1, state=1, tape=10)] * 10, memory=13).extra  # three states beside the first, and a tape
    15
    >>> checkpoint([Stage(cost=1, state=1, tape=10)] * 10, memory=100).extra
    0
    """
    chain = Chain(stages)
    memory = whole("recompute.checkpoint", "memory", memory, 0)
    least, leanest = chain.leanest()
    if memory < least:
        raise GraphError(f"recompute.checkpoint: {memory} is less memory than any schedule takes; the least is {least}")
    table = Table(chain, memory)
    if table.costs()[-1] is None:
        return leanest
    return table.schedule(table.slots)
