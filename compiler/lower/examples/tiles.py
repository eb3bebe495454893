"""Which tile of a contraction stays in registers: rows times columns of sums, each a vector of examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

PORTS: Final = 2  # loads, and multiply-adds, a cycle
LATENCY: Final = 4  # cycles until a sum may be added to again
STEP: Final = 3  # cycles' worth of instructions around a step of the summed loop
FAR: Final = 1.0  # cycles more for a vector that comes from the second-level cache


@dataclass(frozen=True, slots=True)
class Piece:
    """``count`` tiles of ``size`` from ``start`` on."""

    start: int
    size: int
    count: int

    @property
    def stop(self) -> int:
        return self.start + self.size * self.count


def pieces(extent: int, most: int) -> tuple[Piece, ...]:
    """``extent`` in tiles of at most ``most``, as equal as they can be.

    >>> pieces(28, 10)
    (Piece(start=0, size=10, count=1), Piece(start=10, size=9, count=2))
    """
    tiles = -(-extent // most)
    small, more = divmod(extent, tiles)
    first = Piece(0, small + 1, more)
    rest = Piece(first.stop if more else 0, small, tiles - more)
    return tuple(p for p in (first, rest) if p.count)


@lru_cache(maxsize=1024)
def choose(rows: int, columns: int, registers: int, far: bool = False) -> tuple[int, int]:
    """Rows and columns of a tile, the cheapest by a count of loads and multiply-adds.

    A step of the summed loop loads a vector for each column and a number for each row. ``far``: the columns' vectors
    do not stay in the first-level cache.
    """
    best, found = float("inf"), (1, 1)
    for r in range(1, min(rows, registers - 2) + 1):
        for c in range(1, min(columns, (registers - 2) // r) + 1):
            if r * c + min(r, c) + 1 > registers and min(r, c) > 1:
                continue
            cost = sum(
                p.count * q.count * _step(p.size, q.size, far) for p in pieces(rows, r) for q in pieces(columns, c)
            )
            if cost < best:
                best, found = cost, (r, c)
    return found


def _step(rows: int, columns: int, far: bool) -> float:
    """Cycles of one step."""
    loads = rows + columns
    work = max(rows * columns / PORTS, loads / PORTS, LATENCY)
    return work + STEP / 2 + FAR * columns * far


def total(parts: Sequence[Piece]) -> int:
    return sum(p.size * p.count for p in parts)
