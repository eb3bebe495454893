"""What every elementwise op and scalar map means, for arbitrary precision: the oracle of derivatives' digits.

A meaning is an expression of sympy, which differentiates it; mpmath evaluates the derivatives. Where it is tried stands
beside it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final

import mpmath
import numpy as np
import sympy

import graphad as ga
from graphad.nn import functional as F  # noqa: N812 (the name everybody knows)
from graphad.runtime.once import cached_property

Points = Callable[[np.random.Generator, type], Sequence[np.ndarray]]
BITS: Final = {np.float32: 256, np.float64: 1200}
"""So many keep the digits of 1 - tanh(x)^2 as far as the dtype reaches; 1 - (x / hypot(x, y))^2 needs twice as many."""


class Floor(sympy.Function):  # type: ignore[misc]
    """floor, with the slope that it has between its steps."""

    def fdiff(self, argindex: int = 1) -> Any:
        return sympy.Integer(0)


class Exp(sympy.Function):  # type: ignore[misc]
    """exp, of which powers stay powers."""

    def fdiff(self, argindex: int = 1) -> Any:
        return self


def _bounded(function: Callable[..., Any], limit: float) -> Callable[..., Any]:
    """The function of an argument that is no greater: beyond, it is past every float, and slow to compute."""
    return lambda x: function(max(min(x, limit), -limit))


_FUNCTIONS: Final = {
    "Floor": mpmath.floor,
    "erf": _bounded(mpmath.erf, 1e3),
    "erfc": _bounded(mpmath.erfc, 1e3),
    "Exp": _bounded(mpmath.exp, 1e5),
    **{name: _bounded(getattr(mpmath, name), 1e5) for name in ("exp", "sinh", "cosh", "tanh")},
}


def split(low: Callable[..., Any], high: Callable[..., Any], at: float = 0) -> Callable[[Any], Any]:
    """``low`` below a point and ``high`` from there on."""
    return lambda x: sympy.Piecewise((low(x), x < at), (high(x), True))


def everywhere(rng: np.random.Generator, dtype: type, count: int = 24) -> np.ndarray:
    """Magnitudes from the smallest normal number to the greatest, the usual range, and next to 0."""
    info = np.finfo(dtype)
    wide = 2.0 ** rng.uniform(info.minexp, info.maxexp - 1e-6, count)
    usual = np.concatenate([2.0 ** rng.uniform(-12, 11, count), rng.uniform(0, 30, count)])
    edges = [info.tiny, 2 * info.tiny, 1e-30, 1.0, 2.0, info.max]
    size = np.concatenate([wide, usual, edges])
    return np.concatenate([size, -size]).astype(dtype)


def near(*borders: float) -> Points:
    """Everywhere, and on both sides of borders down to the next number."""

    def points(rng: np.random.Generator, dtype: type) -> Sequence[np.ndarray]:
        steps = 2.0 ** np.arange(0, np.finfo(dtype).nmant + 1, 3) * np.finfo(dtype).eps
        close = [b + sign * steps * max(abs(b), 1.0) for b in borders for sign in (1, -1)]
        return [np.concatenate([everywhere(rng, dtype), *(c.astype(dtype) for c in close)])]

    return points


def plane(rng: np.random.Generator, dtype: type) -> Sequence[np.ndarray]:
    """Pairs of unrelated magnitudes, of like magnitudes, and of equal ones; with both signs."""
    info = np.finfo(dtype)
    low, high = info.minexp, info.maxexp - 1e-6
    x, y = rng.uniform(low, high, (2, 60))
    near_x = rng.uniform(low + 30, high - 30, 60)
    near_y = near_x + rng.uniform(-30, 30, 60)
    small_x, small_y = rng.uniform(-6, 6, (2, 30))
    a = np.concatenate([2.0 ** np.concatenate([x, near_x, small_x]), [1.0, 3.0, info.tiny, info.max / 2]])
    b = np.concatenate([2.0 ** np.concatenate([y, near_y, small_y]), [1.0, 3.0, info.tiny, info.max / 2]])
    signs = rng.choice([-1.0, 1.0], (2, len(a)))
    return [(v * sign).astype(dtype) for v, sign in zip((a, b), signs, strict=True)]


def powers(rng: np.random.Generator, dtype: type) -> Sequence[np.ndarray]:
    """Bases of any magnitude, exponents small, 0 and large; results of any magnitude."""
    info = np.finfo(dtype)
    x = 2.0 ** np.concatenate([rng.uniform(info.minexp, info.maxexp - 1e-6, 100), rng.uniform(-2, 2, 100)])
    y = np.concatenate([rng.uniform(-3, 3, 80), np.zeros(10), rng.uniform(-1e-6, 1e-6, 10), rng.uniform(-60, 60, 100)])
    whole = np.array([-3.0, -2, -1, 1, 2, 3, 4])
    return [np.concatenate([x, -np.abs(rng.normal(size=7))]).astype(dtype), np.concatenate([y, whole]).astype(dtype)]


@dataclass(frozen=True, eq=False)
class Exact:
    """A function of one or two numbers.

    Attributes:
        meaning: it, as an expression of sympy.
        points: where it is tried, an array an operand.
        domain: what operands have to be.
        order: derivatives up to this are tried; 1 for records that are other records' derivatives.
        squares: how many times ``BITS`` it takes to evaluate it.
        multiple: derivatives are multiples of the function's value, and may overflow where that does.
    """

    meaning: Callable[..., Any]
    points: Points = field(default_factory=lambda: near())
    domain: Callable[..., Any] = lambda *x: True
    order: int = 2
    multiple: bool = False
    squares: int = 1

    @cached_property
    def arity(self) -> int:
        return len(self.points(np.random.default_rng(0), np.float32))

    @cached_property
    def symbols(self) -> tuple[Any, ...]:
        return sympy.symbols("x y", real=True)[: self.arity]

    def derivative(self, *by: int) -> Callable[..., Any]:
        """The derivative by the operands of those numbers."""
        expression = self.meaning(*self.symbols)
        for i in by:
            expression = sympy.diff(expression, self.symbols[i])
        return sympy.lambdify(self.symbols, expression, [_FUNCTIONS, "mpmath"], cse=True)  # type: ignore[no-any-return]

    def sample(self, dtype: type, seed: int) -> list[np.ndarray]:
        operands = self.points(np.random.default_rng(seed), dtype)
        kept = np.broadcast_to(self.domain(*operands), operands[0].shape)
        return [v[kept] for v in operands]

    def derivatives(self) -> list[tuple[int, ...]]:
        """By which operands, one after the other, for each derivative that is tried."""
        return [by for n in range(1, self.order + 1) for by in product(range(self.arity), repeat=n)]


def positive(*x: np.ndarray) -> Any:
    return np.logical_and.reduce([v > 0 for v in x])


def inside(x: np.ndarray) -> Any:
    return np.abs(x) < 1


def _cross_entropy(x: ga.Tensor, label: int) -> ga.Tensor:
    return F.binary_cross_entropy_with_logits(x, ga.full_like(x, label), reduction="none")


def _inverse(x: Any, y: Any) -> Any:
    return x / (x * x + y * y)


_root = sympy.sqrt
STEP: Final = Exact(lambda x: 0 * x)
LINEAR: Final = Exact(lambda x: x)

OPS: Final[dict[str, Exact]] = {
    "add": Exact(lambda x, y: x + y, plane),
    "subtract": Exact(lambda x, y: x - y, plane),
    "multiply": Exact(lambda x, y: x * y, plane),
    "divide": Exact(lambda x, y: x / y, plane),
    "negative": Exact(lambda x: -x),
    "reciprocal": Exact(lambda x: 1 / x),
    "floor_divide": Exact(lambda x, y: 0 * x * y, plane),
    "remainder": Exact(lambda x, y: x - y * Floor(x / y), plane),
    "abs": Exact(split(lambda x: -x, lambda x: x)),
    "sign": STEP,
    "square": Exact(lambda x: x * x),
    "maximum": Exact(lambda x, y: sympy.Piecewise((x, x > y), (y, True)), plane, np.not_equal),
    "minimum": Exact(lambda x, y: sympy.Piecewise((x, x < y), (y, True)), plane, np.not_equal),
    "relu": Exact(split(lambda x: 0 * x, lambda x: x)),
    "floor": STEP,
    "ceil": STEP,
    "trunc": STEP,
    "round": STEP,
    "to_float32": LINEAR,
    "to_float64": LINEAR,
    "pow": Exact(lambda x, y: x**y, powers, lambda x, y: x > 0, multiple=True),
    "power_slope": Exact(lambda x, y: y * x ** (y - 1), powers, lambda x, y: x > 0, order=1, multiple=True),
    "power_log": Exact(lambda x, y: x**y * sympy.log(x), powers, lambda x, y: x > 0, order=1, multiple=True),
    "sqrt": Exact(_root, domain=positive),
    "cbrt": Exact(sympy.cbrt, domain=positive),
    "exp": Exact(Exp),
    "exp2": Exact(lambda x: 2**x, multiple=True),
    "expm1": Exact(lambda x: Exp(x) - 1),
    "log": Exact(sympy.log, near(1), positive),
    "log2": Exact(lambda x: sympy.log(x) / sympy.log(2), near(1), positive),
    "log10": Exact(lambda x: sympy.log(x) / sympy.log(10), near(1), positive),
    "log1p": Exact(lambda x: sympy.log(1 + x), near(-1), lambda x: x > -1),
    "erf": Exact(sympy.erf),
    "erfc": Exact(sympy.erfc),
    "gaussian": Exact(lambda x: Exp(-x * x), order=1),
    "sin": Exact(sympy.sin, near(math.pi / 2, math.pi)),
    "cos": Exact(sympy.cos, near(math.pi / 2, math.pi)),
    "tan": Exact(sympy.tan, near(math.pi / 2, math.pi, -math.pi / 2)),
    "asin": Exact(sympy.asin, near(1, -1), inside),
    "acos": Exact(sympy.acos, near(1, -1), inside),
    "atan": Exact(sympy.atan, near(1)),
    "one_minus_square": Exact(lambda x: 1 - x * x, near(1, -1)),
    "lorentzian": Exact(lambda x: 1 / (1 + x * x)),
    "atan2": Exact(lambda y, x: sympy.atan(y / x), plane, squares=2),  # it and atan2 differ by a constant
    "inverse_real": Exact(_inverse, plane, order=1, squares=2),
    "inverse_imag": Exact(lambda x, y: -_inverse(y, x), plane, order=1, squares=2),
    "hypot": Exact(lambda x, y: _root(x * x + y * y), plane, squares=2),
    "direction_cosine": Exact(lambda x, y: x / _root(x * x + y * y), plane, order=1, squares=2),
    "sinh": Exact(sympy.sinh),
    "cosh": Exact(sympy.cosh),
    "tanh": Exact(sympy.tanh),
    "sech_squared": Exact(lambda x: 1 / sympy.cosh(x) ** 2),
    "asinh": Exact(sympy.asinh),
    "acosh": Exact(sympy.acosh, near(1), lambda x: x > 1),
    "atanh": Exact(sympy.atanh, near(1, -1), inside),
    "sigmoid": Exact(lambda x: 1 / (1 + Exp(-x))),
    "logistic_density": Exact(lambda x: 1 / (2 + Exp(x) + Exp(-x))),
    "softplus": Exact(lambda x: sympy.log(1 + Exp(x))),
    "logaddexp": Exact(lambda x, y: y + sympy.log(1 + Exp(x - y)), plane),
}
"""Every elementwise op with derivatives, by name. Of records that are themselves derivatives the first derivative alone
is tried: it is the second one of those that they belong to."""

MAPS: Final[dict[str, tuple[Callable[..., Any], Exact]]] = {
    "rsqrt": (ga.rsqrt, Exact(lambda x: 1 / _root(x), domain=positive)),
    "x ** 3": (lambda x: x**3, Exact(lambda x: x**3)),
    "x ** 2.5": (lambda x: x**2.5, Exact(lambda x: x ** sympy.Rational(5, 2), domain=positive)),
    "x ** 1.5": (lambda x: x**1.5, Exact(lambda x: x ** sympy.Rational(3, 2), domain=positive)),
    "x ** -2": (lambda x: x**-2, Exact(lambda x: x**-2)),
    "2 ** x": (lambda x: 2**x, Exact(lambda x: 2**x, multiple=True)),
    "where": (lambda x: ga.where(x > 0, ga.exp(x), x), Exact(split(lambda x: x, Exp))),
    "clip": (
        lambda x: ga.clip(x, -1, 2),
        Exact(
            split(split(lambda x: 0 * x, lambda x: x, -1), lambda x: 0 * x, 2), domain=lambda x: (x != -1) & (x != 2)
        ),
    ),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.25), Exact(split(lambda x: x / 4, lambda x: x))),
    "elu": (F.elu, Exact(split(lambda x: Exp(x) - 1, lambda x: x))),
    "silu": (F.silu, Exact(lambda x: x / (1 + Exp(-x)))),
    "gelu": (F.gelu, Exact(lambda x: x * sympy.erfc(-x / _root(2)) / 2)),
    "gelu tanh": (
        lambda x: F.gelu(x, approximate="tanh"),
        Exact(lambda x: x / (1 + Exp(-2 * _root(2 / sympy.pi) * (x + sympy.Float("0.044715", 50) * x**3)))),
    ),
    "logsigmoid": (F.logsigmoid, Exact(lambda x: -sympy.log(1 + Exp(-x)))),
    "softplus of 2 x": (lambda x: F.softplus(x, 2), Exact(lambda x: sympy.log(1 + Exp(2 * x)) / 2)),
    "mse_loss": (lambda x, t: F.mse_loss(x, t, "none"), Exact(lambda x, t: (x - t) ** 2, plane)),
    "l1_loss": (
        lambda x, t: F.l1_loss(x, t, "none"),
        Exact(lambda x, t: sympy.Piecewise((x - t, x > t), (t - x, True)), plane, np.not_equal),
    ),
    "hinge_loss": (
        lambda x: F.hinge_loss(x, ga.ones_like(x), "none"),
        Exact(split(lambda x: 1 - x, lambda x: 0 * x, 1)),
    ),
    "binary_cross_entropy_with_logits of 1": (lambda x: _cross_entropy(x, 1), Exact(lambda x: sympy.log(1 + Exp(-x)))),
    "binary_cross_entropy_with_logits of 0": (lambda x: _cross_entropy(x, 0), Exact(lambda x: sympy.log(1 + Exp(x)))),
    "binary_cross_entropy_with_logits": (
        lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"),
        Exact(lambda x, t: sympy.log(1 + Exp(x)) - x * t, lambda rng, dtype: _logits(rng, dtype)),
    ),
}
"""Scalar maps of several ops, by name."""


def _logits(rng: np.random.Generator, dtype: type) -> list[np.ndarray]:
    x = everywhere(rng, dtype)
    return [x, rng.choice([0, 0.25, 1], len(x)).astype(dtype)]
