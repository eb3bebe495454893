"""Single operations on arrays, each written once for any library: where a library falls off a cliff, it shows here.

A library is a namespace ``xp`` with NumPy's names and a few that NumPy has not, which its worker adds:
``permute(x, axes)``, ``gelu(x)``, ``erf(x)``, ``fmod(x, y)``, ``softmax(x)``, ``slope(f, x)`` (the gradient of the sum
of ``f(x)``), ``rows(x, i)``, ``scattered(x, i, y)`` (rows of y added to rows i of x), ``margin(x)`` (zeros around the
last two axes), ``running(x)`` (the running sum along the first axis), ``counts(n)`` (0.0, 1.0, ... n - 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Operation:
    """``data``: its arguments; ``call``: what is timed, of a library and these; ``bytes``: that it has to move."""

    name: str
    title: str
    data: Callable[[], list[Array]]
    call: Callable[..., Any]
    bytes: int = 0


def normal(*shape: int, dtype: str = "float32", seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def places(count: int, below: int) -> Array:
    return np.random.default_rng(1).integers(0, below, count)


MILLION = 1_000_000
SQUARE = 4 * 4096 * 4096


def _one(dtype: str = "float32") -> Callable[[], list[Array]]:
    return lambda: [normal(MILLION, dtype=dtype)]


def _square() -> list[Array]:
    return [normal(4096, 4096)]


def _whole(name: str, title: str, call: Callable[..., Any]) -> Operation:
    return Operation(name, f"{title} of 10^6", _one(), call, 4 * MILLION)


def _each(name: str, call: Callable[..., Any], *, low: float | None = None) -> Operation:
    """A function of a million numbers; ``low``: in that interval around 0, by the tangent's inverse."""

    def data() -> list[Array]:
        return _one()() if low is None else [np.float32(low) * np.tanh(normal(MILLION))]

    return Operation(name, f"{name} of 10^6", data, call, 8 * MILLION)


def _pairs() -> list[Array]:
    return [normal(MILLION), 0.5 + abs(normal(MILLION, seed=1))]


def _turned(name: str, axes: tuple[int, ...], shape: tuple[int, ...], dtype: str = "float32") -> Operation:
    count = 2 * int(np.prod(shape)) * np.dtype(dtype).itemsize
    title = f"{' x '.join(map(str, shape))} {dtype} by {axes}"
    return Operation(name, title, lambda: [normal(*shape, dtype=dtype)], lambda xp, x: xp.permute(x, axes), count)


OPERATIONS = (
    _whole("sum", "sum", lambda xp, x: xp.sum(x)),
    _whole("sum-exp", "sum of exp", lambda xp, x: xp.sum(xp.exp(x))),
    _whole("sum-tanh", "sum of tanh", lambda xp, x: xp.sum(xp.tanh(x))),
    _whole("sum-softplus", "sum of log1p of exp", lambda xp, x: xp.sum(xp.log1p(xp.exp(x)))),
    _whole("argmax", "argmax", lambda xp, x: xp.argmax(x)),
    Operation("max", "greatest of 2^24", lambda: [normal(1 << 24)], lambda xp, x: xp.max(x), 4 << 24),
    Operation("argmax-rows", "argmax of 4096 rows", _square, lambda xp, x: xp.argmax(x, 1), SQUARE),
    Operation("argmax-columns", "argmax of 4096 columns", _square, lambda xp, x: xp.argmax(x, 0), SQUARE),
    _turned("transpose", (1, 0), (4096, 4096)),
    _turned("transpose-double", (1, 0), (2048, 2048), "float64"),
    _turned("transpose-cube", (2, 1, 0), (256, 256, 256)),
    _turned("transpose-four", (3, 1, 2, 0), (64, 64, 64, 64)),
    Operation("symmetric", "x + x.T, 4096 x 4096", _square, lambda xp, x: x + x.T, 2 * SQUARE),
    _each("erf", lambda xp, x: xp.erf(x)),
    _each("gelu", lambda xp, x: xp.gelu(x)),
    _each("asinh", lambda xp, x: xp.arcsinh(x)),
    _each("atanh", lambda xp, x: xp.arctanh(x), low=0.99),
    Operation("hypot", "hypot of 10^6", _pairs, lambda xp, x, y: xp.hypot(x, y), 12 * MILLION),
    Operation("remainder", "remainder of 10^6", _pairs, lambda xp, x, y: xp.remainder(x, y), 12 * MILLION),
    Operation("fmod", "fmod of 10^6", _pairs, lambda xp, x, y: xp.fmod(x, y), 12 * MILLION),
    Operation(
        "powers",
        "10,000 numbers to the powers 0 to 15",
        lambda: [normal(10_000, 1)],
        lambda xp, x: x ** xp.counts(16),
        4 * 10_000 * 17,
    ),
    Operation(
        "rows-16",
        "10^6 rows of 16 taken of 10^5",
        lambda: [normal(100_000, 16), places(MILLION, 100_000)],
        lambda xp, x, i: xp.rows(x, i),
        2 * 4 * 16 * MILLION,
    ),
    Operation(
        "rows-64",
        "10^5 rows of 64 taken of 10^5",
        lambda: [normal(100_000, 64), places(100_000, 100_000)],
        lambda xp, x, i: xp.rows(x, i),
        2 * 4 * 64 * 100_000,
    ),
    Operation(
        "scatter-rows",
        "10^5 rows of 64 added to 10^4",
        lambda: [normal(10_000, 64), places(100_000, 10_000), normal(100_000, 64)],
        lambda xp, x, i, y: xp.scattered(x, i, y),
        4 * 64 * 120_000,
    ),
    Operation(
        "vector-matrix",
        "a row times 1000 x 1000",
        lambda: [normal(1000), normal(1000, 1000)],
        lambda xp, v, m: v @ m,
        4 * MILLION,
    ),
    Operation(
        "short-softmax",
        "softmax of 10^5 rows of 10",
        lambda: [normal(100_000, 10)],
        lambda xp, x: xp.softmax(x),
        8 * MILLION,
    ),
    Operation(
        "short-softmax-slope",
        "gradient of a softmax of 10^5 rows of 10",
        lambda: [normal(100_000, 10)],
        lambda xp, x: xp.slope(lambda t: xp.softmax(t) * xp.softmax(t), x),
        8 * MILLION,
    ),
    Operation(
        "short-max",
        "greatest of 10^5 rows of 10",
        lambda: [normal(100_000, 10)],
        lambda xp, x: xp.amax(x, 1),
        4 * MILLION,
    ),
    Operation(
        "margin",
        "64 x 64 images of 56 x 56 with zeros around",
        lambda: [normal(64, 64, 56, 56)],
        lambda xp, x: xp.margin(x),
        4 * 64 * 64 * (56**2 + 58**2),
    ),
    Operation("running-sum", "running sums of 4096 columns", _square, lambda xp, x: xp.running(x), 2 * SQUARE),
)
"""All of them, in the order of the table."""

BY_NAME = {o.name: o for o in OPERATIONS}
