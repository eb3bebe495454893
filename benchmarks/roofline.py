"""The roofline: operations a second over operations a byte, under what memory and arithmetic allow.

S. Williams, A. Waterman and D. Patterson, Roofline: an insightful visual performance model for multicore architectures,
Communications of the ACM 52, 2009.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import matplotlib.figure as figures

from benchmarks.outcome import Outcome


@dataclass(frozen=True)
class Point:
    """A workload: operations a byte that it cannot but move, operations a second of graphad and of the fastest peer."""

    workload: str
    intensity: float
    rate: float
    peer: float | None


@dataclass(frozen=True)
class Roof:
    """What the machine did on so many threads: flops a second (float32), and bytes a second copied."""

    peak: float
    copy: float

    def at(self, intensity: float) -> float:
        """The most operations a second at so many a byte.

        >>> Roof(peak=100.0, copy=10.0).at(2.0), Roof(peak=100.0, copy=10.0).at(50.0)
        (20.0, 100.0)
        """
        return min(self.peak, self.copy * intensity)

    @property
    def ridge(self) -> float:
        """Operations a byte from which on arithmetic is the limit."""
        return self.peak / self.copy


def roof(outcomes: Sequence[Outcome], threads: int) -> Roof | None:
    """The median of what the races on so many threads found; None if one of the two was in none of them."""
    of = [o for o in outcomes if o.threads == threads]
    peaks = [p for o in of if (p := o.limit("fma-float32"))]
    copies = [c for o in of if (c := o.limit("copy"))]
    return Roof(median(peaks), median(copies)) if peaks and copies else None


def points(outcomes: Sequence[Outcome], threads: int) -> list[Point]:
    """Of each workload whose operations are counted."""
    found = []
    for o in outcomes:
        if o.threads == threads and o.flops and o.bytes and o.rate:
            peer = o.rate / o.ratio if o.ratio else None
            found.append(Point(o.workload, o.flops / o.bytes, o.rate, peer))
    return found


def save(path: Path, outcomes: Sequence[Outcome]) -> bool:
    """Draws one plot for each number of threads whose roof is known; whether there was one."""
    counts = [n for n in sorted({o.threads for o in outcomes}) if roof(outcomes, n)]
    if not counts:
        return False
    figure = figures.Figure(figsize=(8 * len(counts), 6), layout="constrained")  # no pyplot: no state, no window
    for axis, threads in zip(figure.subplots(1, len(counts), squeeze=False)[0], counts, strict=True):
        _draw(axis, outcomes, threads)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return True


def _draw(axis, outcomes: Sequence[Outcome], threads: int) -> None:  # type: ignore[no-untyped-def]
    limit, shown = roof(outcomes, threads), points(outcomes, threads)
    assert limit
    low = min([limit.ridge / 8, *(p.intensity / 2 for p in shown)])
    high = max([limit.ridge * 8, *(p.intensity * 4 for p in shown)])
    xs = [low, limit.ridge, high]
    axis.loglog(xs, [limit.at(x) / 1e9 for x in xs], color="black", label="the machine")
    for p in shown:
        (dot,) = axis.plot(p.intensity, p.rate / 1e9, "o", markersize=8)
        if p.peer:
            axis.plot([p.intensity] * 2, [p.peer / 1e9, p.rate / 1e9], "-", color=dot.get_color(), linewidth=1)
            axis.plot(p.intensity, p.peer / 1e9, "x", color=dot.get_color())
        axis.annotate(p.workload, (p.intensity, p.rate / 1e9), textcoords="offset points", xytext=(6, 4), fontsize=8)
    peak, copied = limit.peak / 1e9, limit.copy / 1e9
    axis.set_title(f"{threads} thread(s): {peak:.0f} GFLOP/s, copies at {copied:.1f} GB/s; dot graphad, x fastest peer")
    axis.set_xlabel("operations a byte that has to be moved")
    axis.set_ylabel("GFLOP/s")
    axis.grid(alpha=0.3, which="both")
