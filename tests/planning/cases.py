"""Functions of every structure, with points at which to differentiate them."""

from collections.abc import Callable
from typing import Any

import numpy as np

import graphad as ga
from graphad import nn

Case = tuple[list[ga.Tensor], list[ga.Tensor], dict[ga.Tensor, Any]]

_RNG = np.random.default_rng(5)
X = _RNG.uniform(0.3, 1.2, 4)


def vector() -> ga.Tensor:
    return ga.input("x", (4,), "float64")


def everything() -> Case:
    """A bit of every kind."""
    x = vector()
    w = ga.constant(_RNG.normal(size=(4, 4)))
    h = ga.tanh(w @ x) * ga.cumulative_sum(x)
    g = ga.concat([h[::-1], ga.pad(x, (1, 0))])[ga.constant([0, 3, 3, 5])]
    return [g * ga.prod(x) + ga.max(h) + ga.where(x > 0.7, x * x, ga.sin(x))], [x], {x: X}


def bow_tie() -> Case:
    x = vector()
    h = x
    for shape in ((2, 4), (5, 2), (2, 5), (4, 2)):
        h = ga.tanh(ga.constant(_RNG.normal(size=shape)) @ h)
    return [h], [x], {x: X}


def scalar_code() -> Case:
    x = vector()
    a, b, c, d = (x[i] for i in range(4))
    u = ga.sin(a * b) + c
    v = u * d
    return [v * u + a, ga.exp(v) / d, ga.where(v > 0, u * 2, d)], [x], {x: X}


def stacked_scalars() -> Case:
    x = vector()
    u = x[0] * x[1]
    y = ga.reshape(ga.stack([ga.sin(u), x[2], x[0] - 2 * u, ga.constant(1.0, "float64")]), (2, 2))
    return [y], [x], {x: X}


def output_that_is_an_input() -> Case:
    s, t = ga.input("s", (), "float64"), ga.input("t", (), "float64")
    return [s * t + ga.sin(s), s], [s, t], {s: 0.3, t: 2.0}


def input_that_is_computed() -> Case:
    s = ga.input("s", (), "float64")
    z = s * s
    return [z * s + z], [s, z], {s: 0.7}


def vector_input_that_is_computed() -> Case:
    x = vector()
    z = ga.sin(x)
    return [ga.sum(z * x) * z], [z, x], {x: X}


def output_that_leads_on() -> Case:
    x = vector()
    y = ga.exp(x) * x[0]
    return [y, ga.sum(y * y)], [x], {x: X}


def convolution() -> Case:
    x = ga.input("image", (2, 1, 6, 6), "float64")
    k = ga.constant(_RNG.normal(size=(2, 1, 3, 3)))
    y = nn.functional.max_pool2d(nn.functional.relu(nn.functional.conv2d(x, k)), 2)
    return [y], [x], {x: _RNG.normal(size=(2, 1, 6, 6))}


def batch() -> Case:
    x = ga.input("x", ("N", 3), "float64")
    y = nn.functional.softmax(ga.tanh(x @ ga.constant(_RNG.normal(size=(3, 2)))), 1)
    return [y], [x], {x: _RNG.normal(size=(3, 3))}


def layer_norm() -> Case:
    x = ga.input("x", (2, 3), "float64")
    centred = x - ga.mean(x, axis=1, keepdims=True)
    return [centred / ga.sqrt(ga.mean(centred**2, axis=1, keepdims=True) + 1e-5)], [x], {x: _RNG.normal(size=(2, 3))}


def parameters() -> Case:
    x, w, b = ga.input("x", (2, 3), "float64"), ga.input("w", (3, 2), "float64"), ga.input("b", (2,), "float64")
    values = {x: _RNG.normal(size=(2, 3)), w: _RNG.normal(size=(3, 2)), b: _RNG.normal(size=2)}
    return [ga.sum(ga.tanh(x @ w + b), axis=0)], [w, b], values


def gather_and_scatter() -> Case:
    x = ga.input("x", (3, 4), "float64")
    taken = ga.take(ga.sin(x), ga.constant([2, 0, 2]), axis=1)
    return (
        [ga.cumulative_prod(taken, axis=0) * ga.take(x, ga.constant([1]), axis=0)[:, :3]],
        [x],
        {x: _RNG.normal(size=(3, 4))},
    )


def constant_matrix() -> Case:
    x = vector()
    return [ga.constant(_RNG.normal(size=(3, 4))) @ x], [x], {x: X}


def shifted_differences() -> Case:
    x = vector()
    return [x[1:] * x[:-1] - ga.flip(x)[1:]], [x], {x: X}


def diagonal_of_a_product() -> Case:
    x = ga.input("x", (3, 3), "float64")
    return [ga.einsum("ij,ij->i", x, x @ x) + ga.einsum("ii->i", x)], [x], {x: _RNG.normal(size=(3, 3))}


CASES: tuple[Callable[[], Case], ...] = (
    everything,
    bow_tie,
    scalar_code,
    stacked_scalars,
    output_that_is_an_input,
    input_that_is_computed,
    vector_input_that_is_computed,
    output_that_leads_on,
    convolution,
    batch,
    layer_norm,
    parameters,
    gather_and_scatter,
    constant_matrix,
    shifted_differences,
    diagonal_of_a_product,
)
