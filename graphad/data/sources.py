"""Sets of images: UCI digits, which come with scikit-learn, and MNIST from files that the user has."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphad._lazy import lazy_import
from graphad.checks import number_of, shown, whole
from graphad.data import idx
from graphad.data.dataset import Dataset
from graphad.data.errors import DataError

datasets = lazy_import("sklearn.datasets", extra="data")

DIGITS = tuple("0123456789")
MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def digits(seed: int = 0, holdout: float = 0.2) -> Dataset:
    """The 1,797 UCI digits: images float32 (n, 1, 32, 32) in [0, 1], labels int64 (n,).

    The 8x8 images become LeNet-5's 32x32 by repeating each pixel 4x4 times (bilinear trains no better). A share
    `holdout` of each class, drawn from `seed`, is kept for testing.

    >>> digits()
    Dataset(1438 + 359 images of 1x32x32, 10 classes)
    """
    seed = whole("digits", "seed", seed, 0, error=DataError)
    if not 0 < number_of(holdout) < 1:
        raise DataError(f"digits: holdout is a share between 0 and 1, got {shown(holdout)}")
    images, labels = datasets.load_digits(return_X_y=True)
    small = (images / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    large = small.repeat(4, axis=2).repeat(4, axis=3)
    train, test = _stratified(labels, seed, holdout)
    labels = labels.astype(np.int64)
    return Dataset(large[train], labels[train], large[test], labels[test], DIGITS)


def mnist(folder: str | PathLike[str]) -> Dataset:
    """MNIST from its four IDX files in `folder`, float32 (n, 1, 32, 32) in [0, 1], labels int64.

    Each file may be plain or `.gz`, named `train-images-idx3-ubyte` or `train-images.idx3-ubyte`.
    The 28x28 images get two black pixels on each side. Other sets in this form (Fashion-MNIST) load as well.
    """
    given: object = folder  # the user's: may be anything
    if not isinstance(given, str | PathLike):
        raise DataError(f"mnist: the folder is a path, got {shown(given)}")
    train_images, train_labels, test_images, test_labels = _find(Path(folder))
    train = _images_and_labels(train_images, train_labels)
    test = _images_and_labels(test_images, test_labels)
    return Dataset(*train, *test, DIGITS)


def _stratified(labels: NDArray[Any], seed: int, holdout: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices for training and for testing; the latter are the share `holdout` of every class."""
    generator = np.random.default_rng(seed)
    test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        test[members[: round(holdout * len(members))]] = True
    return np.flatnonzero(~test), np.flatnonzero(test)


def _find(folder: Path) -> list[Path]:
    """The four files, in the order of MNIST_FILES."""
    found = {name: next(filter(Path.is_file, _candidates(folder, name)), None) for name in MNIST_FILES}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise DataError(f"{folder}: no {', no '.join(missing)} (also looked for .gz and for '.' before idx)")
    return [path for path in found.values() if path is not None]


def _candidates(folder: Path, name: str) -> list[Path]:
    spellings = (name, name.replace("-idx", ".idx"))
    return [folder / (spelling + suffix) for spelling in spellings for suffix in ("", ".gz")]


def _images_and_labels(images: Path, labels: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    x, t = idx.read(images), idx.read(labels)
    if x.dtype != np.uint8 or x.shape[1:] != (28, 28):
        raise DataError(f"{images}: expected images uint8[n, 28, 28], got {x.dtype}{list(x.shape)}")
    if t.dtype != np.uint8 or t.shape != x.shape[:1]:
        raise DataError(f"{labels}: expected labels uint8[{len(x)}], as many as images, got {t.dtype}{list(t.shape)}")
    scaled = x.astype(np.float32) / np.float32(255)
    return np.pad(scaled, ((0, 0), (2, 2), (2, 2)))[:, None], t.astype(np.int64)
