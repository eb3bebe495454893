"""Batches for LeNet-5 that need only NumPy: ten coarse patterns under noise, so that there is something to learn."""

import numpy as np
from numpy.typing import NDArray

Batch = tuple[NDArray[np.float32], NDArray[np.int64]]


def batches(count: int, size: int, seed: int = 0) -> list[Batch]:
    """`count` batches of images float32 (size, 1, 32, 32) in [0, 1] and labels int64 (size,), drawn from `seed`."""
    generator = np.random.default_rng(seed)
    patterns = generator.random((10, 1, 8, 8), dtype=np.float32).repeat(4, axis=2).repeat(4, axis=3)
    return [_batch(generator, patterns, size) for _ in range(count)]


def _batch(generator: np.random.Generator, patterns: NDArray[np.float32], size: int) -> Batch:
    labels = generator.integers(0, 10, size)
    noise = generator.random((size, 1, 32, 32), dtype=np.float32)
    return np.float32(0.75) * patterns[labels] + np.float32(0.25) * noise, labels
