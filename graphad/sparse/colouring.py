"""Colourings: which columns (rows) may share a tangent (adjoint), found greedily in several orders, the best kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from graphad.build import refuse
from graphad.checks import whole
from graphad.compiler.errors import ShapeError
from graphad.sparse.kernels import greedy, run, star
from graphad.sparse.matrix import Array, Csr, pattern_of, places, sparse
from graphad.sparse.orders import orders

PAIRS: Final = 20_000_000
"""Pairs of conflicting vertices up to which the graph of conflicts is written out."""


@dataclass(frozen=True, eq=False)
class Colouring:
    """``colours``: one a vertex from 0 on, -1 for one that needs none; ``count`` of them; the ``order`` that won."""

    colours: Array
    count: int
    order: str


def colour_columns(pattern: Csr, seed: int = 0) -> Colouring:
    """Columns that share a row get different colours (distance-2): all entries can be read from J @ seeds.

    Source: Curtis, Powell and Reid, J. Inst. Maths Applics 13 (1974); Coleman and More, SIAM J. Numer. Anal. 20 (1983).
    """
    pattern, seed = pattern_of("colour_columns", pattern), whole("colour_columns", "seed", seed, 0)
    return colour_needed(pattern, np.ones(pattern.nnz, bool), seed)


def colour_rows(pattern: Csr, seed: int = 0) -> Colouring:
    """Rows that share a column get different colours: all entries can be read from seeds @ J."""
    return colour_columns(pattern_of("colour_rows", pattern).T.tocsr(), seed)


def colour_needed(pattern: Csr, needed: Array, seed: int = 0) -> Colouring:
    """Columns for the entries ``needed`` (one flag an entry, CSR order); a column without one gets no colour.

    Columns conflict if they share a row where at least one of their two entries is needed.
    """
    numbered = sparse.csr_array((np.arange(1, pattern.nnz + 1), pattern.indices, pattern.indptr), shape=pattern.shape)
    by_column = numbered.tocsc()
    flags = needed[by_column.data - 1]
    columns = np.flatnonzero(np.bincount(pattern.indices[needed], minlength=pattern.shape[1]))
    asked = _with(pattern, needed)
    least = int(np.diff(asked.indptr).max(initial=0))  # in a row, those with a needed entry all differ
    if least == len(columns):  # each a colour of its own, as with a full row
        colours = np.full(pattern.shape[1], -1, np.int64)
        colours[columns] = np.arange(least)
        return Colouring(colours, least, "natural")
    starts, rows = by_column.indptr.astype(np.int64), by_column.indices.astype(np.int64)
    everything = bool(needed.all())

    def attempt(order: Array, room: int) -> tuple[Array, int]:
        words = -(-room // 64)
        everyone = np.zeros(max(1, pattern.shape[0] * words), np.uint64)
        askers = everyone if everything else np.zeros_like(everyone)
        colours = np.full(pattern.shape[1], -1, np.int64)
        work = pattern.nnz * words
        return colours, run(greedy, work, order, starts, rows, flags, everyone, askers, words, colours)

    row_sizes = np.diff(pattern.indptr).astype(np.float64)
    weights = by_column.astype(bool).astype(np.float64).T @ row_sizes
    few = row_sizes @ row_sizes <= PAIRS
    conflicts = _conflicts(pattern, asked, columns) if few and least > 1 else None
    return _best(attempt, least, conflicts, weights[columns], columns, seed)


def _with(pattern: Csr, flags: Array) -> Csr:
    """The entries that have the flag."""
    out = sparse.csr_array((flags, pattern.indices, pattern.indptr), shape=pattern.shape, copy=True)
    out.eliminate_zeros()
    return out


def _conflicts(pattern: Csr, asked: Csr, columns: Array) -> Csr:
    mine, all_ = places(asked)[:, columns], places(pattern)[:, columns]
    return _without_diagonal(mine.T.tocsr() @ all_ + all_.T.tocsr() @ mine)


def _without_diagonal(graph: Csr) -> Csr:
    coo = graph.tocoo()
    off = coo.row != coo.col
    return sparse.csr_array((np.ones(int(off.sum()), bool), (coo.row[off], coo.col[off])), shape=graph.shape)


def colour_star(pattern: Csr, seed: int = 0) -> Colouring:
    """A symmetric pattern: neighbours differ and no path of four has two colours, so that each entry (i, j) can be
    read from H @ seeds, at row i in j's colour or at row j in i's.

    Source: Coleman and More, Math. Programming 28 (1984); the name and the greedy rule: Gebremedhin, Manne and Pothen,
    SIAM Review 47 (2005).
    """
    pattern, seed = pattern_of("colour_star", pattern), whole("colour_star", "seed", seed, 0)
    if pattern.shape[0] != pattern.shape[1]:
        refuse(ShapeError, "colour_star", (), f"a symmetric pattern is square, got {list(pattern.shape)}")
    graph = _without_diagonal(pattern)
    n = graph.shape[0]
    starts, neighbours = graph.indptr.astype(np.int64), graph.indices.astype(np.int64)
    vertices = np.flatnonzero(np.diff(pattern.indptr))

    def attempt(order: Array, room: int) -> tuple[Array, int]:
        seen, witness = np.zeros(n * room, np.int8), np.zeros(n * room, np.int32)
        colours, forbidden = np.full(n, -1, np.int64), np.full(room, -1, np.int64)
        work = graph.nnz * 8
        return colours, run(star, work, order, starts, neighbours, seen, witness, forbidden, room, colours)

    degrees = np.diff(graph.indptr)
    own = pattern.nnz - graph.nnz
    # a sweep gives n numbers, and each pair is wanted once
    least = max(min(1, len(vertices)) + (graph.nnz > 0), -(-(own + graph.nnz // 2) // max(1, n)))
    return _best(attempt, least, graph[vertices][:, vertices], degrees[vertices], vertices, seed)


def _best(
    attempt: Callable[[Array, int], tuple[Array, int]],
    least: int,
    conflicts: Csr | None,
    weights: Array,
    vertices: Array,
    seed: int,
) -> Colouring:
    """The orders in turn, until one needs no more than ``least``, of which no colouring can have fewer."""
    best: Colouring | None = None
    room = max(16, least + 16)
    for name, order in orders(conflicts, weights, vertices, seed):
        colours, count = attempt(order, room)
        while count < 0:
            if best is not None and room > best.count:
                break
            room *= 2
            colours, count = attempt(order, room)
        if count >= 0 and (best is None or count < best.count):
            best = Colouring(colours, count, name)
        if best is not None and best.count <= least:
            break
    assert best is not None
    return best
