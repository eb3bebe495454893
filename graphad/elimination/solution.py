"""What `solve` answers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

NAMES = ("forward", "reverse", "markowitz", "min_fill", "pieces", "annealing", "exact")
_TITLES = {"markowitz": "Markowitz, ties to the last", "min_fill": "min-fill, ties to the last"}


@dataclass(frozen=True)
class Solution:
    """An elimination order and what it and the others cost; `print` shows a table.

    Attributes:
        order: every intermediate once.
        multiplications: in-degree times out-degree of each vertex when it is eliminated, summed.
        nontrivial: those of them in which neither factor is +1 or -1.
        heuristics: what each method took, of those that ran, in the count that was minimised.
        skipped: the methods that did not run, with the reason.
        minimized: the count that was minimised, "multiplications" or "nontrivial".
        exact: whether no order has a lower count, proved.
    """

    order: tuple[Hashable, ...]
    multiplications: int
    nontrivial: int
    heuristics: Mapping[str, int]
    skipped: Mapping[str, str]
    minimized: str
    exact: bool

    def __str__(self) -> str:
        rows = [(_TITLES.get(name, name), self._entry(name), name in self._best()) for name in NAMES]
        width = max(len(title) for title, _, _ in rows)
        digits = max(len(f"{cost:,}") for cost in (self.multiplications, *self.heuristics.values()))
        lines = [f"{'method':<{width}}  {self.minimized}"]
        for title, entry, best in rows:
            cost = f"{entry:>{digits},}" if isinstance(entry, int) else f"{'-':>{digits}}  ({entry})"
            lines.append(f"{title:<{width}}  {cost}{'  <- least' if best else ''}")
        proof = "proved least" if self.exact else "not proved least"
        lines.append(
            f"{len(self.order):,} vertices, {self.multiplications:,} multiplications ({proof}), "
            f"{self.nontrivial:,} of them without a factor +1 or -1"
        )
        return "\n".join(lines)

    def _entry(self, name: str) -> int | str:
        return self.heuristics[name] if name in self.heuristics else self.skipped.get(name, "not run")

    def _best(self) -> set[str]:
        return {name for name, cost in self.heuristics.items() if cost == getattr(self, self.minimized)}
