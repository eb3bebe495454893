"""Bits do not depend on the number of threads, nor on where a thread's share of a loop begins."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import graphad as ga
from graphad import nn
from graphad.compiler.loops import emit

SEED = 20
THREADS = (1, 2, 3, 4, 7)
X = ga.input("x", ("N", 4))
WIDE = ga.input("wide", ("N", 23))
CUBE = ga.input("cube", ("N", 5, 3))
LINE = ga.input("line", ("N",))
IMAGE = ga.input("image", ("N", 2, 7, 7))
PLACES = ga.input("places", ("N",), "int64")
W = ga.input("w", (3, 2, 3, 3))
M = ga.input("m", (4, 9))
Program = tuple[list[ga.Tensor], dict[str, ga.Tensor]]


def rows(kind: Callable[..., ga.Tensor]) -> Program:
    """One reduction over short rows of several lengths, over columns, over inner axes and over all."""
    outputs = {
        "rows of 4": kind(X * X, axis=1),
        "rows of 23": kind(WIDE + WIDE * WIDE, axis=1),
        "inner axes": kind(CUBE * 1.5, axis=(1, 2)),
        "the middle": kind(CUBE * CUBE, axis=1),
        "the last of three": kind(CUBE * CUBE, axis=2),
        "columns": kind(X * X, axis=0),
        "all": kind(WIDE * WIDE),
        "with an elementary function": kind(ga.exp(X), axis=1),
    }
    return [X, WIDE, CUBE], outputs


def contractions() -> Program:
    outputs = {
        "matrix product": X @ M,
        "transposed": WIDE.T @ X,
        "gram matrix": X.T @ X,
        "row by row": ga.einsum("nk,nk->n", WIDE, WIDE),
        "batched": ga.einsum("nij,nkj->nik", CUBE, CUBE),
    }
    return [X, WIDE, CUBE, M], outputs


def scans() -> Program:
    outputs = {
        "along rows": ga.cumulative_sum(WIDE * WIDE, axis=1),
        "down columns": ga.cumulative_sum(X * X, axis=0),
        "a line": ga.cumulative_sum(LINE * LINE),
        "products": ga.cumulative_prod(X, axis=1),
        "its gradient": ga.grad(ga.sum(ga.sin(ga.cumulative_prod(X, axis=1))), X),
    }
    return [X, WIDE, LINE], outputs


def into_place() -> Program:
    table = ga.vjp(ga.take(M, PLACES % 4, axis=0), M, ga.take(M, PLACES % 3, axis=0) * 0.37)
    windows = ga.vjp(LINE[::2], LINE, LINE[::2] * 1.3)
    return [PLACES, LINE, M], {"scatter": table, "fold": windows, "softmax": nn.functional.softmax(LINE * 0.1, 0)}


def convolutions() -> Program:
    y = nn.functional.conv2d(IMAGE, W, padding=1)
    loss = ga.sum(ga.tanh(nn.functional.max_pool2d(y, 2)) ** 2)
    by_image, by_weight = ga.grad(loss, [IMAGE, W])
    return [IMAGE, W], {"value": y, "loss": loss, "by image": by_image, "by weight": by_weight}


PROGRAMS: dict[str, Callable[[], Program]] = {
    "sum": lambda: rows(ga.sum),
    "prod": lambda: rows(ga.prod),
    "mean": lambda: rows(ga.mean),
    "max": lambda: rows(ga.max),
    "logsumexp": lambda: rows(ga.logsumexp),
    "std": lambda: rows(ga.std),
    "contractions": contractions,
    "scans": scans,
    "into place": into_place,
    "convolutions": convolutions,
}


def arrays(inputs: list[ga.Tensor], n: int) -> list[np.ndarray]:
    rng = np.random.default_rng([SEED, n])
    shapes = [tuple(n if d == "N" else d for d in map(_dim, x.shape)) for x in inputs]
    return [
        rng.integers(0, 12, s) if x.dtype == "int64" else (rng.normal(size=s) + 0.5).astype(x.dtype)
        for x, s in zip(inputs, shapes, strict=True)
    ]


def _dim(size: object) -> object:
    return size if isinstance(size, int) else str(size)


@pytest.fixture
def least_shares(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads share single iterations, so that shares begin anywhere."""
    monkeypatch.setattr(emit, "GRAIN", 1)


@pytest.mark.usefixtures("least_shares")
@pytest.mark.parametrize("name", PROGRAMS)
def test_bits_do_not_depend_on_where_shares_begin(name: str) -> None:
    inputs, outputs = PROGRAMS[name]()
    functions = [ga.compile(inputs, outputs, threads=n) for n in THREADS]
    for n in (1, 13, 61, 1030):
        first, *others = (f(*arrays(inputs, n)) for f in functions)
        for threads, other in zip(THREADS[1:], others, strict=True):
            for key in outputs:
                same = np.array_equal(first[key], other[key], equal_nan=True)
                assert same, f"{key}: n = {n}, {threads} threads, seed {SEED}"
