"""One to three examples of a named batch: whatever view the weight is, and whatever derivative is asked for."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest

import graphad as ga
from graphad.nn import functional
from tests.cpu.oracle import same
from tests.cpu.test_lanes_of_examples import values

Case: TypeAlias = tuple[list[ga.Tensor], list[ga.Tensor]]


def flat_columns() -> Case:
    """Some columns of a matrix behind a convolution: a product whose rows are the batch."""
    x, w, q = ga.input("x", ("N", 2, 9)), ga.input("w", (3, 2, 3)), ga.input("q", (21, 6))
    y = ga.flatten(functional.conv1d(x, w), 1) @ q[:, 1:4]
    return [x, w, q], [y, *ga.grad(ga.sum(y * y), [x, w, q])]


def viewed(view: Callable[[ga.Tensor], ga.Tensor]) -> Callable[[], Case]:
    """A convolution with a view of its weight, (4, 3, 2) behind the view."""

    def case() -> Case:
        x, w = ga.input("x", ("N", 3, 9)), ga.input("w", (4, 3, 2))
        y = functional.conv1d(x, view(w), padding=1)
        return [x, w], [y, *ga.grad(ga.sum(y * ga.sin(y)), [x, w])]

    return case


def per_head() -> Case:
    """A weight for each head, and for each place."""
    x, w, v = ga.input("x", ("N", 2, 3, 8)), ga.input("w", (2, 3, 4)), ga.input("v", (2, 4, 8))
    heads = ga.einsum("nhcl,hco->nhol", x, w)
    y = ga.einsum("nhol,hol->nhl", ga.tanh(heads), v[:, :, ::-1])
    return [x, w, v], [y, *ga.grad(ga.sum(y * y), [x, w, v])]


def grouped_twice() -> Case:
    """Second derivatives of a grouped convolution."""
    x, w = ga.input("x", ("N", 4, 8)), ga.input("w", (6, 2, 3))
    y = functional.conv1d(x, w, groups=2, padding=1)
    first = ga.grad(ga.sum(y * y * y), [x, w])
    return [x, w], ga.grad(ga.sum(first[0] * first[0]) + ga.sum(first[1] * first[1]), [x, w])


def two_batches() -> Case:
    """The same net on two batches, and every pair compared (a Siamese net)."""
    x, y, w = ga.input("x", ("N", 2, 8)), ga.input("y", ("M", 2, 8)), ga.input("w", (3, 2, 3))
    a, b = (ga.flatten(ga.tanh(functional.conv1d(t, w)), 1) for t in (x, y))
    pairs = a @ ga.matrix_transpose(b)
    return [x, y, w], [pairs, *ga.grad(ga.sum(pairs * pairs), [x, y, w])]


CASES: dict[str, Callable[[], Case]] = {
    "some columns of a matrix": flat_columns,
    "flipped": viewed(lambda w: ga.flip(w, axis=2)),
    "padded": viewed(lambda w: ga.pad(w, [(0, 0), (0, 0), (1, 1)])),
    "sliced": viewed(lambda w: w[::2, :, 1:]),
    "transposed": viewed(lambda w: ga.permute_dims(w[:3], (1, 0, 2))),
    "reshaped": viewed(lambda w: ga.reshape(ga.reshape(w, (24,)), (4, 3, 2))),
    "per head": per_head,
    "grouped, second derivatives": grouped_twice,
    "two batches": two_batches,
}


@pytest.mark.parametrize("name", CASES)
def test_a_net_that_trains_predicts_one_example(name: str) -> None:
    inputs, outputs = CASES[name]()
    f = ga.compile(inputs, outputs, threads=2)
    reference = ga.compile(inputs, outputs, target="numpy")
    rng = np.random.default_rng(3)
    for batch in (1, 2, 3):
        args = values(rng, inputs, batch)
        wanted = reference(*args)
        scale = max(float(np.abs(w).max()) for w in wanted)
        same(f(*args), wanted, [f"{name} {i}" for i in range(len(outputs))], 2e-4, 2e-5 * scale)
