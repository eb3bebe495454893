"""Measures of a trained model."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphad.arrays import masked
from graphad.build import refuse
from graphad.checks import function, shown, whole
from graphad.train.errors import TrainingError


def predictions(predict: Callable[[NDArray[Any]], Any], images: NDArray[Any], batch_size: int = 256) -> NDArray[Any]:
    """``predict`` of all images, in batches: one class each."""
    function("predictions", "predict", predict, "a batch of images", TrainingError)
    batch_size = whole("predictions", "batch_size", batch_size, 1, error=TrainingError)
    images = _rows("images", images)
    if not len(images):
        return np.zeros(0, np.int64)
    parts = [np.asarray(predict(images[i : i + batch_size])) for i in range(0, len(images), batch_size)]
    found = np.concatenate(parts) if all(part.ndim for part in parts) else np.array(parts)
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
    labels = _rows("labels", labels)
    if labels.shape != (len(_rows("images", images)),):
        refuse(TrainingError, "accuracy", (), f"{len(images)} images need as many labels, got {list(labels.shape)}")
    return float((predictions(predict, images, batch_size) == labels).mean())


def _rows(what: str, value: object) -> NDArray[Any]:
    if not isinstance(value, np.ndarray) or masked(value) or not value.ndim:
        refuse(TrainingError, "accuracy", (), f"{what} is an array with the examples along axis 0, got {shown(value)}")
    return value
