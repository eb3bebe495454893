"""Weights' gradients with an operand's channels in the lanes: which operand, and which sums stay in registers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from typing import Final

from graphad.compiler.ir.kinds import Contract
from graphad.compiler.lower.examples.operands import Operand
from graphad.compiler.lower.examples.tiles import LATENCY, LOADS, PORTS, Piece, pieces, planned
from graphad.compiler.lower.examples.weights import longest, taps_of
from graphad.compiler.lower.target import Target

LOOP: Final = 1.0
"""Cycles around a step of the summed loop."""
TRANSPOSE: Final = 6.0
"""Cycles of a vector's transposition."""
PANEL: Final = 1 << 18
"""Bytes of an operand that is transposed at once: they stay in the second-level cache."""


@dataclass(frozen=True)
class Plan:
    """``vector`` has its ``lane`` letter in the lanes, ``width`` places for it; ``other``'s elements are numbers.

    ``letters``: along which a tile in registers goes, at ``most`` so far, the first number that of vectors of ``lane``.
    ``depth``: letters that are summed over, lines first; so many ``lines`` at once.
    """

    vector: Operand
    other: Operand
    lane: str
    width: int
    lanes: int
    letters: tuple[str, ...]
    most: tuple[int, ...]
    outer: tuple[str, ...]
    depth: tuple[str, ...]
    lines: int
    cycles: float

    @property
    def pitch(self) -> int:
        """Elements from a channel to the next where the vector operand lies now."""
        return stride(self.vector, self.lane)

    def reach(self, sizes: dict[str, int]) -> int:
        """Elements of a channel that one line of pixels reads, from the first to the last."""
        return 1 + sum((sizes[c] - 1) * stride(self.vector, c) for c in self._read if c != self.depth[0])

    def many_sums(self, sizes: dict[str, int]) -> int:
        """Sums of each channel in the lanes."""
        return prod(sizes[c] for c in (*self.outer, *self.letters))

    @property
    def _read(self) -> list[str]:
        return [c for c in self.vector.letters if c != self.lane]


def plan(
    kind: Contract, operands: Sequence[Operand], sizes: dict[str, int], block: int, machine: Target, item: int
) -> Plan | None:
    """The better of both ways; None where neither operand's channels can be transposed. ``block``: its examples."""
    a, b = operands
    found = [p for pair in ((a, b), (b, a)) if (p := _one(kind, pair, sizes, block, machine, item)) is not None]
    return min(found, key=lambda p: p.cycles, default=None)


def _one(
    kind: Contract, pair: tuple[Operand, Operand], sizes: dict[str, int], block: int, machine: Target, item: int
) -> Plan | None:
    vector, other = pair
    depth = [c for c in sizes if c not in kind.out and sizes[c] != 1]
    wide = [c for c in kind.out if sizes[c] != 1]
    alone = [c for c in wide if c in vector.letters and c not in other.letters]
    beside = [c for c in wide if c in other.letters and c not in vector.letters]
    taps = taps_of(alone, vector, depth, sizes)
    lane = longest([c for c in alone if c not in taps], sizes)
    if not lane or not depth or not _apart(vector, lane, sizes) or vector.bounds or other.bounds:
        return None
    near = taps_of(beside, other, depth, sizes)[-2:] or [c for c in [longest(beside, sizes)] if c]
    letters = (*near, *taps[-2:])
    lanes = machine.vector_bytes // item
    width = -(-sizes[lane] // lanes) * lanes
    loads = tuple(c in other.letters for c in letters)
    most, step = _tile(width // lanes, tuple(sizes[c] for c in letters), loads, machine.vectors)
    outer = tuple(c for c in kind.out if c not in letters and c != lane)
    pixels = prod(sizes[c] for c in depth)
    line = stride(vector, depth[0]) * block * width * item
    lines = max(1, min(sizes[depth[0]], PANEL // line)) if line else sizes[depth[0]]
    moved = stride(vector, lane) * width * block / lanes * TRANSPOSE
    cycles = prod(sizes[c] for c in outer) * pixels * block * step + moved
    return Plan(vector, other, lane, width, lanes, letters, most, outer, tuple(depth), lines, cycles)


def stride(operand: Operand, letter: str) -> int:
    """The letter's stride, in elements of an example."""
    found = operand.found.strides.get(letter, 0)
    assert isinstance(found, int)
    return found


def _apart(operand: Operand, lane: str, sizes: dict[str, int]) -> bool:
    """Whether a channel's elements lie side by side, as far apart from the next channel's as they reach."""
    found = operand.found
    if not isinstance(found.start, int) or not all(isinstance(s, int) and s >= 0 for s in found.strides.values()):
        return False
    reach = found.start + sum((sizes[c] - 1) * stride(operand, c) for c in operand.letters if c != lane)
    return reach < stride(operand, lane)


@lru_cache(maxsize=1024)
def _tile(
    vectors: int, sizes: tuple[int, ...], numbers: tuple[bool, ...], registers: int
) -> tuple[tuple[int, ...], float]:
    """How many vectors, and how many along each letter; cycles of one step of all sums.

    ``numbers``: whether a letter is one of the operand whose elements are numbers.
    """
    best, found = float("inf"), (1, *(1 for _ in sizes))
    for counts in _counts((vectors, *sizes), planned(registers) + 2):
        if prod(counts) + _vectors(counts, numbers) + 1 > planned(registers) + 2:
            continue
        cost = sum(
            prod(p.count for p in tile) * _step([p.size for p in tile], numbers)
            for tile in product(*(pieces(n, c) for n, c in zip((vectors, *sizes), counts, strict=True)))
        )
        if cost < best:
            best, found = cost, counts
    return found, best


def _counts(sizes: tuple[int, ...], most: int) -> Iterator[tuple[int, ...]]:
    """All tiles of at most so many sums."""
    if not sizes:
        yield ()
        return
    for n in range(1, min(sizes[0], most) + 1):
        for rest in _counts(sizes[1:], most // n):
            yield (n, *rest)


def _step(counts: Sequence[int], numbers: Sequence[bool]) -> float:
    """Cycles of one step of a tile: multiply-adds or loads, whichever are more."""
    read = prod(n for n, number in zip(counts[1:], numbers, strict=True) if number) + _vectors(counts, numbers)
    return max(prod(counts) / PORTS, read / LOADS, LATENCY) + LOOP


def _vectors(counts: Sequence[int], numbers: Sequence[bool]) -> int:
    """Vectors that a step reads."""
    return counts[0] * prod(n for n, number in zip(counts[1:], numbers, strict=True) if not number)


def parts(plan: Plan, sizes: dict[str, int]) -> list[tuple[Piece, ...]]:
    """Of the vectors and of each letter of a tile, its pieces."""
    extents = (plan.width // plan.lanes, *(sizes[c] for c in plan.letters))
    return [pieces(n, most) for n, most in zip(extents, plan.most, strict=True)]
