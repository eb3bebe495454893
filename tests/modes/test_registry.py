"""The registry: graphs by name, users' own, and what is refused."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.compiler.errors import GraphError


@pytest.fixture
def own() -> Iterator[ga.modes.BenchmarkGraph]:
    @ga.modes.register("Own", source="nowhere", points=3, published={"forward": 2})
    def own(n: int = 2) -> Any:
        """Squares of numbers.

        More about it.
        """
        x = ga.input("x", (n,), "float64")
        return x * x, x, lambda rng: rng.normal(size=n)

    yield ga.modes.find("own")
    ga.modes.unregister("Own")


def test_a_graph_of_ones_own(own: ga.modes.BenchmarkGraph) -> None:
    assert (own.name, own.summary, own.source, own.points) == ("Own", "Squares of numbers", "nowhere", 3)
    assert own.published == {"forward": 2}
    assert own.sizes == {"n": 2}
    assert own.build(n=7).y.shape == (7,)
    assert own in ga.modes.graphs()
    with pytest.raises(TypeError):
        own.published["reverse"] = 1


def test_values_come_from_a_seed(own: ga.modes.BenchmarkGraph) -> None:
    problem = own.build()
    (points,) = problem.points(4, seed=5)
    assert points.shape == (4, 2)
    assert len(np.unique(points)) == 8
    np.testing.assert_array_equal(problem.draw(5)[problem.inputs[0]], points[0])
    np.testing.assert_array_equal(problem.points(4, seed=5)[0], points)


@pytest.mark.parametrize("graph", ga.modes.graphs(), ids=lambda graph: graph.name)
def test_every_graph_says_what_it_is_and_draws_its_inputs(graph: ga.modes.BenchmarkGraph) -> None:
    assert graph.summary
    problem = graph.build()
    for x, values in zip(problem.inputs, problem.points(2), strict=True):
        assert values.shape == (2, *x.shape)
        assert values.dtype == x.dtype
        assert not (values[0] == values[1]).any()


def test_names_in_any_case_and_by_their_start() -> None:
    assert ga.modes.find("lenet5").name == "LeNet5"
    assert [g.name for g in ga.modes.select(["RoeFlux_1d"])] == ["RoeFlux_1d"]
    assert [g.name for g in ga.modes.select(["roe", "RoeFlux_1d"])] == [
        "RoeFlux_1d", "RoeFlux_1d_corrected", "RoeFlux_3d",
    ]  # fmt: skip
    assert ga.modes.select([]) == ga.modes.graphs()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("RobotArm", "did you mean 'RobotArm_6DOF'?"),
        ("LeNet", "did you mean 'LeNet5'?"),
        ("tridiagnoal", "did you mean 'Tridiagonal'?"),
        ("", "there is WorkedExample_1, WorkedExample_2, RoeFlux_1d, "),
    ],
)
def test_unknown_names(name: str, hint: str) -> None:
    with pytest.raises(GraphError) as caught:
        ga.modes.find(name)
    assert str(caught.value).startswith(f"modes(): no benchmark graph {name!r}; {hint}")
    with pytest.raises(GraphError, match="no benchmark graph 'ABCXYZ'"):
        ga.modes.select(["LeNet5", "ABCXYZ"])


def _nothing() -> Any:
    return None


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("lenet5",), "there is a graph 'lenet5' already; ga.modes.unregister('lenet5') removes it"),
        (("",), "a graph's name is a text, got ''"),
        (("New", 0), "points is a number of at least 1, got 0"),
    ],
)
def test_records_that_cannot_be(arguments: tuple[Any, ...], text: str) -> None:
    name, *points = arguments
    with pytest.raises(GraphError) as caught:
        ga.modes.register(name, points=points[0] if points else 1)
    assert str(caught.value).startswith(f"register(): {text} [")


def test_published_counts_are_by_mode() -> None:
    with pytest.raises(GraphError, match=r"published counts are by mode \(forward, .*\), got 'markowitz'"):
        ga.modes.register("New", published={"markowitz": 3})


def test_sizes_have_defaults() -> None:
    with pytest.raises(GraphError, match="sizes have defaults: New's 'n' has none"):
        ga.modes.register("New")(lambda n: n)


@pytest.mark.parametrize(
    ("function", "hessian", "text"),
    [
        (_nothing, False, "returns y, x and a function that draws x: return y, x, sample"),
        (lambda: (ga.input("x", ()), 3, _nothing), False, "x is a tensor or a list of tensors, got 3"),
        (lambda: (ga.input("x", ()), [], _nothing), False, r"x is a tensor or a list of tensors, got []"),
        (
            lambda: (ga.input("x", (2,)), ga.input("x", ()), _nothing),
            True,
            "a Hessian is of a scalar y, got float32[2]",
        ),
    ],
)
def test_functions_that_return_something_else(function: Any, hessian: bool, text: str) -> None:
    ga.modes.register("New", hessian=hessian)(function)
    try:
        with pytest.raises(GraphError) as caught:
            ga.modes.find("New").build()
        assert f"): {text} [" in str(caught.value)
    finally:
        ga.modes.unregister("New")


def test_a_sample_of_another_length() -> None:
    x, y = ga.input("x", ()), ga.input("y", ())
    problem = ga.modes.Problem(x * y, [x, y], lambda rng: [1.0])
    with pytest.raises(GraphError, match="draws 1 values for 2 inputs"):
        problem.draw()


def test_a_size_that_is_not_there(own: ga.modes.BenchmarkGraph) -> None:
    with pytest.raises(GraphError, match=r"Own\(\): has no size 'm'; its sizes: n \["):
        own.build(m=3)
    with pytest.raises(GraphError, match="its sizes: none"):
        ga.modes.find("RobotArm_6DOF").build(joints=7)
