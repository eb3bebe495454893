"""The text of a loop over lanes around its body: whole blocks, and parts of one at either end by way of scratch.

set      what does not change;  next: a block, by one of two ways, to
direct   where all lanes have a point, in memory;  partial, fill: where some have none, copies of theirs on scratch
body     the points, written elsewhere
out      results that leave a block at once;  flush, again: those of a part, and what follows a part at the beginning
latch    the next block;  folded: lanes of sums into one number;  done
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from graphad.runtime.assembly import Assembly, Word
from graphad.runtime.folds import Fold
from graphad.runtime.streams import Place

USUALLY = ', !prof !{!"branch_weights", i32 9999, i32 1}'
"""Says which blocks run often, or what they count with would make room in registers for what copies the rest."""


@dataclass(frozen=True)
class LoopText:
    """A function's parts. ``head``: before the loop; ``text``: the body; ``lead``: points ahead of the first block.

    ``quick``: where a condition holds, a call that does it all.
    """

    signature: str
    places: Sequence[Place]
    folds: Sequence[Fold]
    head: Assembly
    text: Assembly
    lead: Word | None
    lanes: int
    flags: tuple[str, ...]
    quick: tuple[Word, str] | None

    def definition(self) -> str:
        """LLVM's text of the function."""
        places, again = self.places, self._again()
        lines = (
            f"{self.signature} noinline {{",
            "entry:",
            *(f" %s{p.number} = alloca [{p.room} x {p.element}], align 64" for p in places),
            " %s.lanes = alloca i64",
            " %some = icmp slt i64 %start, %stop",
            " br i1 %some, label %set, label %done",
            "set:",
            *self.head.lines,
            *self._extent(),
            *self._quickly(),
            "next:",
            *self._turns(),
            *(line for f in self.folds for line in f.running()),
            f" %left = sub i64 {'%stop' if self.lead is None else '%end'}, %i",
            " %full = icmp slt i64 %i, %last",
            f" br i1 %full, label %direct, label %partial{USUALLY}",
            "direct:",
            *(line for p in places for line in p.direct()),
            " br label %body",
            "partial:",
            " %left.last = sub i64 %left, 1",
            # a number that LLVM does not know: it would unroll the copies, and compute places in every block
            f" store volatile i64 {self.lanes}, ptr %s.lanes",
            " %lanes = load volatile i64, ptr %s.lanes",
            " %more = icmp sgt i64 %left, 0",
            f" br i1 %more, label %fill, label %{self.after}",
            *self._copies("fill", "%lanes", [line for p in places for line in p.fill()], "filled"),
            "filled:",
            *(line for p in places for line in p.scratch()),
            " br label %body",
            "body:",
            *(line for p in places for line in p.merged()),
            *self.text.lines,
            f" br i1 %full, label %{'out.0' if self.together else 'latch'}, label %flush{USUALLY}",
            *self._blocks(),
            "latch:",
            f" %i.next = add nsw i64 %i, {self.lanes}",
            " br label %next",
            *self._copies("flush", "%left", [line for p in places for line in p.flush()], self.flushed),
            *again,
            *([] if not self.folds else ["folded:", *self._folded(), " br label %done"]),
            "done:",
            " ret void",
            "}\n",
        )
        return "\n".join(lines)

    def _quickly(self) -> list[str]:
        if self.quick is None:
            return [" br label %next"]
        condition, call = self.quick
        return [f" br i1 {condition.text}, label %quick, label %next", "quick:", f" {call}", " br label %done"]

    @property
    def together(self) -> list[Place]:
        """Results that go to memory a whole block at a time."""
        return [p for p in self.places if p.passing is not None]

    def _blocks(self) -> list[str]:
        names = [f"out.{n}" for n in range(len(self.together))] + ["latch"]
        return [
            line
            for p, (name, after) in zip(self.together, pairwise(names), strict=True)
            for line in p.block(name, after)
        ]

    def _extent(self) -> list[str]:
        """Where whole blocks end, %blocks; the first turn ends at %first, and begins at %i.first."""
        if self.lead is None:
            return [
                " %extent = sub i64 %stop, %start",
                f" %whole = and i64 %extent, -{self.lanes}",
                " %last = add i64 %start, %whole",
            ]
        return [
            f" %begin = add i64 %start, {self.lead.text}",
            " %extent = sub i64 %stop, %begin",
            f" %whole = and i64 %extent, -{self.lanes}",
            " %blocks = add i64 %begin, %whole",
            f" %odd = icmp ne i64 {self.lead.text}, 0",
            " %end.first = select i1 %odd, i64 %begin, i64 %stop",
            " %last.first = select i1 %odd, i64 %start, i64 %blocks",
        ]

    def _turns(self) -> list[str]:
        """Point %i, behind the last one %end, and behind the last whole block %last: in the first turn, and later."""
        if self.lead is None:
            return [" %i = phi i64 [ %start, %set ], [ %i.next, %latch ]"]
        return [
            " %i = phi i64 [ %start, %set ], [ %i.next, %latch ], [ %end, %again ]",
            " %end = phi i64 [ %end.first, %set ], [ %stop, %latch ], [ %stop, %again ]",
            " %last = phi i64 [ %last.first, %set ], [ %blocks, %latch ], [ %blocks, %again ]",
        ]

    def _again(self) -> list[str]:
        """Behind a partial block: the whole ones, if it was the first."""
        if self.lead is None:
            return []
        text = Assembly(self.text.module, "again.", "again", self.text.fused)
        for fold in self.folds:
            fold.keep(text)
        return [
            "again:",
            *text.lines,
            " %more.blocks = icmp slt i64 %end, %stop",
            f" br i1 %more.blocks, label %next, label %{self.after}",
        ]

    @property
    def flushed(self) -> str:
        """The block behind the results of a partial one."""
        return self.after if self.lead is None else "again"

    @property
    def after(self) -> str:
        """The block behind the loop."""
        return "folded" if self.folds else "done"

    def _folded(self) -> list[str]:
        """The lanes of each fold to one number, and that into the scalar."""
        text = Assembly(self.text.module, "z", "folded", self.text.fused)
        lines = [line for fold in self.folds for line in fold.choose("flush" if self.lead is None else "again")]
        for fold in self.folds:
            fold.finish(text, self.flags)
        return [*lines, *text.lines]

    def _copies(self, name: str, stop: str, body: list[str], after: str) -> list[str]:
        """A loop over lanes, its variable %name.l; at least one."""
        before = {"fill": "partial", "flush": self.text.label}[name]
        return [
            f"{name}:",
            f" %{name}.l = phi i64 [ 0, %{before} ], [ %{name}.n, %{name} ]",
            *body,
            f" %{name}.n = add i64 %{name}.l, 1",
            f" %{name}.c = icmp slt i64 %{name}.n, {stop}",
            f" br i1 %{name}.c, label %{name}, label %{after}",
        ]
