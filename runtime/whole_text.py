"""The text of a loop over lanes whose points are known, and fill whole vectors: nothing but the body.

set      what does not change;  body: a block of points, several in turn;  latch;  folded: lanes of sums
         into one number;  done
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from graphad.runtime.assembly import Assembly
from graphad.runtime.folds import Fold
from graphad.runtime.streams import Place

_UNROLLED: Final = 128  # instructions of the blocks that are written one after the other
_MOST: Final = 4  # blocks


@dataclass(frozen=True)
class WholeText:
    """A function's parts. ``points``: the loop's; ``head``: before the loop; ``text``: the body."""

    signature: str
    points: range
    places: Sequence[Place]
    folds: Sequence[Fold]
    head: Assembly
    text: Assembly
    flags: tuple[str, ...]

    def definition(self) -> str:
        """LLVM's text of the function."""
        behind = "folded" if self.folds else "done"
        hint, metadata = self._unrolling()
        lines = (
            f"{self.signature} noinline {{",
            "entry:",
            " br label %set",
            "set:",
            *self.head.lines,
            " br label %body",
            "body:",
            f" %i = phi i64 [ {self.points.start}, %set ], [ %i.next, %latch ]",
            *(line for f in self.folds for line in f.running()),
            *(line for p in self.places for line in p.whole()),
            *self.text.lines,
            " br label %latch",
            "latch:",
            f" %i.next = add nuw nsw i64 %i, {self.points.step}",
            f" %more = icmp ult i64 %i.next, {self.points.stop}",
            f" br i1 %more, label %body, label %{behind}{hint}",
            *self._folded(),
            "done:",
            " ret void",
            "}",
            *metadata,
            "",
        )
        return "\n".join(lines)

    def _unrolling(self) -> tuple[str, list[str]]:
        """How many blocks LLVM shall write one after the other: counting and jumping cost as much as short bodies."""
        turns = max(1, min(_MOST, _UNROLLED // max(1, len(self.text.lines))))
        if turns == 1:
            return "", []
        loops = self.text.module.whole_loops = getattr(self.text.module, "whole_loops", count(0, 2))
        own = _FIRST_METADATA + next(loops)
        return f", !llvm.loop !{own}", [
            f"!{own} = distinct !{{!{own}, !{own + 1}}}",
            f'!{own + 1} = !{{!"llvm.loop.unroll.count", i32 {turns}}}',
        ]

    def _folded(self) -> list[str]:
        """The lanes of each fold to one number, and that into the scalar."""
        if not self.folds:
            return []
        text = Assembly(self.text.module, "z", "folded", self.text.fused)
        for fold in self.folds:
            fold.finish_whole(text, self.flags)
        return ["folded:", *text.lines, " br label %done"]


_FIRST_METADATA: Final = 1000  # above the numbers that llvmlite gives
