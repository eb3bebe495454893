"""Batches: every example once, in an order that (seed, epoch) decides, shifted by an honest shift."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from graphad.data import DataError, Loader, random_shift

Batch = tuple[NDArray[np.generic], NDArray[np.generic]]


def loader(count: int = 10, batch: int = 3, seed: int = 0, **options: bool) -> Loader:
    labels = np.arange(count)
    return Loader(labels.astype(np.float32).reshape(-1, 1, 1, 1), labels, batch, seed, **options)


def order(batches: list[Batch]) -> list[int]:
    return [int(label) for _, labels in batches for label in labels]


@given(count=st.integers(0, 40), batch=st.integers(1, 12), epoch=st.integers(0, 5), drop_last=st.booleans())
def test_every_example_comes_exactly_once(count: int, batch: int, epoch: int, drop_last: bool) -> None:
    subject = loader(count, batch, drop_last=drop_last)
    batches = list(subject.epoch(epoch))
    sizes = [len(labels) for _, labels in batches]
    assert len(batches) == len(subject)
    assert sizes[:-1] == [batch] * (len(sizes) - 1)
    if drop_last:
        assert len(set(order(batches))) == count // batch * batch
    else:
        assert sorted(order(batches)) == list(range(count))


def test_images_keep_their_labels() -> None:
    for images, labels in loader().epoch(0):
        assert images.ravel().tolist() == labels.tolist()


def test_an_epoch_can_be_repeated_without_those_before() -> None:
    first = loader()
    epochs = [order(list(first.epoch(k))) for k in range(3)]
    assert order(list(loader().epoch(2))) == epochs[2]
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_the_seed_decides_the_order() -> None:
    assert order(list(loader(seed=0).epoch(0))) != order(list(loader(seed=1).epoch(0)))


def test_augmentation_is_repeated_with_its_epoch() -> None:
    images = np.random.default_rng(0).random((9, 2, 6, 6), dtype=np.float32)
    subject = Loader(images, np.arange(9), 4, seed=3, augment=random_shift(2))
    once, again, other = ([x for x, _ in subject.epoch(k)] for k in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(once, other, strict=True))


def test_batches_are_contiguous_copies() -> None:
    source = np.zeros((6, 1, 4, 4), dtype=np.float32).transpose(0, 1, 3, 2)
    for augment in (None, random_shift(1)):
        for images, labels in Loader(source, np.arange(6), 4, seed=0, augment=augment).epoch(0):
            assert images.flags.c_contiguous
            assert labels.flags.c_contiguous
            images += 1
    assert not source.any()


def test_a_shift_moves_each_image_whole_and_fills_with_zeros() -> None:
    images = np.random.default_rng(0).random((200, 2, 5, 7)).astype(np.float32) + 1
    shifted = random_shift(2)(images, np.random.default_rng(1))
    assert shifted.dtype == images.dtype
    seen = set()
    for image, result in zip(images, shifted, strict=True):
        matches = [by for by in product(range(-2, 3), repeat=2) if np.array_equal(moved(image, *by), result)]
        assert len(matches) == 1
        seen.add(matches[0])
    assert len(seen) == 25  # every shift is drawn, and the images independently


def moved(image: NDArray[np.float32], down: int, right: int) -> NDArray[np.float32]:
    """One image shifted, pixel by pixel."""
    result = np.zeros_like(image)
    _, height, width = image.shape
    for y, x in product(range(height), range(width)):
        if 0 <= y - down < height and 0 <= x - right < width:
            result[:, y, x] = image[:, y - down, x - right]
    return result


def test_no_shift_is_the_image() -> None:
    images = np.random.default_rng(0).random((3, 1, 4, 4))
    np.testing.assert_array_equal(random_shift(0)(images, np.random.default_rng(0)), images)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(DataError, match=r"^Loader: 3 images, 2 labels"):
        Loader(np.zeros(3), np.zeros(2), 1, seed=0)
    with pytest.raises(DataError, match=r"batch_size is an integer >= 1, got 0"):
        Loader(np.zeros(3), np.zeros(3), 0, seed=0)
    with pytest.raises(DataError, match=r"seed is an integer >= 0, got -1"):
        Loader(np.zeros(3), np.zeros(3), 1, seed=-1)
    with pytest.raises(DataError, match=r"pixels, how far .* got -1"):
        random_shift(-1)
