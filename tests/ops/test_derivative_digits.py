"""Derivatives of every elementwise op, to order 2, over the whole range, have the digits that their inputs determine.

An error counts in units of eps * (|g| + the sum of |x dg/dx|) for a derivative g: what one rounding of the result and
one of each input may change. Up to 32 of these are allowed, and a result below the smallest normal number may be 0.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import mpmath
import numpy as np
import pytest

import graphad as ga
from graphad.compiler.ir.op import registered
from graphad.ops.record import Elementwise
from tests.ops.exact import BITS, MAPS, OPS, Exact

DTYPES: Final = (np.float32, np.float64)
SEED: Final = 5
ULPS: Final = 32
FUNCTIONS: Final[dict[str, tuple[Callable[..., ga.Tensor], Exact]]] = {
    **{op.name: (op, OPS[op.name]) for op in registered() if op.name in OPS},
    **MAPS,
}
By = tuple[int, ...]


def test_every_op_with_a_derivative_has_its_meaning_here() -> None:
    differentiable = {op.name for op in registered() if isinstance(op, Elementwise) and op.partials is not None}
    assert differentiable - {"where"} == set(OPS)
    assert "where" in MAPS


MODES: Final = {
    "reverse": lambda y, x: ga.vjp(y, x, ga.ones_like(y)),
    "forward": lambda y, x: ga.jvp(y, x, ga.ones_like(x)),
}


def slope(y: ga.Tensor, x: ga.Tensor, mode: str) -> ga.Tensor:
    """The derivative; 0 where ``y`` is one already and does not depend on ``x`` any more."""
    try:
        return MODES[mode](y, x)
    except ga.GraphError:
        return ga.zeros_like(x)


def derived(y: ga.Tensor, inputs: Sequence[ga.Tensor], by: By) -> dict[str, ga.Tensor]:
    """The derivative in every sequence of modes."""
    found = {"": y}
    for i in by:
        found = {f"{m} {mode}": slope(z, inputs[i], mode) for m, z in found.items() for mode in MODES}
    return found


@cache
def graphs(dtype: type, arity: int) -> tuple[list[ga.Tensor], list[np.ndarray], dict[tuple[str, By, str], ga.Tensor]]:
    """All functions of so many operands: inputs, their values, and the derivatives."""
    inputs: list[ga.Tensor] = []
    arrays: list[np.ndarray] = []
    outputs: dict[tuple[str, By, str], ga.Tensor] = {}
    for name, (function, exact) in FUNCTIONS.items():
        if exact.arity != arity:
            continue
        points = sample(name, dtype)
        own = [ga.input(f"x{len(inputs) + i}", v.shape, v.dtype) for i, v in enumerate(points)]
        y = function(*own)
        outputs |= {(name, by, m): z for by in exact.derivatives() for m, z in derived(y, own, by).items()}
        inputs += own
        arrays += points
    return inputs, arrays, outputs


@cache
def sample(name: str, dtype: type) -> list[np.ndarray]:
    """The operands' values."""
    return FUNCTIONS[name][1].sample(dtype, SEED)


@cache
def values(name: str, by: By, dtype: type) -> list[Any]:
    """The derivative at each point, by mpmath; ``by`` is sorted."""
    exact = FUNCTIONS[name][1]
    function = exact.derivative(*by)
    with mpmath.workprec(exact.squares * BITS[dtype]):
        points = zip(*(v.tolist() for v in sample(name, dtype)), strict=True)
        return [mpmath.mpf(function(*map(mpmath.mpf, point))) for point in points]


def allowed(name: str, by: By, dtype: type) -> list[Any]:
    """How far it may be missed at each point."""
    exact, limits = FUNCTIONS[name][1], np.finfo(dtype)
    scales = [abs(g) for g in values(name, by, dtype)]
    for i, operand in enumerate(sample(name, dtype)):
        slopes = values(name, tuple(sorted((*by, i))), dtype)
        scales = [s + abs(x * d) for s, x, d in zip(scales, operand.tolist(), slopes, strict=True)]
    found = [ULPS * float(limits.eps) * s + float(limits.tiny) for s in scales]
    if not exact.multiple:
        return found
    whole = values(name, (), dtype)
    return [a if limits.tiny < abs(f) < limits.max else mpmath.inf for a, f in zip(found, whole, strict=True)]


def misses(name: str, by: By, dtype: type, found: np.ndarray) -> list[str]:
    """The points where it is missed; an infinity is right where the true value may be past the greatest number."""
    most, ordered = float(np.finfo(dtype).max), tuple(sorted(by))
    wanted, far = values(name, ordered, dtype), allowed(name, ordered, dtype)
    bad = []
    for at, computed, g, a in zip(zip(*sample(name, dtype), strict=True), found.tolist(), wanted, far, strict=True):
        beyond = computed in (mpmath.inf, -mpmath.inf) and abs(g) + a >= most and computed * g > 0
        if a != mpmath.inf and not beyond and not abs(computed - g) <= a:
            bad.append(f"{name} by {by} at {at}: {computed} instead of {mpmath.nstr(g, 9)}")
    return bad


@pytest.mark.parametrize("target", ["numpy", "cpu"])
@pytest.mark.parametrize("arity", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
def test_derivatives_keep_their_digits(dtype: type, arity: int, target: str) -> None:
    inputs, arrays, outputs = graphs(dtype, arity)
    if target == "numpy":
        found = ga.evaluate(list(outputs.values()), dict(zip(inputs, arrays, strict=True)))
    else:
        found = ga.compile(inputs, list(outputs.values()))(*arrays)
    bad: list[str] = []
    for (name, by, modes), array in zip(outputs, found, strict=True):
        wrong = misses(name, by, dtype, array)
        if wrong:
            bad.append(f"{modes} {wrong[0]} ({len(wrong)} of {len(array)})")
    assert not bad, f"seed {SEED}:\n" + "\n".join(bad)
