"""LeNet-5 trains as in torch: 20 steps from the same start end at the same weights."""

from pathlib import Path

import numpy as np
import pytest

import graphad as ga
from benchmarks.lenet_data import batches
from graphad import nn, optim

RECORD = Path(__file__).parent.parent / "data" / "lenet_torch_20_steps.npz"
TOLERANCE = 1e-6  # of float32; torch's own float64 weights are 7e-8 away


@pytest.mark.parametrize("target", ["numpy", "cpu"])
def test_20_steps_end_at_torchs_weights(target: str) -> None:
    with np.load(RECORD) as file:
        record = dict(file)
    x, t = ga.input("x", ("N", 1, 32, 32)), ga.input("t", ("N",), "int64")
    model = nn.models.lenet5()
    model.load_state_dict({n.removeprefix("start/"): v for n, v in record.items() if n.startswith("start/")})
    loss = nn.functional.cross_entropy(model(x), t)
    updates = optim.SGD(lr=0.05, momentum=0.9).minimize(loss, model.parameters())
    step = ga.compile([x, t], loss, updates=updates, target=target)
    data = batches(int(record["steps"]), int(record["batch_size"]), int(record["seed"]))
    losses = [step(images, labels) for images, labels in data]
    np.testing.assert_allclose(losses, record["losses"], rtol=1e-6)
    for name, value in model.state_dict().items():
        np.testing.assert_allclose(value, record[f"end/{name}"], rtol=0, atol=TOLERANCE)
