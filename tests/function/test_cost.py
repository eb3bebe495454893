"""The cost model against counts by hand."""

from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad import nn


def cost(inputs: Any, outputs: Any, **sizes: int) -> ga.Cost:
    return ga.compile(inputs, outputs).cost_at(**sizes)


def test_an_elementwise_function() -> None:
    x = ga.input("x", ("N",))
    found = cost([x], x * 2 + 1, N=1000)
    assert found.flops == 2000
    assert found.bytes == 8000
    assert found.peak_memory == 0


def test_a_dense_layer() -> None:
    x = ga.input("x", ("N", 300))
    found = cost([x], nn.Linear(300, 100)(x), N=50)
    assert found.flops == 2 * 50 * 300 * 100 + 50 * 100
    assert found.peak_memory >= 4 * (300 * 100 + 100)
    assert found.bytes >= 4 * (50 * 300 + 300 * 100 + 100 + 50 * 100)


def test_a_convolution() -> None:
    x = ga.input("x", ("N", 3, 16, 16))
    found = cost([x], nn.Conv2d(3, 8, 5, padding=2)(x), N=4)
    assert found.flops == 4 * (2 * 16 * 16 * 8 * 75 + 16 * 16 * 8)


def test_a_reduction() -> None:
    x = ga.input("x", ("N", 10))
    assert cost([x], ga.sum(x, axis=1), N=7).flops == 70


def test_work_that_takes_two_launches_is_counted_once() -> None:
    x = ga.input("x", ("N",))
    assert cost([x], ga.sum(x * 3), N=100_000).flops == 200_000


def test_lenet5_by_layer() -> None:
    x = ga.input("x", ("N", 1, 32, 32))
    found = cost([x], nn.models.lenet5()(x), N=1)
    contractions = 2 * (28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + 48000 + 10080 + 840)
    biases = 28 * 28 * 6 + 10 * 10 * 16 + 120 + 84 + 10
    activations = 2 * (28 * 28 * 6 + 10 * 10 * 16 + 120 + 84)  # relu compares and selects
    pools = 28 * 28 * 6 + 10 * 10 * 16
    assert found.flops == contractions + biases + activations + pools
    assert found.by_layer["0"] == 2 * 28 * 28 * 6 * 25 + 28 * 28 * 6
    assert found.by_layer["7"] == 2 * 48000 + 120
    assert sum(found.by_layer.values()) == found.flops == sum(k.flops for k in found.by_kernel)


def test_cost_is_that_of_the_last_call(dense: ga.Function) -> None:
    dense(np.ones((3, 4), np.float32))
    assert dense.cost.flops == dense.cost_at(N=3).flops
    assert 2 * dense.cost.flops == dense.cost_at(N=6).flops
    with pytest.raises(ga.GraphError, match=r"cost_at: needs N; write \.cost_at\(N=64\)"):
        dense.cost_at()


def test_lenet5s_gradient_costs_at_most_four_losses_in_flops(lenet: Any) -> None:
    loss, gradient = lenet.loss.cost_at(N=64), lenet.gradient.cost_at(N=64)
    assert gradient.flops <= 4 * loss.flops
