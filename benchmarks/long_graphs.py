"""Long graphs, whose compilation is timed: each written once, for graphad and for JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.layers import Array


@dataclass(frozen=True)
class Library:
    """What graphs are written in: the Array API's functions, and a convolution 3 x 3 that keeps the size."""

    xp: Any
    convolve: Callable[[Any, Any], Any]


@dataclass(frozen=True)
class LongGraph:
    """``value`` of arrays, a number if gradients by some of them are wanted, too: ``wrt``, by their places."""

    arguments: Callable[[], list[Array]]
    value: Callable[..., Any]
    wrt: tuple[int, ...] = ()


def _draw(*shapes: tuple[int, ...], dtype: str = "float32") -> list[Array]:
    draw = np.random.default_rng(0)
    return [(draw.standard_normal(s) / max(1, s[-1] if s else 1) ** 0.5).astype(dtype) for s in shapes]


def _residual(blocks: int, channels: int = 16) -> LongGraph:
    """Blocks of two convolutions with batch norms, and what goes around them; gradients by all weights."""
    norms = ((channels, 1, 1),) * 2
    layer = ((channels, channels, 3, 3), *norms)
    shapes = ((8, 3, 32, 32), (channels, 3, 3, 3), *norms, *layer * (2 * blocks))

    def value(lib: Library, x: Any, *weights: Any) -> Any:
        rest = list(weights)

        def normal(y: Any) -> Any:
            y = lib.convolve(y, rest.pop(0))
            y = y - lib.xp.mean(y, axis=(0, 2, 3), keepdims=True)
            variance = lib.xp.mean(y * y, axis=(0, 2, 3), keepdims=True)
            return y / lib.xp.sqrt(variance + 1e-5) * rest.pop(0) + rest.pop(0)

        y = lib.xp.maximum(normal(x), 0.0)
        while rest:
            y = lib.xp.maximum(y + normal(lib.xp.maximum(normal(y), 0.0)), 0.0)
        return lib.xp.mean(y * y)

    return LongGraph(lambda: _draw(*shapes), value, tuple(range(1, len(shapes))))


def _chain(steps: int) -> LongGraph:
    """Elementwise functions of functions."""

    def value(lib: Library, x: Any) -> Any:
        y, c = x, lib.xp.cos(x)
        for i in range(steps):
            y = lib.xp.sin(y) * c + y if i % 2 else lib.xp.tanh(y)
        return y

    return LongGraph(lambda: _draw((1000,)), value)


def _recurrence(steps: int) -> LongGraph:
    """A recurrent net, unrolled; gradients by its weights."""

    def value(lib: Library, x: Any, w: Any, u: Any) -> Any:
        h = lib.xp.tanh(x[:, 0] @ w)
        for t in range(1, steps):
            h = lib.xp.tanh(x[:, t] @ w + h @ u)
        return lib.xp.sum(h * h)

    return LongGraph(lambda: _draw((16, steps, 8), (8, 32), (32, 32)), value, (1, 2))


def _results(count: int) -> LongGraph:
    """One function of many numbers."""

    def value(lib: Library, x: Any) -> Any:
        return [lib.xp.sum(lib.xp.sin(x * (0.01 * i))) for i in range(count)]

    return LongGraph(lambda: _draw((100,)), value)


def _determinant(n: int) -> LongGraph:
    """By expansion along rows, minors shared, as scalars; its gradient."""

    def value(lib: Library, x: Any) -> Any:
        known: dict[tuple[int, ...], Any] = {(): 1.0}

        def minor(columns: tuple[int, ...]) -> Any:
            if columns not in known:
                row = n - len(columns)
                terms = [x[row, c] * minor(tuple(d for d in columns if d != c)) for c in columns]
                known[columns] = sum(terms[::2]) - sum(terms[1::2])
            return known[columns]

        return minor(tuple(range(n)))

    return LongGraph(lambda: _draw((n, n)), value, (0,))


def _runge_kutta(steps: int) -> LongGraph:
    """An initial value problem, y' = tanh(a y); the gradient by a."""

    def value(lib: Library, y: Any, a: Any) -> Any:
        def slope(v: Any) -> Any:
            return lib.xp.tanh(a @ v)

        h = 0.01
        for _ in range(steps):
            k1 = slope(y)
            k2 = slope(y + h / 2 * k1)
            k3 = slope(y + h / 2 * k2)
            k4 = slope(y + h * k3)
            y = y + h / 6 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        return lib.xp.sum(y * y)

    return LongGraph(lambda: _draw((3,), (3, 3)), value, (1,))


LONG_GRAPHS: dict[str, LongGraph] = {
    **{f"compile-resnet-{n}": _residual(n) for n in (2, 15, 60)},
    **{f"compile-chain-{n}": _chain(n) for n in (1000, 5000, 20_000)},
    **{f"compile-rnn-{n}": _recurrence(n) for n in (100, 400)},
    "compile-results-1000": _results(1000),
    "compile-determinant-7": _determinant(7),
    "compile-ode-100": _runge_kutta(100),
}


def listed(found: Any) -> Sequence[Any]:
    """One value, or several, as a list."""
    return found if isinstance(found, list | tuple) else [found]
