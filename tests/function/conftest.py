"""Functions that these tests share, so that each is compiled once."""

from dataclasses import dataclass

import numpy as np
import pytest

import graphad as ga
from graphad import nn, optim


@dataclass
class Lenet:
    """LeNet-5's loss, its gradient and a training step, over one model."""

    model: nn.Sequential
    loss: ga.Function
    gradient: ga.Function
    step: ga.Function
    images: np.ndarray
    labels: np.ndarray


@pytest.fixture(scope="session")
def lenet() -> Lenet:
    x, t = ga.input("x", ("N", 1, 32, 32)), ga.input("t", ("N",), dtype="int64")
    model = nn.models.lenet5()
    loss = nn.functional.cross_entropy(model(x), t)
    parameters = model.parameters()
    rng = np.random.default_rng(0)
    return Lenet(
        model,
        ga.compile([x, t], loss),
        ga.compile([x, t], [loss, *ga.grad(loss, parameters)]),
        ga.compile([x, t], loss, updates=optim.SGD(lr=0.05, momentum=0.9).minimize(loss, parameters)),
        rng.normal(size=(8, 1, 32, 32)).astype(np.float32),
        rng.integers(0, 10, 8),
    )


@pytest.fixture(scope="session")
def dense() -> ga.Function:
    """A dense layer with a named intermediate, over a symbolic batch."""
    x = ga.input("x", ("N", 4))
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    hidden = (model(x) * 2).named("hidden")
    return ga.compile([x], ga.sum(hidden, axis=1))
