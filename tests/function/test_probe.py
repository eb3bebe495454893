"""Intermediates by name."""

from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad import nn

X = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)


def test_a_named_tensor(dense: ga.Function) -> None:
    hidden = dense.probe("hidden")(X)
    assert hidden.shape == (2, 3)
    np.testing.assert_allclose(hidden.sum(axis=1), dense(X), rtol=1e-6)


def test_layers_by_path_and_several_at_once(dense: ga.Function) -> None:
    linear, relu, w = dense.probe("0", "1", "0.weight")(X)
    np.testing.assert_allclose(linear, X @ w.T + dense.probe("0.bias")(X), rtol=1e-5)
    np.testing.assert_array_equal(relu, np.maximum(linear, 0))


def test_a_tree_of_layers_gives_its_last_output() -> None:
    x = ga.input("x", ("N", 4))
    model = nn.Sequential(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), name="features"), nn.Linear(3, 2))
    f = ga.compile([x], model(x), target="numpy")
    np.testing.assert_array_equal(f.probe("features")(X), f.probe("features.1")(X))


def test_the_gradient_of_a_layer_is_not_its_output(lenet: Any) -> None:
    """Derivatives belong to their primal's layer; the layer's output is the primal."""
    (pooled,) = (lenet.step.probe("5")(lenet.images, lenet.labels),)
    assert pooled.shape == (8, 16, 5, 5)


def test_a_probe_updates_nothing(lenet: Any) -> None:
    before = lenet.model.state_dict()
    lenet.step.probe("11")(lenet.images, lenet.labels)
    for name, value in lenet.model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_a_name_that_is_not_there(dense: ga.Function) -> None:
    with pytest.raises(ga.GraphError, match=r"nothing is named 'hiden'; did you mean 'hidden'\?"):
        dense.probe("hiden")
    with pytest.raises(ga.GraphError, match=r"nothing is named 'q'; there is 0, 1, hidden, x, 0\.weight, 0\.bias"):
        dense.probe("q")
    with pytest.raises(ga.GraphError, match="probe: name at least one"):
        dense.probe()
