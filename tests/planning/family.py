"""Functions whose Jacobians are planned: stencils, heads, time steps, bodies, layers, scalars, constants."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

import graphad as ga
from graphad import nn
from tests.planning.cases import CASES

Asked: TypeAlias = tuple[Any, Any]
"""Outputs and inputs, each a tensor or a list."""

_RNG = np.random.default_rng(11)


def _matrix(rows: int, columns: int) -> ga.Tensor:
    return ga.constant(_RNG.normal(size=(rows, columns)) / columns**0.5)


def _vector(n: int, dtype: str = "float64") -> ga.Tensor:
    return ga.input("x", (n,), dtype)


def stencil() -> Asked:
    x = ga.input("x", (9, 9), "float64")
    y = x[1:-1, :-2] + x[1:-1, 2:] + x[:-2, 1:-1] + x[2:, 1:-1] - 4 * x[1:-1, 1:-1]
    return y * x[1:-1, 1:-1], x


def padded_stencil(n: int = 8, dtype: str = "float64") -> Asked:
    x = ga.input("x", (n, n), dtype)
    p = ga.pad(x, ((1, 1), (1, 1)))
    return p[1:-1, :-2] + p[1:-1, 2:] + p[:-2, 1:-1] + p[2:, 1:-1] - 4 * x + ga.exp(x), x


def three_points() -> Asked:
    x = _vector(40)
    p = ga.pad(x, (1, 1))
    return p[:-2] - 2 * x + p[2:] + ga.sin(x), x


def two_heads(width: int = 16) -> Asked:
    x = _vector(width)
    h = ga.tanh(_matrix(width, width) @ x)
    return [_matrix(3, width) @ ga.sin(h), _matrix(2, width) @ ga.exp(h)], x


def three_heads_in_a_dict() -> Asked:
    x, w = _vector(6), ga.parameter("w", _RNG.normal(size=(6, 6)))
    h = ga.tanh(w @ x)
    return {"sum": ga.sum(h), "half": h[:3], "all": h * x}, [x, w]


def heat(steps: int, n: int = 16) -> Asked:
    x = u = _vector(n)
    for _ in range(steps):
        p = ga.pad(u, (1, 1))
        u = u + 0.1 * (p[2:] - 2 * u + p[:-2])
    return u, x


def heat_with_a_source(steps: int = 10) -> Asked:
    x = u = _vector(12)
    k = ga.input("k", (), "float64")
    for _ in range(steps):
        p = ga.pad(u, (1, 1))
        u = u + 0.1 * k * (p[2:] - 2 * u + p[:-2]) + 0.01 * u * u
    return u, [x, k]


def bodies(count: int = 5) -> Asked:
    x = ga.input("x", (count, 3), "float64")
    d = x[:, None, :] - x[None, :, :]
    r2 = ga.sum(d * d, axis=2) + 0.01
    return ga.sum(d / (r2 * ga.sqrt(r2))[:, :, None], axis=1), x


def chain(widths: tuple[int, ...], dtype: str = "float64") -> Asked:
    x = h = _vector(widths[0], dtype)
    for n, m in pairwise(widths):
        h = ga.tanh(ga.astype(_matrix(m, n), dtype) @ h)
    return h, x


def recurrence(steps: int = 20) -> Asked:
    x = h = _vector(4)
    w = _matrix(4, 4)
    for _ in range(steps):
        h = ga.tanh(w @ h) + 0.1 * x
    return h, x


def mlp(batch: Any = 4) -> Asked:
    x = ga.input("x", (batch, 6))
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    return model(x), x


def mlp_by_its_parameters() -> Asked:
    x = ga.input("x", (4, 5))
    model = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 2))
    return model(x), list(model.parameters())


def loss_of_a_net() -> Asked:
    x = ga.input("x", (8, 6))
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    return nn.functional.cross_entropy(model(x), ga.constant(np.arange(8) % 3)), list(model.parameters())


def convolutions(batch: Any = 2) -> Asked:
    x = ga.input("x", (batch, 2, 8, 8))
    model = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 2, 3))
    return model(x), x


def kernel_of_a_convolution() -> Asked:
    x, k = ga.input("x", (1, 2, 7, 7)), ga.parameter("k", _RNG.normal(size=(2, 2, 3, 3)).astype("f"))
    return nn.functional.conv2d(x, k), k


def one_to_many(n: int = 50) -> Asked:
    t = ga.input("t", (), "float64")
    return ga.sin(t * ga.constant(np.arange(n, dtype=float))) * ga.exp(-t), t


def many_to_one(n: int = 50) -> Asked:
    x = _vector(n)
    return ga.log(ga.sum(ga.exp(x))) + ga.prod(x), x


def rosenbrock(n: int = 30) -> Asked:
    x = _vector(n)
    return ga.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), x


def banded() -> Asked:
    x = _vector(60)
    return ga.sin(x[2:]) * x[1:-1] + x[:-2] ** 2, x


def broyden() -> Asked:
    x = _vector(30)
    p = ga.pad(x, (1, 1))
    return (3 - 2 * x) * x - p[:-2] - 2 * p[2:] + 1, x


def robot_arm(joints: int = 6) -> Asked:
    q = _vector(joints)
    angle = px = py = ga.zeros((), "float64")
    for i in range(joints):
        angle = angle + q[i]
        px, py = px + ga.cos(angle), py + ga.sin(angle)
    return ga.stack([px, py, angle]), q


def pendulum() -> Asked:
    a, b, w = (ga.input(n, (), "float64") for n in "abw")
    u = ga.sin(a - b)
    v = u * w * w + ga.cos(a) / (2 + u * u)
    return [v * u, v - b, v / w], [a, b, w]


def reductions() -> Asked:
    x = ga.input("x", (5, 6), "float64")
    return ga.stack([ga.sum(x, axis=1), ga.max(x, axis=1), ga.mean(x * x, axis=1), ga.prod(x, axis=1)]), x


def standardised() -> Asked:
    x = ga.input("x", (4, 7), "float64")
    return (x - ga.mean(x, axis=1, keepdims=True)) / ga.std(x, axis=1, keepdims=True), x


def embedding() -> Asked:
    table = ga.parameter("table", _RNG.normal(size=(10, 4)))
    return ga.tanh(ga.take(table, ga.constant([1, 3, 3, 7]), axis=0)), table


def attention() -> Asked:
    x = ga.input("x", (5, 4))
    q, k, v = (x @ ga.astype(_matrix(4, 4), "float32") for _ in range(3))
    return nn.functional.softmax(q @ k.T / 2, 1) @ v, x


def linear_map() -> Asked:
    x = _vector(8)
    return _matrix(6, 8) @ x, x


def permuted() -> Asked:
    x = ga.input("x", (3, 4), "float64")
    return ga.concat([ga.permute_dims(x, (1, 0)), ga.ones((4, 2), "float64")], axis=1), x


def sum_of_an_affine_map() -> Asked:
    x = _vector(9)
    return ga.sum(_matrix(4, 9) @ x * 3 + 1), x


def identity_and_a_constant() -> Asked:
    x = _vector(5)
    return [x, 2 * x, ga.cumulative_sum(x)], x


def quadratic_form() -> Asked:
    x = _vector(12)
    return x @ (_matrix(12, 12) @ x), x


def lists_at_both_ends() -> Asked:
    a, b, c = ga.input("a", (4,)), ga.input("b", (3, 4)), ga.input("c", (3,))
    h = ga.tanh(b @ a + c)
    return [h, ga.sum(h * c)], [a, b, c]


def named_batch() -> Asked:
    return mlp("N")


def named_images() -> Asked:
    return convolutions("N")


def single_precision_stencil() -> Asked:
    return padded_stencil(8, "float32")


def gradient_of_an_energy() -> Asked:
    x = _vector(10)
    return ga.grad(ga.sum(ga.cosh(x[1:] - x[:-1])) + ga.sum(x**4), x), x


def wide_to_narrow() -> Asked:
    return chain((40, 20, 8, 3))


def narrow_to_wide() -> Asked:
    return chain((2, 6, 20, 40), "float32")


def narrow_twice() -> Asked:
    return chain((40, 4, 40, 4, 40))


def heat_10() -> Asked:
    return heat(10)


def heat_100() -> Asked:
    return heat(100, 5)


def _of(make: Callable[[], Any]) -> Callable[[], Asked]:
    def asked() -> Asked:
        ys, xs, _ = make()
        return ys, xs

    asked.__name__ = make.__name__
    return asked


FAMILY: tuple[Callable[[], Asked], ...] = (
    stencil, padded_stencil, single_precision_stencil, three_points, two_heads, three_heads_in_a_dict, heat_10,
    heat_100, heat_with_a_source, bodies, wide_to_narrow, narrow_to_wide, narrow_twice, recurrence, mlp, named_batch,
    mlp_by_its_parameters, loss_of_a_net, convolutions, named_images, kernel_of_a_convolution, one_to_many, many_to_one,
    rosenbrock, banded, broyden, robot_arm, pendulum, reductions, standardised, embedding, attention, linear_map,
    permuted, sum_of_an_affine_map, identity_and_a_constant, quadratic_form, lists_at_both_ends, gradient_of_an_energy,
    *map(_of, CASES),
)  # fmt: skip
