"""The picture: curves of the right length, and the digits told wrong first."""

import numpy as np

from graphad.cli import plot
from graphad.data import Dataset
from graphad.train import History

IMAGES = np.random.default_rng(0).random((50, 1, 32, 32), np.float32)
LABELS = np.arange(50) % 10
DATASET = Dataset(IMAGES, LABELS, IMAGES, LABELS, tuple("abcdefghij"))


def test_wrong_predictions_come_first_and_in_red() -> None:
    predicted = LABELS.copy()
    predicted[[7, 49]] = 0
    figure = plot.draw(History([2.0, 1.0], [0.5, 0.9], [0.1, 0.1], [1.0, 1.0]), DATASET, predicted)
    grid = [axis for axis in figure.axes if axis.images]
    assert len(grid) == plot.ROWS * plot.COLUMNS
    titles = [(axis.get_title(), axis.title.get_color()) for axis in grid[:3]]
    assert titles == [("a, is h", plot.WRONG), ("a, is j", plot.WRONG), ("a", plot.RIGHT)]
    np.testing.assert_array_equal(grid[0].images[0].get_array(), IMAGES[7, 0])


def test_the_curves_have_a_point_an_epoch() -> None:
    figure = plot.draw(History([2.0], [0.5], [0.1], [1.0]), DATASET, LABELS[:50])
    lines = [line.get_ydata().tolist() for axis in figure.axes for line in axis.lines]
    assert lines == [[2.0], [50.0]]
