"""Convolutions and their gradients by both ways of computing them; small networks to second order."""

from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad import nn
from tests.cpu.oracle import agree

F = nn.functional
RNG = np.random.default_rng(3)
CASES: tuple[tuple[Any, ...], ...] = (
    (F.conv1d, (3, 2, 11), (4, 2, 3), {"stride": 2, "padding": 1}),
    (F.conv1d, (2, 4, 9), (4, 2, 2), {"groups": 2, "dilation": 2, "padding": 3}),
    (F.conv2d, (3, 2, 9, 8), (5, 2, 3, 3), {"padding": 1}),
    (F.conv2d, (3, 4, 9, 8), (6, 2, 3, 2), {"stride": (2, 1), "dilation": (1, 2), "padding": (2, 0), "groups": 2}),
    (F.conv2d, (1, 1, 5, 5), (1, 1, 5, 5), {}),
    (F.conv2d, (2, 3, 6, 6), (4, 3, 1, 1), {"stride": 2}),
    (F.conv3d, (2, 2, 5, 4, 6), (3, 2, 2, 2, 3), {"stride": 2, "padding": 1}),
)


@pytest.mark.parametrize("way", ["im2col", "direct"])
def test_convolutions_and_their_gradients(way: Any) -> None:
    inputs, args, found = [], [], {}
    for i, (op, shape, kernel, settings) in enumerate(CASES):
        shapes = {"x": (f"N{i}", *shape[1:]), "w": kernel, "b": kernel[:1]}
        x, w, b = leaves = [ga.input(f"{name}{i}", s, "float64") for name, s in shapes.items()]
        y = op(x, w, b, **settings)
        inputs += leaves
        args += [RNG.normal(size=s) for s in (shape, kernel, kernel[:1])]
        found[f"{i} {settings}"] = y
        found |= {f"{i} {settings}: {g}": d for g, d in zip("xwb", ga.grad(ga.sum(ga.sin(y)), leaves), strict=True)}
    agree(inputs, found, args, options=ga.Options(convolution=way), atol=1e-10)


def test_a_gradient_of_gradients_of_a_convolution() -> None:
    x, w = ga.input("x", ("N", 2, 6, 6), "float64"), ga.input("w", (3, 2, 3, 3), "float64")
    loss = ga.sum(ga.tanh(F.conv2d(x, w, padding=1)))
    dx, dw = ga.grad(loss, [x, w])
    found = {"second": ga.grad(ga.sum(dx * dx) + ga.sum(dw * dw), w)}
    agree([x, w], found, [RNG.normal(size=(3, 2, 6, 6)), RNG.normal(size=(3, 2, 3, 3))], atol=1e-10)


def test_second_order_of_a_small_network() -> None:
    shapes = {"x": ("N", 8), "u": (8, 7), "w": (7, 4), "v": (8, 7)}
    x, u, w, v = (ga.input(name, s, "float64") for name, s in shapes.items())
    t = ga.input("t", ("N",), "int64")
    loss = F.cross_entropy(ga.tanh(x @ u) @ w, t)
    du, dw = ga.grad(loss, [u, w])
    found = {"loss": loss, "du": du, "dw": dw, "hvp": ga.hvp(loss, u, v), "hessian": ga.hessian(loss, w)}
    found["jacobian"] = ga.jacobian(ga.tanh(x @ u)[0], u)
    values = [RNG.normal(size=s) for s in ((6, 8), (8, 7), (7, 4), (8, 7))]
    agree([x, u, w, v, t], found, [*values, RNG.integers(0, 4, size=6)], atol=1e-12)
