"""Scalars that the points of a loop over lanes are folded into: a vector of running values, its lanes at the end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from graphad.runtime.assembly import Assembly, Kind, Word, kind
from graphad.runtime.emitters import larger, smaller

_IDENTITY: Final = {"add": 0.0, "maximum": float("-inf"), "minimum": float("inf")}


class Fold:
    """One scalar. %f.NAME.old is the vector before a block of points.

    The greatest and the least do without NaNs in the loop, so that a step is one instruction; which lanes have met one
    is kept beside: %f.NAME.nan.
    """

    def __init__(self, name: str, how: str, vector: Kind) -> None:
        self.name, self.how, self.kind = name, how, vector
        self.old = Word(vector, f"%f.{name}.old")
        self.new = self.old
        self.mask = Word(vector.of("i1"), f"%f.{name}.nan")
        self.new_mask = self.mask
        self.parameter = f"ptr noalias %f.{name}.total"
        self.ways = 1
        self.kept: Word | None = None

    def combine(self, write: Assembly, total: Word, more: Word, flags: Sequence[str]) -> Word:
        """A NaN on either side stays."""
        if self.how == "add":
            return write.fadd(total, more, flags)
        found: Word = (larger if self.how == "maximum" else smaller)(
            write, more, total
        )  # more first: it is there early
        return found

    def take(self, write: Assembly, points: Word, flags: Sequence[str]) -> None:
        """A block of points."""
        self.new = self._step(write, self.old, points, flags)
        if self.how != "add":
            self.new_mask = write.or_(self.mask, write.fcmp_unordered("uno", points, points))

    def _step(self, write: Assembly, total: Word, more: Word, flags: Sequence[str]) -> Word:
        """Without NaNs."""
        if self.how == "add":
            return write.fadd(total, more, flags)
        return write.select(write.fcmp_ordered(">" if self.how == "maximum" else "<", more, total), more, total)

    @property
    def _words(self) -> list[tuple[str, Word, Word, Word]]:
        """What runs through the loop: a name, at first, before a block, behind it."""
        found = [("last", self.kind(_IDENTITY[self.how]), self.old, self.new)]
        if self.how != "add":
            found.append(("met", self.mask.type(False), self.mask, self.new_mask))
        return found

    def keep(self, write: Assembly) -> None:
        """Behind a partial block with which the loop begins: the lanes that have no point stay what they were."""
        self.kept = write.select(self._inside(write, "%left"), self.new, self.old)

    def running(self) -> list[str]:
        """What goes around the loop. Of several ways a block takes the one that has waited longest."""
        found = []
        for name, start, old, new in self._words:
            turns = [old, *self._others, new] if name == "last" else [old, new]
            for one, following in pairwise(turns):
                ways = [(start, "set"), (following, "latch")]
                if self.kept is not None:
                    ways.append((self.kept if following is new and name == "last" else following, "again"))
                incoming = ", ".join(f"[ {word.text}, %{block} ]" for word, block in ways)
                found.append(f" {one.text} = phi {one.type} {incoming}")
        return found

    def _inside(self, write: Assembly, points: str) -> Word:
        """The lanes that have one of so many points."""
        n = self.kind.lanes
        steps = Word(kind("i64", n), f"<{', '.join(f'i64 {k}' for k in range(n))}>")
        return write.icmp_signed("<", steps, write.splat(Word(kind("i64"), points), n))

    @property
    def _others(self) -> list[Word]:
        return [Word(self.kind, f"%f.{self.name}.way{k}") for k in range(1, self.ways)]

    def choose(self, copied: str) -> list[str]:
        """Behind the loop, from block "partial" where no points were left over, or from ``copied`` where some were."""
        return [
            *(
                f" %f.{self.name}.{name} = phi {old.type} [ {old.text}, %partial ], [ {new.text}, %{copied} ]"
                for name, _, old, new in self._words
            ),
            f" %f.{self.name}.some = phi i64 [ 0, %partial ], [ %left, %{copied} ]",
        ]

    def finish(self, write: Assembly, flags: Sequence[str]) -> None:
        """The lanes folded, halves onto each other, and into the scalar in memory."""
        last = Word(self.kind, f"%f.{self.name}.last")
        total = write.select(self._inside(write, f"%f.{self.name}.some"), last, self.old)
        # lanes that are left over repeat a point, so that the mask is right for all
        self._finish(write, [total, *self._others], Word(self.mask.type, f"%f.{self.name}.met"), flags)

    def finish_whole(self, write: Assembly, flags: Sequence[str]) -> None:
        """The same behind a loop without a partial block, whose last block is the newest of its ways."""
        self._finish(write, [*self._others, self.new], self.new_mask, flags)

    def _finish(self, write: Assembly, ways: Sequence[Word], met: Word, flags: Sequence[str]) -> None:
        """NaNs come last: until then a step between lanes is as short as one in the loop."""
        n, total = self.kind.lanes, ways[0]
        for other in ways[1:]:
            total = self._step(write, total, other, flags)
        while n > 1:
            n //= 2
            halves = [write.part(total, k, n) for k in (0, n)]
            total = self._step(write, halves[0], halves[1], flags)
        number = write.extract(total, 0)
        if self.how != "add":
            number = write.select(write.any(met), number.type(float("nan")), number)
        address, align = f"%f.{self.name}.total", number.type.width // 8
        write.store(self.combine(write, write.load(number.type, address, align), number, flags), address, align)
