"""Eliminate mode: the code has the multiplications that were counted, and any order gives the same numbers."""

import random
from collections.abc import Callable, Iterable
from itertools import permutations
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.elimination import solve
from graphad.planning.chains import plan_chain
from graphad.planning.dags import of_nodes, of_scalars
from graphad.planning.eliminations import Elimination, in_order, plan_elimination
from graphad.planning.orders import _Eliminated as Eliminated
from graphad.planning.orders import anneal, cheapest, exact, greedy, price
from graphad.planning.problem import Problem
from graphad.planning.scalars import scalars
from graphad.structures import Einsum, Nodes, dense
from tests.planning.cases import bow_tie, layer_norm, scalar_code, stacked_scalars

CHOICES: tuple[Callable[[ga.Tensor, ga.Tensor], ga.Tensor], ...] = (
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: ga.sin(a),
    lambda a, b: a - b,
    lambda a, b: a * 0.5,
)


def random_scalar_code(seed: int, size: int = 40) -> tuple[list[ga.Tensor], ga.Tensor]:
    draw = random.Random(seed)
    x = ga.input("x", (4,), "float64")
    known = [x[i] for i in range(4)]
    for _ in range(size):
        known.append(draw.choice(CHOICES)(draw.choice(known[-9:]), draw.choice(known[-9:])))
    return known[-3:], x


def weights(entries: Iterable[Any]) -> list[ga.Tensor]:
    return [j.weight for j in entries if isinstance(j, Einsum) and j.weight is not None]


def products_in(tensors: list[ga.Tensor], problem: Problem) -> int:
    """Multiplications in the graph between the local partials and the Jacobian's entries."""
    partials = {*weights(e for n in problem.nodes for _, e in problem.edges.of(n))}
    found = 0
    seen = {*partials}
    stack: list[Any] = list(tensors)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            found += node.op.name == "multiply"
            stack += node.operands
    return found


@pytest.mark.parametrize("seed", range(6))
def test_the_code_has_the_multiplications_that_were_counted(seed: int) -> None:
    ys, x = random_scalar_code(seed)
    problem = Problem.of("test", ys, [x])
    found = plan_elimination(problem)
    assert found is not None
    assert found.scalars is not None
    dag = found.dag
    values = {x: np.random.default_rng(seed).uniform(0.5, 1.5, 4)}
    results = []
    for order in (dag.intermediates, dag.intermediates[::-1], found.order):
        w = Nodes()
        entries = dag.play(w, order)
        counted = dag.count(order)
        assert w.multiplications == counted.nontrivial
        assert products_in(weights(entries.values()), problem) == counted.nontrivial
        results.append(ga.evaluate([dense(w, entries[e]) for e in sorted(entries)], values))
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], rtol=1e-9, atol=1e-12)


def test_scalar_graphs_are_those_that_elimination_solves() -> None:
    ys, x = random_scalar_code(3)
    dag = of_scalars(scalars(Problem.of("test", ys, [x]), share=True))  # type: ignore[arg-type]
    found = solve(dag.edges, dag.inputs, dag.outputs, units=dag.units, minimize="nontrivial")
    plan = ga.plan_jacobian(ys, x)
    assert found.order == plan.order
    assert found.nontrivial <= plan.cost["eliminate"].multiplications  # which has those between outputs, too


def test_vectors_at_the_ends_are_taken_apart() -> None:
    (y,), (x,), _ = stacked_scalars()
    graph = scalars(Problem.of("test", [y], [x]))
    assert graph is not None
    assert [place for _, place in graph.inputs] == [0, 1, 2]  # x[3] is not read
    assert len(graph.results) == 3  # the fourth element is constant
    assert ga.jacobian(y, x, "eliminate").shape == (2, 2, 4)


def test_orders_of_matrices() -> None:
    """Exact is at most annealing is at most greedy; all are played with the price that was said."""
    for make in (bow_tie, layer_norm):
        outputs, inputs, _ = make()
        dag = of_nodes(Problem.of("test", outputs, inputs))
        found = cheapest(dag)
        assert found.multiplications == min(found.methods.values()) == price(dag, found.order)
        start = greedy(dag, Eliminated.price)
        assert anneal(dag, start, price(dag, start), seed=1)[1] <= price(dag, start)
        w = Nodes()
        dag.play(w, found.order)
        assert w.multiplications == found.multiplications


def test_exact_order_is_the_least_of_all() -> None:
    x = ga.input("x", (3,), "float64")
    h = x
    for shape in ((2, 3), (4, 2), (2, 4)):
        h = ga.tensordot(ga.constant(np.ones(shape)), ga.exp(h), 1)
    dag = of_nodes(Problem.of("test", [h], [x]))
    assert price(dag, exact(dag)) == min(price(dag, order) for order in permutations(dag.intermediates))


def test_an_order_of_the_users() -> None:
    ys, (x,), values = scalar_code()
    problem = Problem.of("test", ys, [x])
    inner = [n for n in problem.nodes if n.ndim == 0 and n not in set(ys) and n.op.name not in ("view", "input")]
    expected = ga.evaluate(ga.jacobian(ys, x, "reverse"), values)
    for order in (inner, inner[::-1]):
        found = ga.evaluate(ga.jacobian(ys, x, "eliminate", order=order), values)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert in_order(problem, inner).method == "in the order given"


def wrong_orders() -> list[tuple[Any, str]]:
    return [
        (lambda ys, x, inner: [*inner, ys[0]], "which is an output"),
        (lambda ys, x, inner: [*inner, x], "which is an input"),
        (lambda ys, x, inner: [*inner, ga.input("other", ())], "not between inputs and outputs"),
        (lambda ys, x, inner: [*inner, inner[0]], "twice"),
        (lambda ys, x, inner: inner[1:], "order misses"),
    ]


@pytest.mark.parametrize(("change", "message"), wrong_orders(), ids=[m for _, m in wrong_orders()])
def test_orders_that_do_not_fit_are_refused(change: Any, message: str) -> None:
    ys, (x,), _ = scalar_code()
    problem = Problem.of("test", ys, [x])
    inner = [n for n in problem.nodes if n.ndim == 0 and n not in set(ys) and n.op.name not in ("view", "input")]
    with pytest.raises(ga.GraphError, match=message):
        ga.jacobian(ys, x, "eliminate", order=change(ys, x, inner))


def test_scalar_stages_of_a_chain_are_eliminated() -> None:
    """A dense layer, then scalar code whose cheapest order is neither forward nor reverse, then a dense layer."""
    x = ga.input("x", (30,), "float64")
    h = ga.tensordot(ga.constant(np.random.default_rng(0).normal(size=(3, 30)) / 30), x, 1)
    a, b, c = h[0], h[1], h[2]
    u = ga.sin(a * b) * ga.exp(c)
    v = ga.sin(ga.exp(ga.sin(u * 0.5)))
    z = ga.stack([v * a, v * b, v * c])
    y = ga.tensordot(ga.constant(np.random.default_rng(1).normal(size=(20, 3))), z, 1)
    chain = plan_chain(Problem.of("test", [y], [x]), x, y)
    assert chain is not None
    assert any(isinstance(how, Elimination) for how in chain.whole)
    values = {x: np.linspace(-1, 1, 30)}
    found, expected = (ga.evaluate(ga.jacobian(y, x, mode), values) for mode in ("chain", "reverse"))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    costs = {mode: c.multiplications for mode, c in ga.plan_jacobian(y, x).cost.items()}
    assert costs["chain"] < min(costs["forward"], costs["reverse"])


def test_equal_operations_are_one_vertex() -> None:
    x = ga.input("x", (2,), "float64")
    first, again = ga.sin(x[0] * x[1]) * 2, ga.sin(x[0] * x[1]) * 2
    problem = Problem.of("test", [first * again + x[0]], [x])
    apart, shared = scalars(problem), scalars(problem, share=True)
    assert apart is not None and shared is not None  # noqa: PT018
    assert len(apart.order) - len(shared.order) == 3
    values = {x: [0.4, 0.8]}
    y = problem.outputs[0]
    found, expected = (ga.evaluate(ga.jacobian(y, x, mode), values) for mode in ("eliminate", "forward"))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_a_partial_that_is_zero_leaves_vertices_on_no_way() -> None:
    """The derivative of a sign is 0, so what leads to it leads nowhere."""
    x = ga.input("x", (), "float64")
    y = ga.abs(ga.sin(x) * ga.exp(x)) * x
    values = {x: 0.7}
    expected = ga.evaluate(ga.hessian(y, x, "forward"), values)
    for mode in ("auto", "reverse", "chain", "eliminate"):
        np.testing.assert_allclose(ga.evaluate(ga.hessian(y, x, mode), values), expected, rtol=1e-12)


def test_hvp_with_a_symbolic_size() -> None:
    x, v = ga.input("x", ("N", 2), "float64"), ga.input("v", ("N", 2), "float64")
    found = ga.hvp(ga.sum(ga.exp(x) * x[:, :1]), x, v)
    point = np.array([[0.1, 0.2], [0.3, 0.4]])
    whole = ga.evaluate(ga.hessian(ga.sum(ga.exp(x) * x[:, :1]), x, "forward"), {x: point})
    np.testing.assert_allclose(ga.evaluate(found, {x: point, v: np.ones((2, 2))}), whole.sum((2, 3)), rtol=1e-12)
