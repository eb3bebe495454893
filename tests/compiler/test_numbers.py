"""The law of every pass: it keeps the numbers, on random graphs with NaN, infinities and both zeros among them."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from graphad.compiler.interpret import interpret
from graphad.compiler.ir.graph import Graph, topological
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.verify import verify
from graphad.compiler.passes.cse import cse
from graphad.compiler.passes.dce import dce
from graphad.compiler.passes.fold_constants import fold_constants
from graphad.compiler.passes.simplify import simplify
from graphad.compiler.passes.stabilise import stabilise
from tests.strategies import ORDINARY, RandomGraph, random_graph

BITWISE = (fold_constants, cse, dce)
PASSES = (fold_constants, simplify, stabilise, cse, dce)


def graph_of(made: RandomGraph) -> Graph:
    outputs, values = made
    return verify(Graph(tuple(values), outputs))


def numbers(graph: Graph, values: dict[Node, np.ndarray]) -> list[np.ndarray]:
    return interpret(graph.outputs, values, {})


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal in every bit, except that a NaN is a NaN."""
    if a.dtype.kind == "f":
        a, b = (np.where(np.isnan(x), np.asarray(np.nan, x.dtype), x) for x in (a, b))
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("run", BITWISE, ids=lambda p: p.__name__)
@given(made=random_graph())
def test_keeps_every_bit(run: Callable[[Graph], Graph], made: RandomGraph) -> None:
    graph = graph_of(made)
    after = verify(run(graph))
    for a, b in zip(numbers(graph, made[1]), numbers(after, made[1]), strict=True):
        assert same_bits(a, b)


@given(made=random_graph())
def test_simplify_keeps_the_numbers(made: RandomGraph) -> None:
    graph = graph_of(made)
    after = verify(simplify(graph))
    assume(is_tame(graph, made[1]))
    check_close(numbers(graph, made[1]), numbers(after, made[1]))


def is_tame(graph: Graph, values: dict[Node, np.ndarray]) -> bool:
    """Whether a change in the last place stays one: sums over products of huge numbers cancel to anything."""
    every = interpret(topological(graph.outputs), values, {})
    return all(np.all(~np.isfinite(v) | (np.abs(v) < 1e6)) for v in every if v.dtype.kind == "f")


def check_close(wanted: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> None:
    for a, b in zip(wanted, found, strict=True):
        assert a.dtype == b.dtype
        rtol = {"float32": 1e-4, "float64": 1e-10}.get(a.dtype.name, 0)
        np.testing.assert_allclose(b, a, rtol=rtol, atol=rtol)


@given(made=random_graph(floats=("float64",), values=ORDINARY), order=st.lists(st.sampled_from(PASSES), max_size=6))
def test_any_order_and_repetition_keeps_the_numbers(made: RandomGraph, order: list[Callable[[Graph], Graph]]) -> None:
    graph = after = graph_of(made)
    for run in order:
        after = verify(run(after))
    every = interpret(topological(graph.outputs), made[1], {})
    assume(all(np.all(np.isfinite(v)) and np.all(np.abs(v) < 1e6) for v in every if v.dtype.kind == "f"))
    for a, b in zip(numbers(graph, made[1]), numbers(after, made[1]), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("run", PASSES, ids=lambda p: p.__name__)
@given(made=random_graph())
def test_a_second_run_adds_nothing(run: Callable[[Graph], Graph], made: RandomGraph) -> None:
    once = run(graph_of(made))
    assert len(run(once).nodes) <= len(once.nodes)  # fewer where cse has made operands equal
