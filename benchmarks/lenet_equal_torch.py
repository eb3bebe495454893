"""Do 20 steps of training end at torch's weights? From the same start, on the same batches in the same order.

python -m benchmarks.lenet_equal_torch                 print the largest difference of each parameter
python -m benchmarks.lenet_equal_torch --record FILE   write torch's start and end, for the tests
"""

import argparse
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.lenet_data import Batch, batches
from benchmarks.nets import LENET5
from benchmarks.peers.torch_net import module

STEPS, SIZE, SEED = 20, 32, 0
Weights = dict[str, NDArray[Any]]


def train_torch(dtype: torch.dtype = torch.float32) -> tuple[Weights, Weights, list[float]]:
    """Weights before, weights after, and the loss of each step before its update."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # a fixed order of summation
    model = torch.nn.Sequential(*map(module, LENET5)).to(dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    start = _weights(model)
    losses = []
    for images, labels in batches(STEPS, SIZE, SEED):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(torch.from_numpy(images).to(dtype)), torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return start, _weights(model), losses


def train_graphad(start: Weights) -> Weights:
    """The weights after the same steps in graphad."""
    ga: Any = importlib.import_module("graphad")  # --record needs no graphad
    model = ga.nn.models.lenet5()
    model.load_state_dict(start)
    x, t = ga.input("x", ("N", 1, 32, 32)), ga.input("t", ("N",), dtype="int64")
    loss = ga.nn.functional.cross_entropy(model(x), t)
    updates = ga.optim.SGD(lr=0.05, momentum=0.9).minimize(loss, model.parameters())
    step = ga.compile([x, t], loss, updates=updates, threads=1)
    for images, labels in batches(STEPS, SIZE, SEED):
        step(images, labels)
    return {name: np.asarray(value) for name, value in model.state_dict().items()}


def checksum(data: list[Batch]) -> NDArray[np.float64]:
    """Sums of all images and all labels, to notice a NumPy that draws other numbers."""
    images, labels = (np.concatenate(parts) for parts in zip(*data, strict=True))
    return np.array([images.sum(dtype=np.float64), (labels * (1 + np.arange(labels.size))).sum(dtype=np.float64)])


def record(path: Path) -> None:
    """Write start, end and losses as float32, and what it takes to draw the same batches."""
    start, end, losses = train_torch()
    np.savez_compressed(
        path,
        steps=STEPS,
        batch_size=SIZE,
        seed=SEED,
        torch_version=torch.__version__,
        checksum=checksum(batches(STEPS, SIZE, SEED)),
        losses=np.array(losses, np.float32),
        **{f"start/{name}": value for name, value in start.items()},
        **{f"end/{name}": value for name, value in end.items()},
    )
    _, exact, _ = train_torch(torch.float64)
    print(f"{path}: {path.stat().st_size} bytes, loss {losses[0]:.3f} to {losses[-1]:.3f}, torch {torch.__version__}")
    print("largest difference between torch in float32 and in float64:")
    compare(end, exact, start)


def compare(ours: Weights, theirs: Weights, start: Weights) -> None:
    """Print, for each parameter, the largest difference and how far training moved it."""
    for name, value in theirs.items():
        moved = np.abs(value - start[name]).max()
        print(f"{name:12} {np.abs(ours[name] - value).max():.2e}   moved by {moved:.2e}")


def _weights(model: torch.nn.Module) -> Weights:
    return {name: value.detach().numpy().copy() for name, value in model.state_dict().items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", type=Path)
    path = parser.parse_args().record
    if path:
        record(path)
        return
    start, end, _ = train_torch()
    compare(train_graphad(start), end, start)


if __name__ == "__main__":
    main()
