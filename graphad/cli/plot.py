"""The picture of a training: how loss and accuracy went, and what the model sees in test images."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphad._lazy import lazy_import
from graphad.data import Dataset
from graphad.figures import write_figure
from graphad.train import History

figures = lazy_import("matplotlib.figure", extra="plot")

ROWS, COLUMNS = 5, 8
RIGHT, WRONG = "#1a7f37", "#cf222e"


def training(path: Path, history: History, dataset: Dataset, predicted: NDArray[Any]) -> None:
    """Draws curves and digits into ``path``; the digits told wrong come first, in red."""
    figure = draw(history, dataset, predicted)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_figure(figure, path)


def draw(history: History, dataset: Dataset, predicted: NDArray[Any]) -> Any:
    """The figure itself."""
    figure = figures.Figure(figsize=(12, 5.6), layout="constrained")  # no pyplot: no state, no window, Agg
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.25))
    _curves(left, history)
    _digits(right, dataset, predicted)
    return figure


def _curves(figure: Any, history: History) -> None:
    loss, accuracy = figure.subplots(2, 1, sharex=True)
    epochs = np.arange(1, len(history) + 1)
    marker = "o-" if len(history) < 10 else "-"  # one epoch draws no line
    loss.semilogy(epochs, history.loss, marker, color="#0969da")
    loss.set_ylabel("training loss")
    loss.grid(alpha=0.3)
    accuracy.plot(epochs, 100 * np.array(history.accuracy), marker, color=RIGHT)
    accuracy.set_ylabel("test accuracy, %")
    accuracy.set_xlabel("epoch")
    accuracy.set_ylim(max(0.0, 100 * min(history.accuracy[len(history) // 4 :]) - 2), 100.5)
    accuracy.grid(alpha=0.3)
    loss.set_title(f"LeNet-5: {history.accuracy[-1]:.2%} of the test images after {len(history)} epochs")


def _digits(figure: Any, dataset: Dataset, predicted: NDArray[Any]) -> None:
    wrong = predicted != dataset.test_labels
    order = np.argsort(~wrong, kind="stable")[: ROWS * COLUMNS]
    figure.suptitle(f"test images and predictions: {int(wrong.sum())} of {len(wrong)} wrong, in red, come first")
    axes = list(figure.subplots(ROWS, COLUMNS).flat)
    for axis in axes:
        axis.set_axis_off()
    for axis, i in zip(axes, order, strict=False):
        axis.imshow(dataset.test_images[i, 0], cmap="gray_r", vmin=0, vmax=1)
        name, true = dataset.names[predicted[i]], dataset.names[dataset.test_labels[i]]
        axis.set_title(f"{name}, is {true}" if wrong[i] else name, color=WRONG if wrong[i] else RIGHT, fontsize=10)
