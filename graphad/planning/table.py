"""A plan as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from graphad.text import bytes_text, table, time_text

if TYPE_CHECKING:
    from graphad.planning.plan import ModeCost

MODES = ("forward", "reverse", "chain", "eliminate", "sparse")


def rows_of(cost: Mapping[str, ModeCost], skipped: Mapping[str, str], chosen: str) -> list[str]:
    """A line for each mode, the chosen one marked."""
    rows = []
    for mode in MODES:
        mark = "->" if mode == chosen else ""
        if mode in cost:
            c = cost[mode]
            plain = "" if c.plain is None else f" ({c.plain:,} with +1, -1)"
            numbers = (f"{c.multiplications:,}{plain}", duration(c.seconds), bytes_of(c.memory))
            rows.append((mark, mode, *numbers, c.how))
        elif mode in skipped:
            rows.append((mark, mode, "-", "-", "-", skipped[mode]))
    return table(("", "mode", "multiplications", "predicted", "memory", "how"), rows, right="234").splitlines()


def duration(seconds: float | None) -> str:
    """A predicted time, or a dash."""
    return "-" if seconds is None else time_text(seconds)


def bytes_of(memory: int | None) -> str:
    """A size in memory, or a dash."""
    return "-" if memory is None else bytes_text(memory)
