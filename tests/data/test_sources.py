"""Digits and MNIST: shapes, ranges, splits, and errors that name what is missing."""

from pathlib import Path

import numpy as np
import pytest

from graphad.data import DataError, Dataset, digits, idx, mnist


def test_digits_have_the_shapes_of_lenet() -> None:
    data = digits()
    for images, labels in ((data.train_images, data.train_labels), (data.test_images, data.test_labels)):
        assert images.dtype == np.float32
        assert images.shape == (len(labels), 1, 32, 32)
        assert labels.dtype == np.int64
        assert images.flags.c_contiguous
        assert (images.min(), images.max()) == (0, 1)
    assert len(data.train_labels) + len(data.test_labels) == 1797
    assert data.names == tuple("0123456789")


def test_digits_repeat_each_pixel() -> None:
    image = digits().train_images[0, 0]
    np.testing.assert_array_equal(image, np.kron(image[::4, ::4], np.ones((4, 4))))


@pytest.mark.parametrize("holdout", [0.1, 0.2, 0.5])
def test_each_class_gives_its_share(holdout: float) -> None:
    data = digits(holdout=holdout)
    train, test = np.bincount(data.train_labels), np.bincount(data.test_labels)
    np.testing.assert_array_equal(test, np.round((train + test) * holdout))


def test_the_split_is_drawn_from_the_seed() -> None:
    same, other = digits(seed=1), digits(seed=2)
    np.testing.assert_array_equal(same.test_images, digits(seed=1).test_images)
    assert not np.array_equal(same.test_images, other.test_images)


def test_the_split_loses_and_doubles_nothing() -> None:
    def total(data: Dataset) -> float:
        return float(data.train_images.sum(dtype=np.float64) + data.test_images.sum(dtype=np.float64))

    assert total(digits(seed=1)) == total(digits(seed=2, holdout=0.5))


@pytest.mark.parametrize("holdout", [0, 1, -0.1, 20])
def test_holdout_is_a_share(holdout: float) -> None:
    with pytest.raises(DataError, match=f"holdout is a share between 0 and 1, got {holdout}"):
        digits(holdout=holdout)


def fill(folder: Path, dot: bool = False, suffix: str = "") -> None:
    generator = np.random.default_rng(0)
    for part, count in (("train", 5), ("t10k", 3)):
        images = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        before = "." if dot else "-"
        idx.write(folder / f"{part}-images{before}idx3-ubyte{suffix}", images)
        idx.write(folder / f"{part}-labels{before}idx1-ubyte{suffix}", np.arange(count, dtype=np.uint8))


@pytest.mark.parametrize("dot", [False, True])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_mnist_is_found_under_its_usual_names(tmp_path: Path, dot: bool, suffix: str) -> None:
    fill(tmp_path, dot, suffix)
    data = mnist(tmp_path)
    assert data.train_images.shape == (5, 1, 32, 32)
    assert data.test_images.shape == (3, 1, 32, 32)
    assert data.test_images.dtype == np.float32
    assert data.train_labels.tolist() == [0, 1, 2, 3, 4]
    assert data.train_labels.dtype == np.int64


def test_mnist_is_scaled_and_padded_by_two(tmp_path: Path) -> None:
    fill(tmp_path)
    raw = idx.read(tmp_path / "train-images-idx3-ubyte")
    image = mnist(tmp_path).train_images[0, 0]
    np.testing.assert_allclose(image[2:30, 2:30], raw[0] / 255, rtol=1e-6)
    assert not image[[0, 1, 30, 31]].any()
    assert not image[:, [0, 1, 30, 31]].any()


def test_mnist_names_every_missing_file(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    (tmp_path / "t10k-images-idx3-ubyte").unlink()
    with pytest.raises(DataError, match=r": no train-labels-idx1-ubyte, no t10k-images-idx3-ubyte \("):
        mnist(tmp_path)


def test_mnist_refuses_images_of_another_size(tmp_path: Path) -> None:
    fill(tmp_path)
    idx.write(tmp_path / "t10k-images-idx3-ubyte", np.zeros((3, 8, 8), dtype=np.uint8))
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte: expected .*28, 28\], got uint8\[3, 8, 8\]"):
        mnist(tmp_path)


def test_mnist_refuses_labels_of_another_number(tmp_path: Path) -> None:
    fill(tmp_path)
    idx.write(tmp_path / "train-labels-idx1-ubyte", np.zeros(4, dtype=np.uint8))
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte: expected labels uint8\[5\].*, got uint8\[4\]"):
        mnist(tmp_path)
