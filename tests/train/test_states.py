"""A training whose layers keep states: what is resumed is what was never interrupted, to the last bit."""

from pathlib import Path
from typing import Any

import numpy as np

import graphad as ga
from graphad import data, nn, optim, train
from tests.train.toy import LABELS, POINTS, same


class Running(nn.Module):
    """Centred by the mean of the batch, scaled by how often it was called, with a running mean kept."""

    def __init__(self) -> None:
        self.mean = ga.state("mean", np.zeros(4, np.float32))
        self.calls = ga.state("calls", 0)
        self.calls.next = self.calls + 1

    def forward(self, x: ga.Tensor) -> ga.Tensor:
        mean = ga.mean(x, axis=0)
        scale = 1 / (1 + self.calls.astype("float32"))
        return self.mean.advance(0.9 * self.mean + 0.1 * mean, (x - mean) * (1 + scale))


def training(target: str) -> tuple[nn.Sequential, Any]:
    x, t = ga.input("x", ("N", 3)), ga.input("t", ("N",), "int64")
    model = nn.Sequential(nn.Linear(3, 4), Running(), nn.Linear(4, 2), seed=3)
    optimizer = optim.SGD(lr=0.1, momentum=0.9)
    loss = nn.functional.cross_entropy(model(x), t)
    step = ga.compile([x, t], loss, updates=optimizer.minimize(loss, model.parameters()), target=target)
    loader = data.Loader(POINTS, LABELS, 8, 0)
    return model, lambda epochs, folder: train.fit(
        step, loader, epochs, model=model, optimizer=optimizer, checkpoint=folder, resume=True
    )


def check(target: str, folder: Path) -> None:
    whole, run = training(target)
    run(4, None)
    assert whole.state_dict()["1.calls"] == 4 * 7
    assert whole.state_dict()["1.mean"].any()
    _, begin = training(target)
    begin(2, folder)
    resumed, go_on = training(target)
    go_on(4, folder)
    assert same(resumed.state_dict(), whole.state_dict())
    alone, _ = training(target)
    train.load_model(folder / "last.safetensors", alone)
    assert same(alone.state_dict(), whole.state_dict())


def test_a_training_with_states_resumes_to_the_bit(tmp_path: Path) -> None:
    check("numpy", tmp_path / "numpy")
    check("cpu", tmp_path / "cpu")
