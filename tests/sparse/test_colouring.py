"""Colourings: checked entry by entry, against known answers, bounds, and the optimum of exhaustive search."""

import itertools

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from graphad.sparse import colour_both, colour_columns, colour_rows, colour_star, is_direct
from graphad.sparse import kernels as k


def csr(dense: np.ndarray) -> sp.csr_array:
    return sp.csr_array(np.asarray(dense, bool))


def banded(n: int, d: int) -> sp.csr_array:
    return csr(sum(np.eye(n, k=i - d // 2) for i in range(d)))


def arrow(n: int, at: int = 0) -> sp.csr_array:
    dense = np.eye(n, dtype=bool)
    dense[at] = dense[:, at] = True
    return csr(dense)


def readable(dense: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> bool:
    """By the definition: each entry alone in its column's colour within its row, or in its row's within its column."""
    for i, j in zip(*np.nonzero(dense), strict=True):
        mates = [m for m in np.flatnonzero(dense[i]) if m != j and columns[m] == columns[j]]
        others = [m for m in np.flatnonzero(dense[:, j]) if m != i and rows[m] == rows[i]]
        if (columns[j] < 0 or mates) and (rows[i] < 0 or others):
            return False
    return True


patterns = st.builds(
    lambda m, n, density, seed: np.random.default_rng(seed).random((m, n)) < density,
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([0.1, 0.3, 0.7]),
    st.integers(0, 10**6),
)


def none(n: int) -> np.ndarray:
    return np.full(n, -1)


@given(patterns, st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_colouring_can_be_read(dense: np.ndarray, compiled: bool) -> None:
    p = csr(dense)
    m, n = dense.shape
    small, k.SMALL = k.SMALL, 0 if compiled else k.SMALL  # type: ignore[misc]
    try:
        columns, rows = colour_columns(p), colour_rows(p)
        both = colour_both(p)
        square = dense[: min(m, n), : min(m, n)]
        symmetric = square | square.T
        star = colour_star(csr(symmetric))
    finally:
        k.SMALL = small  # type: ignore[misc]
    assert both is not None
    for c, r in ((columns.colours, none(m)), (none(n), rows.colours), (both[0].colours, both[1].colours)):
        assert readable(dense, c, r)
        assert is_direct(p, c, r)
    assert readable(symmetric, star.colours, star.colours)
    for found in (columns, rows, *both, star):
        assert found.count == len(set(found.colours[found.colours >= 0]))
    assert columns.count >= dense.sum(1).max(initial=0)
    assert _is_star(symmetric, star.colours)


def _is_star(dense: np.ndarray, colours: np.ndarray) -> bool:
    """Neighbours differ, and two colours leave stars: each of their connected parts has one vertex in all edges."""
    graph = nx.Graph(zip(*np.nonzero(np.triu(dense, 1)), strict=True))
    if any(colours[a] == colours[b] for a, b in graph.edges):
        return False
    for pair in itertools.combinations({*colours}, 2):
        two = graph.subgraph([v for v in graph if colours[v] in pair])
        for part in nx.connected_components(two):
            edges = two.subgraph(part).number_of_edges()
            if edges and max(d for _, d in two.subgraph(part).degree) != edges:
                return False
    return True


def test_is_direct_refuses_what_is_no_colouring() -> None:
    p = banded(5, 3)
    good = colour_columns(p).colours
    assert is_direct(p, good, none(5))
    assert not is_direct(p, np.minimum(good, 1), none(5))
    assert not is_direct(p, none(5), none(5))
    assert not is_direct(arrow(5), np.array([0, 1, 1, 1, 1]), none(5))


@pytest.mark.parametrize("d", [1, 2, 3, 5, 8])
def test_a_band_takes_its_diagonals(d: int) -> None:
    p = banded(40, d)
    assert colour_columns(p).count == d
    assert colour_rows(p).count == d


def test_tridiagonal_star_takes_three() -> None:
    assert colour_star(banded(50, 3)).count == 3


@pytest.mark.parametrize("at", [0, 17, 39])
def test_arrowheads(at: int) -> None:
    p = arrow(40, at)
    assert colour_columns(p).count == colour_rows(p).count == 40
    both = colour_both(p)
    assert both is not None
    assert both[0].count + both[1].count in (2, 3)
    assert colour_star(p).count == 2


def test_first_differences_take_two() -> None:
    p = csr(np.eye(30, 31) + np.eye(30, 31, k=1))
    assert colour_columns(p).count == 2


def test_the_order_decides() -> None:
    """Blocks whose natural order is a trap for greedy colouring of a crown: 20 colours, where 2 are enough."""
    n = 20
    crown = np.zeros((2 * n, 2 * n), bool)
    for i, j in itertools.permutations(range(n), 2):
        crown[2 * i, 2 * j + 1] = crown[2 * j + 1, 2 * i] = True
    rows = np.array([[i, j] for i, j in zip(*np.nonzero(np.triu(crown)), strict=True)])
    pairs = np.zeros((len(rows), 2 * n), bool)  # one row for each edge: columns conflict as in the crown
    pairs[np.arange(len(rows))[:, None], rows] = True
    found = colour_columns(csr(pairs))
    assert found.count == 2
    assert found.order != "natural"


def test_no_more_than_networkx_and_near_the_optimum() -> None:
    rng = np.random.default_rng(3)
    for _ in range(25):
        dense = rng.random((6, 7)) < 0.35
        conflicts = nx.from_numpy_array((dense.T.astype(int) @ dense - np.diag(dense.sum(0))) > 0)
        found = colour_columns(csr(dense)).count
        peer = min(
            max(nx.greedy_color(conflicts, strategy=s).values(), default=-1) + 1
            for s in ("largest_first", "smallest_last", "random_sequential")
        )
        best = _least(dense)
        assert best <= found <= max(peer, best + 1)


def _least(dense: np.ndarray) -> int:
    """The least number of colours of columns, by trying all."""
    columns = np.flatnonzero(dense.any(0))
    for count in range(len(columns) + 1):
        for chosen in itertools.product(range(count), repeat=len(columns)):
            colours = none(dense.shape[1])
            colours[columns] = chosen
            if readable(dense, colours, none(len(dense))):
                return count
    raise AssertionError


def test_bidirectional_needs_no_more_than_the_better_side() -> None:
    rng = np.random.default_rng(5)
    for _ in range(30):
        p = csr(rng.random((9, 11)) < 0.3)
        side = min(colour_columns(p).count, colour_rows(p).count)
        both = colour_both(p)
        assert both is not None
        assert both[0].count + both[1].count <= side + 2
    assert colour_both(arrow(20), limit=3.0) is None


def test_costs_move_the_choice_between_sides() -> None:
    p = arrow(30)
    cheap_tangents, cheap_adjoints = colour_both(p, 1.0, 100.0), colour_both(p, 100.0, 1.0)
    assert cheap_tangents is not None
    assert cheap_adjoints is not None
    assert cheap_tangents[1].count <= 1
    assert cheap_adjoints[0].count <= 1


def test_empty_patterns() -> None:
    for shape in ((0, 0), (0, 3), (3, 0), (2, 3)):
        p = sp.csr_array(shape, dtype=bool)
        assert colour_columns(p).count == colour_rows(p).count == 0
        both = colour_both(p)
        assert both is not None
        assert both[0].count == both[1].count == 0
    assert colour_star(sp.csr_array((3, 3), dtype=bool)).count == 0


def test_colours_are_the_same_every_time() -> None:
    p = csr(np.random.default_rng(0).random((30, 30)) < 0.2)
    np.testing.assert_array_equal(colour_columns(p).colours, colour_columns(p).colours)
    np.testing.assert_array_equal(colour_columns(p, seed=4).colours, colour_columns(p, seed=4).colours)
