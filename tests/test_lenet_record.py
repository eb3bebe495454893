"""The frozen record of torch's training: its batches can be drawn again, and it holds what a comparison needs."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.lenet_data import batches

RECORD = Path(__file__).parent / "data" / "lenet_torch_20_steps.npz"


@pytest.fixture(scope="module")
def record() -> dict[str, np.ndarray]:
    with np.load(RECORD) as file:
        return dict(file)


def test_the_batches_of_the_record_are_drawn_again(record: dict[str, np.ndarray]) -> None:
    """Fails where NumPy's generator draws other numbers, before a comparison of weights fails for no clear reason."""
    drawn = batches(int(record["steps"]), int(record["batch_size"]), int(record["seed"]))
    images, labels = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    weighted = (labels * (1 + np.arange(labels.size))).sum(dtype=np.float64)
    np.testing.assert_allclose(record["checksum"], [images.sum(dtype=np.float64), weighted], rtol=1e-12)


def test_the_record_holds_start_and_end_of_each_parameter(record: dict[str, np.ndarray]) -> None:
    layers = {"0": (6, 1, 5, 5), "3": (16, 6, 5, 5), "7": (120, 400), "9": (84, 120), "11": (10, 84)}
    for layer, shape in layers.items():
        for name, expected in ((f"{layer}.weight", shape), (f"{layer}.bias", shape[:1])):
            start, end = record[f"start/{name}"], record[f"end/{name}"]
            assert start.shape == end.shape == expected
            assert start.dtype == end.dtype == np.float32
            assert np.abs(end - start).max() > 1e-3
