"""Models ready to train."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from graphad.nn.activation import ReLU
from graphad.nn.container import Sequential
from graphad.nn.conv import Conv2d
from graphad.nn.linear import Flatten, Linear
from graphad.nn.pool import MaxPool2d
from graphad.ops.arithmetic import relu


def lenet5(classes: int = 10, seed: int = 0) -> Sequential:
    """LeNet-5 for images (N, 1, 32, 32) -> logits (N, classes); 61,706 parameters.

    LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, Proc. IEEE 86, 1998,
    in the variant of today: ReLU, max-pooling, and each channel of the second convolution sees all of the first.

    >>> sum(p.storage.size for p in lenet5().parameters())
    61706
    """
    features = (Conv2d(1, 6, 5), ReLU(), MaxPool2d(2), Conv2d(6, 16, 5), ReLU(), MaxPool2d(2))
    classifier = (Linear(400, 120), ReLU(), Linear(120, 84), ReLU(), Linear(84, classes))
    return Sequential(*features, Flatten(), *classifier, seed=seed)


def mlp(sizes: Sequence[int], activation: Callable[..., Any] = relu, seed: int = 0) -> Sequential:
    """A multi-layer perceptron: Linear(sizes[0], sizes[1]), activation, Linear(sizes[1], sizes[2]), ...

    >>> len(mlp([2, 16, 1]))
    3
    """
    layers: list[Callable[..., Any]] = []
    for inputs, outputs in pairwise(sizes):
        layers += [activation, Linear(inputs, outputs)]
    return Sequential(*layers[1:], seed=seed)
