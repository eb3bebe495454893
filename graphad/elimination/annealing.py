"""Simulated annealing of a piece's order: one class moves to another place, and dearer orders are taken ever less."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphad._lazy import lazy_import
from graphad.elimination.pieces import Piece, packed, words_of

kernels = lazy_import("graphad.elimination.kernels")  # brings Numba

START = 0.02  # of reverse's cost: the first temperature
STOP = 0.05  # the last: a move that costs one more is then taken once in e^20
MOVE = 4e-7  # seconds that a move takes, plus those for each class squared times (words + 2): measured on one core
PLAY = 1.4e-10
_CHUNK = 1 << 16
_ANY = 1 << 60


def moves_within(piece: Piece, seconds: float) -> int:
    """How many moves count as this many seconds: what is counted is moves, so that a seed gives one result anywhere."""
    n = len(piece.classes)
    return int(seconds / (MOVE + PLAY * n * n * (words_of(piece) + 2) * len(piece.rows) / 2))


def anneal(piece: Piece, start: Sequence[int], reverse: int, moves: int, seed: int) -> tuple[list[int], int]:
    """The best order of classes found, and what it costs.

    The temperature falls from 2 % of `reverse`, the cost of reverse elimination, to `STOP`, by one factor each move
    (Kirkpatrick, Gelatt and Vecchi, Science 220, 1983).

    Args:
        start: the order of classes to begin with.
        moves: how many are tried.
        seed: of NumPy's default generator.
    """
    n, words = len(start), words_of(piece)
    sides = len(piece.rows)
    eliminate = kernels.plain if sides == 2 else kernels.signed
    size = sides * n * words
    states = np.zeros((n + 2) * size, dtype=np.uint64)
    states[:size] = packed([row for rows in piece.rows for row in rows], words)
    own = packed(piece.own, words)
    sizes = np.array([len(twins) for twins in piece.classes], dtype=np.int64)
    # The first move, from the front to the end and taken at any price, makes the order `start` and fills the states.
    orders = np.array([start[-1], *start[:-1], *[0] * (4 * n)], dtype=np.int64)
    least = _ANY
    first = max(START * reverse, STOP)
    generator = np.random.default_rng(seed)
    for done in range(0, moves, _CHUNK):
        temperatures = first * (STOP / first) ** (np.arange(done, min(done + _CHUNK, moves)) / moves)
        sources = generator.integers(0, n, temperatures.size)
        targets = (sources + generator.integers(1, n, temperatures.size)) % n
        # u < exp(-increase / temperature) turned round, u being uniform
        allowances = (temperatures * generator.standard_exponential(temperatures.size)).astype(np.int64)
        if not done:
            sources[0], targets[0], allowances[0] = 0, n - 1, _ANY
        least = kernels.anneal(
            eliminate, states, orders, sources, targets, allowances, least, sizes, sides, words, own, kernels.PLACE
        )  # fmt: skip
    return orders[n : 2 * n].tolist(), int(least)
