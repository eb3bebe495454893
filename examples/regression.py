"""Linear regression, logistic regression and a support vector machine: three losses of one linear model.

python examples/regression.py
"""

from collections.abc import Callable

import numpy as np

import graphad as ga
from graphad import nn, optim
from graphad.nn import functional as F  # noqa: N812 (the name everybody knows)

FEATURES = 3
TRUE_WEIGHT = np.array([1.5, -2.0, 0.5], np.float32)
TRUE_BIAS = np.float32(0.25)

Loss = Callable[[ga.Tensor, ga.Tensor], ga.Tensor]


def train(loss_of: Loss, points: np.ndarray, targets: np.ndarray, steps: int, decay: float = 0.0) -> nn.Linear:
    """A linear model after ``steps`` of Adam on all points."""
    x = ga.input("x", ("N", FEATURES))
    y = ga.input("y", ("N",))
    model = nn.Linear(FEATURES, 1)
    loss = loss_of(ga.squeeze(model(x), 1), y)
    optimizer = optim.Adam(lr=0.05, weight_decay=decay)
    step = ga.compile([x, y], loss, updates=optimizer.minimize(loss, model.parameters()))
    for _ in range(steps):
        step(points, targets)
    return model


def agreement(model: nn.Linear, points: np.ndarray, signs: np.ndarray) -> float:
    """The share of points on the right side of the plane."""
    weight, bias = model.state_dict().values()
    return float((np.sign(points @ weight[0] + bias[0]) == signs).mean())


def main(steps: int = 400) -> None:
    generator = np.random.default_rng(0)
    points = generator.normal(size=(500, FEATURES)).astype(np.float32)
    values = points @ TRUE_WEIGHT + TRUE_BIAS
    noise = generator.normal(scale=0.1, size=500).astype(np.float32)
    signs = np.sign(values + noise)

    linear = train(F.mse_loss, points, values + noise, steps)
    print("linear regression   weight", linear.state_dict()["weight"][0].round(2), "of", TRUE_WEIGHT)
    logistic = train(F.binary_cross_entropy_with_logits, points, (signs + 1) / 2, steps)
    print(f"logistic regression {agreement(logistic, points, signs):.1%} of the points on their side")
    machine = train(F.hinge_loss, points, signs, steps, decay=1e-3)
    print(f"support vectors     {agreement(machine, points, signs):.1%} of the points on their side")


if __name__ == "__main__":
    main()
