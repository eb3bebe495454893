"""Loops that pass margins of zeros by: over the lines that some of a tile's taps read."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from graphad.compiler.ir.size import Dim
from graphad.compiler.loops.ir import At, Expr, Prim
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.examples.operands import Bound

Range = tuple[Dim, Dim]


def trimmed(
    builder: Builder,
    letter: str,
    within: Range,
    extent: int,
    bounds: Sequence[Bound],
    known: Mapping[str, Range],
    stem: str = "k",
) -> AbstractContextManager[Dim]:
    """The loop over a letter from ``within[0]`` up to ``within[1]``, where there is anything to be read.

    ``known``: the first and the last place of other letters. What all of them together reach is gone through.
    """
    spans = [s for b in bounds if (s := reached(b, letter, known)) is not None]
    if not spans:
        if within == (0, extent):
            return builder.loop(extent, stem=stem)
        return builder.between(*within, extent, stem=stem)
    low: Expr = At(within[0])
    high: Expr = At(within[1])
    for start, stop in spans:
        low = Prim("max", (low, At(start)), "int64")
        high = Prim("min", (high, At(stop)), "int64")
    return builder.between(builder.index(low, extent + 1), builder.index(high, extent + 1), extent, stem=stem)


def reached(bound: Bound, letter: str, known: Mapping[str, Range]) -> Range | None:
    """Where the letter may go for some place of the other one; None if that is not known, or not bound to it.

    >>> reached(Bound(-2, (("y", 1), ("i", 1)), 9), "y", {"i": (0, 4)})
    (-2, 11)
    """
    steps = dict(bound.steps)
    others = [c for c in steps if c != letter]
    if letter not in steps or len(others) != 1 or others[0] not in known:
        return None
    (other,) = others
    first, last = (bound.span(letter, {other: place}) for place in known[other])
    assert first is not None
    assert last is not None
    if steps[other] * steps[letter] < 0:
        first, last = last, first
    return last[0], first[1]
