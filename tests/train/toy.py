"""A small training to break, resume and compare: points of two classes, a perceptron."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import graphad as ga
from graphad import data, nn, optim, train

DRAW = np.random.default_rng(0)
POINTS = DRAW.normal(size=(50, 3)).astype(np.float32)
LABELS = (POINTS.sum(1) > 0).astype(np.int64)


@dataclass
class Toy:
    """Everything ``train.fit`` takes."""

    model: nn.Sequential
    optimizer: optim.Optimizer
    step: Callable[..., Any]
    predict: Callable[..., Any]
    loader: data.Loader

    def fit(self, epochs: int, folder: Path | None = None, **more: Any) -> train.History:
        return train.fit(
            more.pop("step", self.step),
            self.loader,
            epochs,
            model=self.model,
            optimizer=self.optimizer,
            schedule=optim.CosineLR(self.optimizer, 6),
            validate=more.pop("validate", lambda: train.accuracy(self.predict, POINTS, LABELS)),
            checkpoint=folder,
            **more,
        )

    def weights(self) -> dict[str, np.ndarray]:
        return self.model.state_dict() | self.optimizer.state_dict()


def toy(seed: int = 0, width: int = 4, optimizer: optim.Optimizer | None = None, target: str = "numpy") -> Toy:
    x, t = ga.input("x", ("N", 3)), ga.input("t", ("N",), "int64")
    model = nn.models.mlp([3, width, 2], seed=seed)
    optimizer = optimizer or optim.Adam(lr=0.03)
    logits = model(x)
    loss = nn.functional.cross_entropy(logits, t)
    step = ga.compile([x, t], loss, updates=optimizer.minimize(loss, model.parameters()), target=target)
    predict = ga.compile([x], ga.argmax(logits, axis=1), target=target)
    return Toy(model, optimizer, step, predict, data.Loader(POINTS, LABELS, 8, seed))


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Equal to the last bit."""
    return list(a) == list(b) and all(a[name].tobytes() == b[name].tobytes() for name in a)
