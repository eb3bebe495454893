"""Batches of an epoch, shuffled so that any epoch can be repeated."""

from collections.abc import Iterator
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from graphad.arrays import masked
from graphad.build import refuse
from graphad.checks import flag, function, shown, whole
from graphad.data.augment import Augment
from graphad.data.errors import DataError


def _rows(what: str, value: object) -> NDArray[Any]:
    """An array with an axis of examples."""
    if not isinstance(value, np.ndarray) or masked(value) or not value.ndim:
        refuse(DataError, "Loader", (), f"{what} is an array with the examples along axis 0, got {shown(value)}")
    return value


@final
class Loader:
    """Shuffled batches of `images` (n, ...) and `labels` (n,), each example once an epoch.

    The order and the augmentation of epoch k are drawn from (seed, k) alone: training resumed at epoch k
    sees what it would have seen. Without `drop_last` the last batch may be smaller.

    >>> loader = Loader(np.arange(5.0), np.arange(5), batch_size=2, seed=0)
    >>> [labels.tolist() for _, labels in loader.epoch(0)] == [labels.tolist() for _, labels in loader.epoch(0)]
    True
    >>> len(loader)
    3
    """

    def __init__(
        self,
        images: NDArray[Any],
        labels: NDArray[Any],
        batch_size: int,
        seed: int,
        augment: Augment | None = None,
        drop_last: bool = False,
    ) -> None:
        self.images, self.labels = _rows("images", images), _rows("labels", labels)
        if len(images) != len(labels):
            raise DataError(f"Loader: {len(images)} images, {len(labels)} labels; each image needs its label")
        self.batch_size = whole("Loader", "batch_size", batch_size, 1, error=DataError)
        self.seed = whole("Loader", "seed", seed, 0, error=DataError)
        self.augment = augment
        if augment is not None:
            function("Loader", "augment", augment, "(images, generator)", DataError)
        self.drop_last = flag("Loader", "drop_last", drop_last, DataError)

    def __len__(self) -> int:
        """Batches of an epoch."""
        whole, rest = divmod(len(self.labels), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def epoch(self, k: int) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """The batches of epoch `k`, counted from 0: (images, labels), C-contiguous, copies."""
        return self._batches(whole("Loader.epoch", "k", k, 0, error=DataError))

    def _batches(self, k: int) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, k])))
        order = generator.permutation(len(self.labels))
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            yield self._batch(order[start : start + self.batch_size], generator)

    def _batch(self, rows: NDArray[np.intp], generator: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
        images, labels = self.images[rows], self.labels[rows]
        if self.augment is not None:
            images = self.augment(images, generator)
        return np.ascontiguousarray(images), np.ascontiguousarray(labels)
