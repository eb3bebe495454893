"""Particular graphs: dead vertices, used outputs, repeated edges, large sizes, the table."""

import numpy as np
import pytest

from graphad import elimination
from tests.elimination.graphs import random_dag


def test_vertices_off_every_path_cost_nothing_and_are_in_the_order() -> None:
    edges = [("x", "u"), ("constant", "u"), ("c", "constant"), ("u", "y"), ("u", "unused"), ("unused", "end")]
    found = elimination.solve(edges, ["x"], ["y"])
    assert sorted(found.order) == ["c", "constant", "end", "u", "unused"]
    assert found.multiplications == 1
    assert elimination.eliminate(
        elimination.Graph.of(edges, ["x"], ["y"]), ["u", "end", "unused", "constant", "c"]
    ) == [("x", "u", "y", True, False)]


def test_an_output_that_nothing_reaches_has_a_zero_row() -> None:
    values = {("x", "y"): 2.0, ("c", "z"): 3.0}
    assert elimination.jacobian(values, ["x"], ["y", "z"], ["c"]).tolist() == [[2.0], [0.0]]
    assert elimination.solve(values, ["x"], ["y", "z"]).multiplications == 0


def test_outputs_that_outputs_use_are_finished_last() -> None:
    values = {("x", "u"): 2.0, ("u", "y"): 3.0, ("y", "v"): 5.0, ("v", "z"): 7.0}
    case = (list(values), ["x"], ["y", "z"])
    found = elimination.solve(*case)
    assert set(found.order) == {"u", "v"}
    assert found.multiplications == 2
    np.testing.assert_array_equal(elimination.jacobian(values, ["x"], ["y", "z"], found.order), [[6.0], [210.0]])
    assert elimination.eliminate(elimination.Graph.of(*case), found.order)[-1] == ("x", "y", "z", True, False)


def test_an_edge_given_twice_is_one_partial_and_no_longer_a_unit() -> None:
    edges = [("x", "u"), ("x", "u"), ("u", "y")]
    found = elimination.solve(edges, ["x"], ["y"], units={("x", "u"): 1})
    assert (found.multiplications, found.nontrivial) == (1, 1)


def test_program_order_is_by_number_or_by_appearance() -> None:
    diamond = [(0, 2), (0, 1), (1, 3), (2, 3)]
    assert elimination.Graph.of(diamond, [0], [3]).labels == (0, 1, 2, 3)
    named = [("abcd"[a], "abcd"[b]) for a, b in diamond]
    assert elimination.Graph.of(named, ["a"], ["d"]).labels == ("a", "c", "b", "d")


def test_the_table() -> None:
    edges = [("x", "u"), ("u", "v"), ("v", "y"), ("v", "z")]
    assert str(elimination.solve(edges, ["x"], ["y", "z"], units={("x", "u"): -1})).splitlines() == [
        "method                       multiplications",
        "forward                      3  <- least",
        "reverse                      4",
        "Markowitz, ties to the last  3  <- least",
        "min-fill, ties to the last   3  <- least",
        "pieces                       -  (exact is at hand)",
        "annealing                    -  (exact is at hand)",
        "exact                        3  <- least",
        "2 vertices, 3 multiplications (proved least), 2 of them without a factor +1 or -1",
    ]


@pytest.mark.parametrize("degree", [2, 10])
def test_a_thousand_vertices(degree: int) -> None:
    case = random_dag(1000, degree, 10, 0)
    found = elimination.solve(*case)
    assert found.multiplications == min(found.heuristics.values())


def test_pieces_joined_by_single_vertices() -> None:
    """A chain of diamonds, too long to anneal: the pieces are small, and no order is better than forward or reverse."""
    edges = [(0, 1)]
    for k in range(1, 1500, 5):
        edges += [
            (k, k + 1),
            (k, k + 2),
            (k + 1, k + 3),
            (k + 2, k + 3),
            (k + 1, k + 4),
            (k + 3, k + 5),
            (k + 4, k + 5),
        ]
    found = elimination.solve(edges, [0], [max(b for _, b in edges)])
    assert "annealing" in found.skipped
    assert "pieces" in found.heuristics
    assert found.multiplications == min(found.heuristics.values())


def test_a_chain_of_a_hundred_thousand() -> None:
    count = 100_000
    found = elimination.solve([(k, k + 1) for k in range(count - 1)], [0], [count - 1])
    assert (len(found.order), found.multiplications) == (count - 2, count - 2)
    assert found.skipped["annealing"] == "100,000 vertices: over 4,000 only cheap rules run"


def test_a_hundred_thousand_vertices() -> None:
    case = random_dag(100_000, 2, 100, 1)
    found = elimination.solve(*case)
    assert found.multiplications == min(found.heuristics.values())
    assert set(found.heuristics) | set(found.skipped) >= {"forward", "reverse", "markowitz", "annealing", "exact"}
