"""Every way in which a graph or an order can be wrong, with its text."""

from typing import Any

import pytest

from graphad import elimination
from graphad.compiler.errors import GraphError

CHAIN = [("x", "u"), ("u", "v"), ("v", "y")]

GRAPHS: dict[str, tuple[list[Any], list[Any], list[Any], str]] = {
    "cycle": (
        [*CHAIN, ("v", "w"), ("w", "u")], ["x"], ["y"],
        "the graph has a cycle: 'u' -> 'v' -> 'w' -> 'u'",
    ),
    "long cycle": (
        [("x", 0), *((k, (k + 1) % 20) for k in range(20)), (3, "y")], ["x"], ["y"],
        "the graph has a cycle: 0 -> 1 -> 2 -> 3 -> 4 -> 5 -> 6 -> (13 more) -> 0",
    ),
    "self-loop": (
        [*CHAIN, ("u", "u")], ["x"], ["y"],
        "edge ('u', 'u') leads from a vertex to itself: no value depends on itself",
    ),
    "computed input": (
        CHAIN, ["x", "v"], ["y"],
        "input 'v' depends on 'u': nothing leads to an input; remove the edge ('u', 'v')",
    ),
    "input and output": (
        CHAIN, ["x"], ["y", "x"],
        "'x' is both input and output: its derivative is 1; "
        "for an output that copies an input, add a vertex and an edge marked +1",
    ),
    "unknown input": (CHAIN, ["x", "t"], ["y"], "input 't' is on no edge"),
    "unknown outputs": (CHAIN, ["x"], ["y", "z", 3], "output 'z', 3 is on no edge"),
    "no input": (CHAIN, [], ["y"], "no input is given: a Jacobian needs at least one"),
    "no output": (CHAIN, ["x"], [], "no output is given: a Jacobian needs at least one"),
    "output twice": (CHAIN, ["x"], ["y", "y"], "output 'y' is given twice"),
    "no pair": ([*CHAIN, ("a", "b", "c")], ["x"], ["y"], "edge 3 is no pair (from, to) of labels: ('a', 'b', 'c')"),
    "text": (["xy"], ["x"], ["y"], "edge 0 is no pair (from, to) of labels: 'xy'"),
    "unhashable": ([("x", ["u"])], ["x"], ["y"], "edge 0 has a label that cannot be hashed: ('x', ['u'])"),
}  # fmt: skip

ORDERS: dict[str, tuple[list[Any], str]] = {
    "output": (["u", "v", "y"], "the order names output 'y': only intermediate vertices are eliminated"),
    "input": (["x", "u", "v"], "the order names input 'x': only intermediate vertices are eliminated"),
    "unknown": (["u", "v", "w"], "the order names 'w', which is no vertex of the graph"),
    "twice": (["u", "v", "u"], "the order names 'u' twice"),
    "missing": (["v"], "the order misses 'u': every intermediate vertex is eliminated once"),
}

UNITS = {
    "no edge": ({("x", "v"): 1}, "units marks ('x', 'v'), which is no edge"),
    "no unit": ({("x", "u"): 2}, "units marks ('x', 'u') with 2: only +1 and -1 make products free"),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs(name: str) -> None:
    edges, inputs, outputs, text = GRAPHS[name]
    with pytest.raises(GraphError) as raised:
        elimination.solve(edges, inputs, outputs)
    assert str(raised.value) == text


@pytest.mark.parametrize("name", ORDERS)
def test_orders(name: str) -> None:
    order, text = ORDERS[name]
    for play in (
        lambda: elimination.eliminate(elimination.Graph.of(CHAIN, ["x"], ["y"]), order),
        lambda: elimination.jacobian(dict.fromkeys(CHAIN, 2.0), ["x"], ["y"], order),
    ):
        with pytest.raises(GraphError) as raised:
            play()
        assert str(raised.value) == text


@pytest.mark.parametrize("name", UNITS)
def test_units(name: str) -> None:
    units, text = UNITS[name]
    with pytest.raises(GraphError) as raised:
        elimination.solve(CHAIN, ["x"], ["y"], units=units)
    assert str(raised.value) == text


def test_an_unknown_measure() -> None:
    with pytest.raises(GraphError) as raised:
        elimination.solve(CHAIN, ["x"], ["y"], minimize="time")
    assert str(raised.value) == "minimize is 'time': one of 'multiplications', 'nontrivial'"


def test_a_negative_time_budget() -> None:
    with pytest.raises(GraphError) as raised:
        elimination.solve(CHAIN, ["x"], ["y"], time_budget=-1)
    assert str(raised.value) == "time_budget is -1: seconds of annealing, 0 or more"
