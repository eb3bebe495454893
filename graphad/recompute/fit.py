"""Proposals held against what the compiler allocates: the cheapest that is found within a limit.

Peaks of streams are counted in values; an arena has scratch beside them, of a batch in lanes it holds some examples at
a time, and passes change what is stored. So streams are proposed by a budget in values, and the budget follows the
arenas of those that were tried: both fall together, mostly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from graphad.recompute.allocated import arena
from graphad.recompute.program import Program
from graphad.recompute.rewrite import gradients
from graphad.recompute.search import METHODS, Choice, Method, Search
from graphad.runtime.once import cached_property
from graphad.tensor import Tensor

TRIES: Final = 5
"""Proposals by budget whose arenas are planned."""

CLOSE: Final = 0.95
"""Of the limit: an arena with which it is not worth to look further."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A proposal as nodes; ``beside``: bytes that a call allocates that computes the outputs, too."""

    choice: Choice
    results: tuple[Tensor, ...]
    beside: int

    @cached_property
    def arena(self) -> int:
        """Bytes that a call allocates, with the outputs or without: that is mostly less, but in another order."""
        return max(self.beside, arena(self.results))


class Fit:
    """What compiled programs take, of one gradient."""

    def __init__(self, program: Program, other: Fit | None = None) -> None:
        """``other``: a fit of the same program, whose proposals need not be planned again."""
        self.program = program
        self.search: Search = other.search if other else Search(program)
        self._planned: dict[tuple[int, ...], Fitted] = other._planned if other else {}
        self._tried: set[tuple[int, ...]] = set()

    @cached_property
    def plain(self) -> Fitted:
        """Plain reverse mode, as it is."""
        return Fitted(Choice("store", self.search.plain, 0), self.program.results, 0)

    def best(self, limit: int | None, methods: Sequence[Method] = METHODS) -> Fitted | None:
        """The gradient with the least work found whose arena is within the limit."""
        if "store" in methods and (limit is None or self.plain.arena <= limit):
            return self.plain
        others = [m for m in methods if m != "store"]
        if limit is None or not others:
            return None
        found = self._near(limit, others)
        # arenas rise and fall along budgets: that nothing is found near a limit does not mean that nothing is there
        return found or (self.least if self.least.choice.method in others and self.least.arena <= limit else None)

    def _near(self, limit: int, methods: Sequence[Method]) -> Fitted | None:
        near = sorted(self._within(limit, methods), key=lambda f: f.choice.stream.extra_work)
        return next((f for f in chain(near, self._leanest(methods)) if f.arena <= limit), None)

    def _within(self, limit: int, methods: Sequence[Method]) -> Iterator[Fitted]:
        """Those that fit of some that come near; a line through what is known leads to the next budget."""
        low, high = (0, 0), (self.search.plain.peak, self.plain.arena)
        for _ in range(TRIES):
            part = (limit - low[1]) / max(high[1] - low[1], 1)
            choice = self._between(low[0], round(low[0] + part * (high[0] - low[0])), high[0], methods)
            if choice is None:
                return
            new = self.fitted(choice)
            taken = new.beside if new.beside > limit else new.arena  # what is too much already is not planned again
            if taken > limit:
                high = choice.stream.peak, taken
                continue
            yield new
            if taken >= CLOSE * limit:
                return
            low = choice.stream.peak, taken

    def _between(self, low: int, budget: int, high: int, methods: Sequence[Method]) -> Choice | None:
        """A choice not tried before, within the budget, else half way up, else anywhere between."""
        for most in (budget, (low + high) // 2, high):
            choice = self.search.best(most, methods, self._tried)
            if choice is not None and choice.stream.peak > low:
                return choice
        return None

    def _leanest(self, methods: Sequence[Method]) -> Iterator[Fitted]:
        return (self.fitted(c) for c in self.search.leanest_of(methods))

    @cached_property
    def least(self) -> Fitted:
        """The one with the smallest arena: with a byte less no other is found.

        It follows from the gradient alone, whatever was tried before.
        """
        others = [m for m in METHODS if m != "store"]
        found: Fitted | None = min([self.plain, *self._leanest(others)], key=lambda f: f.arena)
        while found is not None:
            least = found
            found = Fit(self.program, self)._near(least.arena - 1, others) if least.arena else None
        return least

    def fitted(self, choice: Choice) -> Fitted:
        """A proposal as nodes, and what they take."""
        key = choice.stream.runs
        self._tried.add(key)
        if key not in self._planned:
            results = tuple(gradients(self.program, choice.stream))
            self._planned[key] = Fitted(choice, results, arena((*self.program.outputs, *results)))
        return self._planned[key]
