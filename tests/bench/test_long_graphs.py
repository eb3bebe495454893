"""Long graphs whose compilation is timed: that they are what they say."""

import numpy as np

import graphad as ga
from benchmarks import long_graphs, workloads
from benchmarks.peers.graphad_long import LIBRARY, function
from benchmarks.worker import peak_bytes


def test_the_determinant_and_its_gradient() -> None:
    graph = long_graphs._determinant(4)
    (x,) = graph.arguments()
    value, gradient = function(graph, 1)(x)
    np.testing.assert_allclose(value, np.linalg.det(x), rtol=1e-4)
    np.testing.assert_allclose(gradient, np.linalg.det(x) * np.linalg.inv(x).T, rtol=1e-3, atol=1e-5)


def test_values_are_those_of_the_reference() -> None:
    for graph in (long_graphs._recurrence(3), long_graphs._runge_kutta(2), long_graphs._residual(1, 2)):
        given = graph.arguments()
        inputs = [ga.input(f"x{i}", a.shape) for i, a in enumerate(given)]
        reference = ga.compile(inputs, graph.value(LIBRARY, *inputs), target="numpy")
        np.testing.assert_allclose(function(graph, 1)(*given)[0], reference(*given), rtol=1e-4)


def test_each_is_a_workload() -> None:
    assert set(long_graphs.LONG_GRAPHS) <= {w.name for w in workloads.select(["compile"])}


def test_the_peak_is_that_of_a_process_with_numpy() -> None:
    assert 10 << 20 < peak_bytes() < 100 << 30
