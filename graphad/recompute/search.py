"""The search: the cheapest stream within a limit, by revolve, by dynamic programming or by giving up values."""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from graphad.recompute.actions import Action, Advance, Tape
from graphad.recompute.cuts import Cuts, cut
from graphad.recompute.greedy import give_up
from graphad.recompute.program import Program
from graphad.recompute.revolve import revolve
from graphad.recompute.stages import Table
from graphad.recompute.stream import Stream, along, plain
from graphad.runtime.once import cached_property

Method: TypeAlias = Literal["store", "revolve", "chain", "greedy"]
METHODS: Final = get_args(Method)
SMALL: Final = 1000
"""Items up to which every method is tried."""

LONGEST: Final = 4
"""Runs, in multiples of the items, beyond which a stream is no choice: its program would take too long to compile."""

SHORT: Final = 500
"""Runs that are never too many."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A stream and how it was found; ``steps``: stages run forward beyond once each, where there are stages."""

    method: Method
    stream: Stream
    steps: int | None = None


class Search:
    """All that is asked of one program, whatever the limit."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.plain = plain(program)
        self.longest = max(LONGEST * len(program.items), SHORT)

    @cached_property
    def cuts(self) -> Cuts | None:
        found = cut(self.program) if self.program.forward else None
        return found if found is not None and found.stages > 1 else None

    @property
    def is_small(self) -> bool:
        """Whether every method is tried; a long program that is a chain is left to those for chains."""
        return self.cuts is None or len(self.program.items) <= SMALL

    @cached_property
    def greedy(self) -> list[Choice]:
        return [Choice("greedy", s) for s in give_up(self.program)]

    def best(
        self, limit: int | None, methods: Sequence[Method] = METHODS, tried: Container[tuple[int, ...]] = ()
    ) -> Choice | None:
        """The choice with the least work whose peak is within the limit; ``tried``: the runs of those not wanted."""
        offers = [c for c in self._offers(limit, methods) if limit is None or c.stream.peak <= limit]
        found = [c for c in offers if c.stream.runs not in tried and len(c.stream.runs) <= self.longest]
        return min(found, key=lambda c: (c.stream.extra_work, METHODS.index(c.method)), default=None)

    def _offers(self, limit: int | None, methods: Sequence[Method]) -> Iterator[Choice]:
        if "store" in methods:
            yield Choice("store", self.plain, 0)
            if limit is None or self.plain.peak <= limit:
                return
        assert limit is not None
        if self.cuts is not None and "revolve" in methods:
            yield from self._within(limit, self._revolved, self.cuts.stages)
        if self.cuts is not None and "chain" in methods:
            table = Table(self.cuts.chain, limit)
            first = sum(c is None for c in table.costs())
            yield from self._within(limit, lambda m: self._scheduled(table, first + m - 1), table.slots + 1 - first)
            yield self.leanest
        if "greedy" in methods and (self.is_small or len(methods) == 1):
            yield from self.greedy

    def _within(self, limit: int, choice: Callable[[int], Choice], count: int) -> Iterator[Choice]:
        """The last of ``choice(1..count)``, which take more and more memory, whose peak is within the limit."""
        low, high = 0, count
        while low < high:
            middle = (low + high + 1) // 2
            found = choice(middle)
            if found.stream.peak <= limit:
                low = middle
                yield found
            else:
                high = middle - 1

    def _revolved(self, snapshots: int) -> Choice:
        assert self.cuts is not None
        return self._choice("revolve", revolve(self.cuts.stages, snapshots))

    def _scheduled(self, table: Table, slots: int) -> Choice:
        return self._choice("chain", table.schedule(slots).actions)

    @cached_property
    def leanest(self) -> Choice:
        assert self.cuts is not None
        return self._choice("chain", self.cuts.chain.leanest()[1].actions)

    def _choice(self, method: Method, actions: Sequence[Action]) -> Choice:
        assert self.cuts is not None
        runs = sum(a.last - a.first if isinstance(a, Advance) else isinstance(a, Tape) for a in actions)
        return Choice(method, along(self.program, self.cuts, actions), runs - self.cuts.stages)

    def leanest_of(self, methods: Sequence[Method]) -> list[Choice]:
        """Of each method the choice with the least peak that is not too long, the least first."""
        found = [Choice("store", self.plain, 0)] if "store" in methods else []
        if self.cuts is not None and "revolve" in methods:
            found += self._shortest(self._revolved, self.cuts.stages)
        if self.cuts is not None and "chain" in methods:
            table = Table(self.cuts.chain, self.plain.peak)
            first = sum(c is None for c in table.costs())
            shortest = self._shortest(lambda m: self._scheduled(table, first + m - 1), table.slots + 1 - first)
            found += [self.leanest] if len(self.leanest.stream.runs) <= self.longest else shortest
        if "greedy" in methods and (self.is_small or len(methods) == 1):
            found += [c for c in self.greedy if len(c.stream.runs) <= self.longest][-1:]
        return sorted(found, key=lambda c: c.stream.peak)

    def _shortest(self, choice: Callable[[int], Choice], count: int) -> list[Choice]:
        """The first of ``choice(1..count)``, which take more and more memory, that is not too long."""
        low, high = 1, count
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if len(choice(middle).stream.runs) <= self.longest else (middle + 1, high)
        return [choice(low)] if low <= count and len(choice(low).stream.runs) <= self.longest else []
