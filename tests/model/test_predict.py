"""What the cost model counts, by hand; and that it grows with the sizes, and plans the memory that is used."""

from typing import Any

import pytest

import graphad as ga
from graphad import nn
from graphad.compiler.build import build, graph_stages
from graphad.compiler.ir.graph import Graph
from graphad.compiler.options import Options
from graphad.compiler.predict import Prediction, count, predict
from graphad.compiler.ways import example_bytes, way_of


@pytest.fixture(scope="module")
def lenet() -> tuple[ga.Function, ga.Function]:
    """LeNet-5's loss and its gradient, not compiled."""
    x, t = ga.input("x", ("N", 1, 32, 32)), ga.input("t", ("N",), dtype="int64")
    model = nn.models.lenet5()
    loss = nn.functional.cross_entropy(model(x), t)
    return ga.compile([x, t], loss), ga.compile([x, t], [loss, *ga.grad(loss, model.parameters())])


def graph_of(outputs: Any, *inputs: Any) -> Graph:
    return ga.compile(list(inputs), outputs, target="numpy").graph


def fused(outputs: Any, *inputs: Any) -> Graph:
    return graph_stages(graph_of(outputs, *inputs), Options())[-1].graph


def predicted(outputs: Any, *inputs: Any, **sizes: int) -> Prediction:
    return predict(fused(outputs, *inputs), sizes)


def test_a_dense_layer_multiplies_once_a_weight_and_example() -> None:
    x = ga.input("x", ("N", 300))
    found = predicted(nn.Linear(300, 100)(x), x, N=50)
    assert found.multiplications == 50 * 300 * 100
    assert found.flops == 2 * 50 * 300 * 100 + 50 * 100
    assert found.bytes >= 4 * (50 * 300 + 300 * 100 + 100 + 50 * 100)


def test_a_convolution_multiplies_once_a_tap() -> None:
    x = ga.input("x", ("N", 3, 16, 16))
    found = predicted(nn.Conv2d(3, 8, 5, padding=2)(x), x, N=4)
    assert found.multiplications == 4 * 16 * 16 * 8 * 75


def test_softmax_divides_and_does_not_multiply() -> None:
    x = ga.input("x", (10, 20))
    found = predicted(nn.functional.softmax(x, 1), x)
    assert found.multiplications == 0
    assert any("exp" in name for kernel in found.by_kernel for name in kernel.features)


def test_a_product_over_an_axis_is_multiplications() -> None:
    x = ga.input("x", (10, 20))
    assert predicted(ga.prod(x, axis=1), x).multiplications == 200


def test_count_is_of_the_graph_as_written() -> None:
    x = ga.input("x", ("N",))
    y = (x * 1) * (x * 1)  # simplify and cse leave one product of these three
    graph = graph_of(y, x)
    assert count(graph.nodes, {"N": 7}) == 3 * 7
    assert predicted(y, x, N=7).multiplications == 7
    with pytest.raises(ga.GraphError, match="size N is not known"):
        count(graph.nodes)


def test_a_value_that_two_kernels_compute_is_counted_in_each() -> None:
    x = ga.input("x", (100, 100))
    y = x * 2
    found = predicted([ga.sum(y, axis=0), ga.max(y, axis=1)], x)
    assert found.multiplications == 2 * 100 * 100


def test_flops_are_those_of_the_compiled_function(lenet: Any) -> None:
    for function in lenet:
        built = build(function.graph, Options(), way=way_of(Options(), [8], example_bytes(function.graph)))
        before, after = (
            predict(g, built.own_sizes({"N": 8})) for g in (built.own_stages[-1].graph, built.lowered.graph)
        )
        assert (after.flops, before.seconds) == (function.cost_at(N=8).flops, function.cost_at(N=8).seconds)


@pytest.mark.parametrize("n", [1, 7, 64])
def test_memory_is_nearly_that_of_the_plan(lenet: Any, n: int) -> None:
    """No plan can do with less than is alive at once; a contraction's scratch is counted for its whole kernel."""
    for function in lenet:
        built = build(function.graph, Options())
        real = built.layout({"N": n}, 1).nbytes
        assert 0.85 * real <= predict(built.lowered.graph, built.own_sizes({"N": n})).memory <= 1.1 * real


def test_memory_of_maps_and_reductions_is_the_plans() -> None:
    x = ga.input("x", (64, 64))
    y = ga.tanh(ga.sin(x) / ga.sum(ga.exp(x), axis=1, keepdims=True))
    graph = graph_of([ga.sum(y * ga.sum(y, axis=0, keepdims=True), axis=1)], x)
    built = build(graph, Options())
    found = predict(built.lowered.graph).memory
    row = 64 * 4  # a reduction that keeps the last axis has rows of its own
    assert found <= built.layout({}, 1).nbytes <= found + 8 * row


def test_more_of_everything_takes_longer() -> None:
    x, w = ga.input("x", ("N", "K")), ga.input("w", ("K", "M"))
    y = ga.sum(ga.exp(x @ w) / (1 + ga.sin(x @ w)), axis=1)
    graph = fused(y, x, w)
    for name in "NKM":
        sizes = {"N": 32, "K": 16, "M": 48}
        before = 0.0
        for n in (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096):
            now = predict(graph, sizes | {name: n}).seconds
            assert now > before, (name, n)
            before = now


def test_a_transcendental_function_costs_more_than_a_sum() -> None:
    x = ga.input("x", (10_000,))
    assert predicted(ga.sin(x), x).seconds > 2 * predicted(x + 1, x).seconds


def test_threads_share_large_work_and_slow_small_work_down() -> None:
    x = ga.input("x", ("N",))
    graph = fused(ga.sin(x), x)
    assert predict(graph, {"N": 10**6}, threads=2).seconds < 0.6 * predict(graph, {"N": 10**6}).seconds
    assert predict(graph, {"N": 10}, threads=2).seconds > predict(graph, {"N": 10}).seconds


def test_a_chain_of_20000_is_no_recursion() -> None:
    x = ga.input("x", (4,))
    y = x
    for _ in range(20_000):
        y = ga.sin(y) * y
    assert predicted(y, x).multiplications == 4 * 20_000


def test_scalar_code_is_computed_once_a_point_whatever_is_joined_of_it() -> None:
    x = ga.input("x", ("N", 2), "float64")
    a, b = ga.unstack(x, 1)
    s = ga.sin(a)
    rows = [ga.stack([s, s * b], 1), ga.stack([b, s * s], 1)]
    found = predicted([ga.stack(rows, 1), ga.stack([s, -s], 1)], x, N=1000)
    (kernel,) = found.by_kernel
    assert kernel.features["float64.sin"] == 1000
    assert kernel.features["float64.mixed"] == 3 * 1000
