"""What is timed: shapes, operations, bytes, data, and that graphad computes the nets it should."""

import doctest
import importlib
import math

import numpy as np
import pytest

from benchmarks.layers import Conv, Linear, MaxPool, ReLU, Residual, flops, walk, weights
from benchmarks.nets import LENET5, NETS, WAVEFORM, Net, lenet
from benchmarks.peers.graphad_net import function
from benchmarks.worker import digest


@pytest.mark.parametrize("name", ["layers", "worker", "tables", "roofline"])
def test_doctests(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"benchmarks.{name}"), extraglobs={"np": np})
    assert result.attempted > 0
    assert result.failed == 0


def test_shapes_through_lenet5() -> None:
    after = [shape for _, _, shape in walk(LENET5, (1, 32, 32))]
    assert after[:3] == [(6, 28, 28), (6, 28, 28), (6, 14, 14)]
    assert after[5:8] == [(16, 5, 5), (400,), (120,)]
    assert after[-1] == (10,)


def test_odd_lengths_are_cut_and_residual_blocks_entered() -> None:
    assert [shape for _, _, shape in walk(WAVEFORM, (1, 16_000))][:3] == [(32, 3981), (32, 3981), (32, 995)]
    block = (Residual((Conv(8, 8, 3, padding=1), ReLU())), MaxPool(2))
    assert [type(layer) for layer, _, _ in walk(block, (8, 6, 6))] == [Conv, ReLU, MaxPool]


def test_operations_of_lenet5() -> None:
    each = flops(LENET5, (1, 32, 32))
    assert each == [2 * 25 * 6 * 784, 2 * 150 * 16 * 100, 2 * 400 * 120, 2 * 120 * 84, 2 * 84 * 10]
    assert lenet(64, "forward").flops == 64 * sum(each)
    assert lenet(64, "train").flops == 64 * (3 * sum(each) - each[0])  # nobody asks for the images' gradient
    assert NETS["alexnet-conv1"].flops == 8 * 3 * 2 * 64 * 3 * 121 * 55**2


def test_groups_divide_the_operations() -> None:
    assert flops([Conv(8, 8, 3, padding=1, groups=8)], (8, 5, 5)) == [2 * 8 * 9 * 25]


def test_bytes_count_state_and_batch() -> None:
    net = Net((Linear(3, 2),), (3,), 4, "train", momentum=0.9)
    assert net.bytes == 4 * (4 * 3 + 4 * 8) + 8 * 4
    assert Net((Linear(3, 2),), (3,), 4, "forward").bytes == 4 * (4 * 3 + 8 + 4 * 2)
    assert Net((Linear(3, 2),), (3,), 4, "gradients", "square", by_input=True).bytes == 4 * (12 + 16 + 12) + 4 * 8


def test_the_timed_batch_cannot_be_learnt() -> None:
    images, labels = lenet(7, "train").data()
    np.testing.assert_array_equal(images[0:6:2], images[1:6:2])
    assert (labels[0:6:2] != labels[1:6:2]).all()
    _, targets = NETS["vgg-block-train"].data()
    assert targets.shape == (16, 64, 16, 16)
    assert targets.std() > 0.2


def test_weights_are_the_same_each_time_and_within_their_bound() -> None:
    first, again = weights(LENET5, (1, 32, 32)), weights(LENET5, (1, 32, 32))
    for (w, b), (v, _) in zip(first, again, strict=True):
        np.testing.assert_array_equal(w, v)
        assert np.abs(w).max() <= 1 / math.sqrt(math.prod(w.shape[1:]))
        assert b.shape == w.shape[:1]


@pytest.mark.parametrize("kind", ["forward", "loss", "gradients", "train"])
def test_graphad_runs_a_net_with_all_kinds_of_layers(kind: str) -> None:
    """Against the definition: a convolution that copies its one channel, doubled by the residual sum, is linear."""
    net = Net((Residual((Conv(1, 1, 1), ReLU())), MaxPool(2)), (1, 4, 4), 2, kind, "square", rate=0.0)  # type: ignore[arg-type]
    ((w, b),), (x, t) = net.weights(), net.data()
    y = (x + np.maximum(x * w[0, 0] + b[0], 0)).reshape(2, 1, 2, 2, 2, 2).max((3, 5))
    found = function(net, 1)(*((x,) if kind == "forward" else (x, t)))
    if kind == "forward":
        np.testing.assert_allclose(found, y, rtol=1e-5)
    else:
        np.testing.assert_allclose(found[0] if kind == "gradients" else found, ((y - t) ** 2).mean(), rtol=1e-5)


def test_a_digest_does_not_depend_on_the_layout() -> None:
    a = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_allclose(digest([a]), digest([np.moveaxis(a, 0, -1).copy()]))
    assert digest([a]) != digest([a + 1])
