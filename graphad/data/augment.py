"""Changes drawn at random for each image of a batch, that leave its label true."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from graphad.checks import shown, whole
from graphad.data.errors import DataError

Augment = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]
"""images (n, channels, height, width), the epoch's generator -> images of the same shape and dtype"""


def random_shift(pixels: int = 3) -> Augment:
    """Shift each image by up to `pixels` along height and width, independently; zeros come in at the border.

    >>> images = np.ones((2, 1, 4, 4), dtype=np.float32)
    >>> random_shift(1)(images, np.random.default_rng(0)).shape
    (2, 1, 4, 4)
    """
    whole("random_shift", "pixels, how far to shift at most,", pixels, 0, 2**15, DataError)

    def shift(images: NDArray[Any], generator: np.random.Generator) -> NDArray[Any]:
        given: object = images  # the user's: may be anything
        if not isinstance(given, np.ndarray) or given.ndim != 4:
            raise DataError(f"random_shift: takes images (n, channels, height, width), got {shown(given)}")
        count, _, height, width = images.shape
        padded = np.pad(images, ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels)))
        down, right = generator.integers(0, 2 * pixels + 1, size=(2, count))
        # windows[i, :, y, x] is image i shifted by (pixels - y, pixels - x)
        windows = sliding_window_view(padded, (height, width), axis=(2, 3))
        shifted: NDArray[Any] = windows[np.arange(count), :, down, right]
        return shifted

    return shift
