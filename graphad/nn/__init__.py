"""Layers: functions of tensors that own parameters.

* `functional`: the functions themselves, as torch.nn.functional's
* `module`: `Module`, what every layer is; `container`: `Sequential`
* `conv`, `pool`, `linear`, `activation`: the layers
* `init`: initial values; `storage`: values out and in by name
* `models`: LeNet-5, multi-layer perceptrons; `summary`: a model's table
"""

from graphad.nn import functional, init, models
from graphad.nn.activation import ReLU, Sigmoid, Softmax, Tanh
from graphad.nn.container import Sequential
from graphad.nn.conv import Conv1d, Conv2d, Conv3d
from graphad.nn.linear import Flatten, Linear
from graphad.nn.module import Module
from graphad.nn.pool import AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d, MaxPool2d, MaxPool3d
from graphad.nn.storage import StateError
from graphad.nn.summary import Row, summary

__all__ = [
    "functional",
    "init",
    "models",
    "Module",
    "Sequential",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "Linear",
    "Flatten",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "Row",
    "StateError",
    "summary",
]
