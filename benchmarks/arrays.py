"""Work on arrays of 64 MiB, as fast as memory allows: written once for any library, like the arm."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

ROWS, COLUMNS = 16_384, 1_024
EPSILON = 1e-5  # below the variance in layer norm
KINDS = ("elementwise-chain", "layer-norm", "softmax-cross-entropy")
BYTES = 2 * 4 * ROWS * COLUMNS
"""Bytes that each of them cannot but move: the array is read, one of its size (outputs or the gradient) written."""


def data() -> NDArray[np.float32]:
    """The array float32 (16384, 1024), normal numbers: 64 MiB."""
    return np.random.default_rng(0).standard_normal((ROWS, COLUMNS), dtype=np.float32)


def labels() -> NDArray[np.int64]:
    """A class for each row."""
    return np.random.default_rng(1).integers(0, COLUMNS, ROWS)


def gains() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Layer norm's gain and shift, (1024,) each."""
    draw = np.random.default_rng(2)
    return draw.random(COLUMNS, dtype=np.float32), draw.random(COLUMNS, dtype=np.float32)


def chain(library: Any, x: Any) -> Any:
    """Ten elementwise operations, none of them transcendental."""
    y = abs(x * 1.5 - 0.75)
    y = library.relu(y * x + 0.5)
    y = y * 0.25 - x
    return y * y + 1.0
