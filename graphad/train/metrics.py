"""Measures of a trained model."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphad.train.errors import TrainingError


def predictions(predict: Callable[[NDArray[Any]], Any], images: NDArray[Any], batch_size: int = 256) -> NDArray[Any]:
    """``predict`` of all images, in batches: one class each."""
    parts = [np.asarray(predict(images[i : i + batch_size])) for i in range(0, len(images), batch_size)]
    found = np.concatenate(parts)
    if found.shape != (len(images),):
        raise TrainingError(
            f"predict answers one class for each image, shape [{len(images)}], got {list(found.shape)}; "
            "compile ga.argmax(model(x), axis=1)?"
        )
    return found


def accuracy(
    predict: Callable[[NDArray[Any]], Any], images: NDArray[Any], labels: NDArray[Any], batch_size: int = 256
) -> float:
    """The share of images whose predicted class is the label.

    >>> accuracy(lambda images: images > 0, np.array([-1.0, 2.0, 3.0]), np.array([0, 1, 0]))
    0.6666666666666666
    """
    return float((predictions(predict, images, batch_size) == labels).mean())
