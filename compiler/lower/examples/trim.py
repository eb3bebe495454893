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
    """Where the letter may go for some places of the others; None if these are not known, or it is not bound.

    >>> reached(Bound(-2, (("y", 1), ("i", 1)), 9), "y", {"i": (0, 4)})
    (-2, 11)
    """
    steps = dict(bound.steps)
    others = {c: step for c, step in steps.items() if c != letter}
    if letter not in steps or any(c not in known for c in others):
        return None
    ends = []
    for least in (True, False):  # of where it begins, and of where it ends
        places = {c: known[c][(step * steps[letter] > 0) == least] for c, step in others.items()}
        ends.append(bound.span(letter, places))
    first, last = ends
    assert first is not None
    assert last is not None
    return first[0], last[1]
