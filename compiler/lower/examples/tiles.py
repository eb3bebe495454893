"""Which tile of a contraction stays in registers: rows times columns of sums, each a vector of examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

PORTS: Final = 2  # multiply-adds a cycle
LOADS: Final = 1.6  # vectors, or numbers for all lanes, a cycle
LATENCY: Final = 4  # cycles until a sum may be added to again
STEP: Final = 3  # cycles' worth of instructions around a step of the summed loop
SPARE: Final = 8  # of so many registers, and of one beside, nothing is planned: a tile that spills takes twice the time
LOAD: Final = 0.2  # cycles that a load costs beside multiply-adds that hide it: a line for each row has to be at hand
FAR: Final = 1.0  # cycles more for a vector that comes from the second-level cache
FETCH: Final = 1.5  # cycles between vectors that come from there


@dataclass(frozen=True, slots=True)
class Piece:
    """``count`` tiles of ``size`` from ``start`` on."""

    start: int
    size: int
    count: int

    @property
    def stop(self) -> int:
        return self.start + self.size * self.count


@lru_cache(maxsize=1024)
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


def planned(registers: int) -> int:
    """The registers that a tile may take.

    >>> planned(32), planned(16)
    (27, 13)
    """
    return registers - registers // SPARE - 1


def tiles(parts: Sequence[Piece]) -> int:
    """How many tiles there are in all."""
    return sum(p.count for p in parts)


@lru_cache(maxsize=1024)
def choose(rows: int, columns: int, registers: int, far: bool = False) -> tuple[int, int]:
    """Rows and columns of a tile, the cheapest by a count of loads and multiply-adds.

    A step of the summed loop loads a vector for each column and a number for each row. ``far``: the columns' vectors
    do not stay in the first-level cache.
    """
    best, found = float("inf"), (1, 1)
    for r in range(1, min(rows, registers) + 1):
        for c in range(1, min(columns, registers // r) + 1):
            if r * c + min(r, c) + 1 > planned(registers):
                continue
            cost = sum(
                p.count * q.count * _step(p.size, q.size, far) for p in pieces(rows, r) for q in pieces(columns, c)
            )
            if cost < best:
                best, found = cost, (r, c)
    return found


@dataclass(frozen=True, slots=True)
class Outer:
    """A tile of a weight's gradient: rows, and taps along two axes."""

    rows: int
    taps: tuple[int, int]


@lru_cache(maxsize=1024)
def choose_outer(rows: int, taps: tuple[int, int], registers: int, far: bool) -> Outer:
    """The tile of a weight's gradient, where the taps of one pixel lie close together in the first-level cache.

    ``far``: the rows' vectors come from the second-level cache, and each tile of taps fetches all of them again.
    """
    best, found = float("inf"), Outer(1, (1, 1))
    for a in range(1, taps[0] + 1):
        for b in range(1, taps[1] + 1):
            for r in range(1, min(rows, registers) + 1):
                if r * a * b + min(r, a * b) + 1 > planned(registers):
                    break
                cost = sum(
                    p.count * q.count * s.count * _pixel(p.size, q.size * s.size, far)
                    for p in pieces(rows, r)
                    for q in pieces(taps[0], a)
                    for s in pieces(taps[1], b)
                )
                if cost < best:
                    best, found = cost, Outer(r, (a, b))
    return found


def _pixel(rows: int, taps: int, far: bool) -> float:
    """Cycles of one pixel: multiply-adds, loads from the first-level cache, or from the second."""
    near = max(rows * taps / PORTS, (rows + taps) / LOADS, LATENCY)
    return max(near, (rows + 1) * FETCH * far) + STEP / 2


def bounded_rows(width: int, registers: int) -> int:
    """Rows of a tile that has all columns and keeps to their bounds: LLVM keeps a step's vectors at hand beside.

    >>> bounded_rows(9, 32), bounded_rows(16, 32)
    (2, 1)
    """
    return max(1, (registers - width - 2) // width)


def step_cost(rows: int, columns: int, loads: float | None = None) -> float:
    """Cycles of a sum's step, the tile's shared among its sums. ``loads``: of columns, if not all in each step."""
    return _step(rows, columns, False, loads) / (rows * columns)


def _step(rows: int, columns: int, far: bool, own: float | None = None) -> float:
    """Cycles of one step."""
    loads = rows + (columns if own is None else own)
    work = max(rows * columns / PORTS, loads / LOADS, LATENCY)
    return work + STEP / 2 + LOAD * loads + FAR * columns * far
