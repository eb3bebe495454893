"""Layers that do not fit say who, where, what was expected and what to write."""

from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad import nn
from graphad.nn import functional as F  # noqa: N812 (the name everybody knows)

X = ga.input("x", ("N", 3, 28, 28))
W = ga.input("w", (6, 3, 5, 5))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: F.conv2d(ga.input("x", ("N", 28, 28, 3)), W),
            "conv2d(float32[N,28,28,3], float32[6,3,5,5]): weight expects 3 input channels (OIHW axis 1), got 28 "
            "(axis 1 of x, NCHW); permute_dims(x, (0, 3, 1, 2))?",
        ),
        (
            lambda: F.conv2d(X, ga.input("w", (6, 3, 5, 5)), groups=2),
            "weight expects 6 = 3 times 2 groups input channels (OIHW axis 1), got 3 (axis 1 of x, NCHW)",
        ),
        (
            lambda: F.conv2d(X, ga.input("w", (5, 1, 5, 5)), groups=3),
            "5 output channels (OIHW axis 0 of weight) do not divide by 3 groups",
        ),
        (lambda: F.conv2d(ga.input("x", (3, 28, 28)), W), "x needs 4 dimensions, NCHW, got 3; expand_dims(x, 0)?"),
        (lambda: F.conv1d(X, W), "x needs 3 dimensions, NCL, got 4"),
        (lambda: F.conv2d(X, ga.input("w", (6, 3, 5))), "weight has 4 dimensions, OIHW, got 3"),
        (
            lambda: F.conv2d(X, ga.input("w", (6, 3, 5, 5), "float64")),
            "x and weight have one dtype, got float32 and float64; write x.astype('float64')",
        ),
        (lambda: F.conv2d(X.astype("int64"), W), "takes float32 or float64, got int64"),
        (
            lambda: F.conv2d(X, W, ga.input("b", (5,))),
            "bias expects one element for each of the 6 output channels, got [5]",
        ),
        (lambda: F.conv2d(X, W, stride=0), "stride is an integer >= 1 or 2 of them, got 0"),
        (lambda: F.conv2d(X, W, dilation=(1, 1, 1)), "dilation is an integer >= 1 or 2 of them, got (1, 1, 1)"),
        (lambda: F.conv2d(X, W, padding="full"), "padding is a number, pairs, 'same' or 'valid', got 'full'"),
        (lambda: F.conv2d(X, W, stride=2, padding="same"), "padding='same' needs stride 1, got [2, 2]; give numbers"),
        (lambda: F.conv2d(X, W, groups=0), "groups is an integer >= 1, got 0"),
        (
            lambda: F.conv2d(X, W, dilation=8, padding=1),
            "a window of 5 (dilation 8 spreads it to 33) does not fit axis 2 of x, which has 28 elements, 30 with "
            "padding; a smaller window, or more padding?",
        ),
        (lambda: F.max_pool2d(X, 30), "a window of 30 does not fit axis 2 of x, which has 28 elements;"),
        (lambda: F.max_pool2d(X, 2, padding=2), "padding is at most half the window of 2, got 2; pad(x, ...)?"),
        (lambda: F.avg_pool2d(X, (2, 0)), "kernel_size is an integer >= 1 or 2 of them, got (2, 0)"),
        (
            lambda: F.linear(ga.input("x", ("N", 16, 5, 5)), ga.input("w", (120, 400))),
            "weight expects 400 input features (axis 1 of weight), got 5 (axis -1 of x); reshape(x, (x.shape[0], -1))?",
        ),
        (lambda: F.linear(ga.input("x", ("N", 120)), ga.input("w", (120, 400))), "got 120 (axis -1 of x); weight.T?"),
        (lambda: F.linear(ga.input("x", ("N", 4)), ga.input("w", (4,))), "weight has 2 dimensions, (output, input)"),
        (
            lambda: F.linear(ga.input("x", ("N", 4)), ga.input("w", (2, 4)), ga.input("b", (3,))),
            "bias expects one element for each of the 2 output features, got [3]",
        ),
        (lambda: nn.Conv2d(3, 6, 5, groups=2), "3 input and 6 output channels do not divide by 2 groups"),
        (lambda: nn.Conv2d(3, 6, (5, 5, 5)), "Conv2d(): kernel_size is an integer >= 1 or 2 of them, got (5, 5, 5)"),
        (lambda: nn.Conv1d(0, 6, 5), "Conv1d(): in_channels is an integer >= 1, got 0"),
        (lambda: nn.Linear(0, 6), "Linear(): in_features is an integer >= 1, got 0"),
        (lambda: nn.Linear("a", 3), "Linear(): in_features is an integer >= 1, got 'a'"),  # type: ignore[arg-type]
        (lambda: nn.Linear(2.5, 3), "Linear(): in_features is an integer >= 1, got 2.5"),  # type: ignore[arg-type]
        (lambda: nn.Linear(3, None), "Linear(): out_features is an integer >= 1, got None"),  # type: ignore[arg-type]
        (lambda: nn.Conv2d(1, 6, "5"), "Conv2d(): kernel_size is an integer >= 1 or 2 of them, got '5'"),
        (lambda: nn.Conv2d(1, 6, 5.0), "Conv2d(): kernel_size is an integer >= 1 or 2 of them, got 5.0"),  # type: ignore[arg-type]
        (lambda: nn.Conv2d(1.5, 6, 5), "Conv2d(): in_channels is an integer >= 1, got 1.5"),  # type: ignore[arg-type]
        (lambda: nn.Conv2d(1, 6, 5, groups=1.0), "Conv2d(): groups is an integer >= 1, got 1.0"),  # type: ignore[arg-type]
        (
            lambda: F.conv2d(X, ga.input("w", (6, 1, 5, 5))),
            "weight expects 1 input channel (OIHW axis 1), got 3 (axis 1 of x, NCHW)",
        ),
        (
            lambda: F.conv2d(X, ga.input("w", (1, 3, 5, 5)), ga.input("b", (5,))),
            "bias expects one element for the output channel, got [5]",
        ),
        (
            lambda: F.linear(ga.input("x", ("N", 4)), ga.input("w", (2, 1))),
            "weight expects 1 input feature (axis 1 of weight), got 4 (axis -1 of x)",
        ),
        (lambda: nn.Flatten(2)(ga.input("x", ("N", 4))), "there are no axes 2 to -1"),
    ],
)
def test_text(call: Any, text: str) -> None:
    with pytest.raises(ga.GraphadError) as caught:
        call()
    assert text in str(caught.value)
    assert f"[{__file__}:" in str(caught.value)


def test_the_layer_is_named() -> None:
    model = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Conv2d(28, 4, 3, name="conv1")))
    with pytest.raises(ga.ShapeError, match=r"^conv2d in layer '1.conv1'\(float32\[N,3,28,28\], float32\[4,28,3,3\]\)"):
        model(X)


def test_numpy_numbers_are_numbers() -> None:
    assert F.max_pool2d(X, np.int64(2)).shape[2:] == (14, 14)
    assert nn.Conv2d(np.int64(3), 6, np.int32(5)).shape == (6, 3, 5, 5)  # type: ignore[arg-type]
    assert repr(nn.Linear(np.int64(3), 2)) == "Linear(3, 2)"  # type: ignore[arg-type]
