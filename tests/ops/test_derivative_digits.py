"""Derivatives of every elementwise op, to order 2 and over the whole range, have the digits that their inputs determine.

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
from tests.ops.exact import MAPS, OPS, PRECISION, Exact

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
    values: list[np.ndarray] = []
    outputs: dict[tuple[str, By, str], ga.Tensor] = {}
    for name, (function, exact) in FUNCTIONS.items():
        if exact.arity != arity:
            continue
        sample = exact.sample(dtype, SEED)
        own = [ga.input(f"x{len(inputs) + i}", v.shape, v.dtype) for i, v in enumerate(sample)]
        y = function(*own)
        outputs |= {(name, by, m): z for by in exact.derivatives() for m, z in derived(y, own, by).items()}
        inputs += own
        values += sample
    return inputs, values, outputs


@cache
def truth(name: str, by: By, dtype: type) -> tuple[list[Any], list[Any]]:
    """The derivative at each point, and how far it may be missed."""
    exact = FUNCTIONS[name][1]
    of, slopes = exact.derivative(*by), [exact.derivative(*by, i) for i in range(exact.arity)]
    value, limits = exact.derivative(), np.finfo(dtype)
    wanted, allowed = [], []
    with mpmath.workprec(PRECISION[dtype]):
        for point in zip(*(v.tolist() for v in exact.sample(dtype, SEED)), strict=True):
            at = [mpmath.mpf(v) for v in point]
            g = mpmath.mpf(of(*at))
            scale = abs(g) + sum(abs(x * f(*at)) for x, f in zip(at, slopes, strict=True))
            lost = exact.multiple and not limits.tiny < abs(value(*at)) < limits.max
            wanted.append(g)
            allowed.append(mpmath.inf if lost else ULPS * float(limits.eps) * scale + float(limits.tiny))
    return wanted, allowed


def misses(name: str, by: By, dtype: type, found: np.ndarray) -> list[str]:
    """The points where it is missed."""
    most = float(np.finfo(dtype).max)
    points = zip(*FUNCTIONS[name][1].sample(dtype, SEED), strict=True)
    bad = []
    for at, computed, g, allowed in zip(points, found.tolist(), *truth(name, by, dtype), strict=True):
        if allowed == mpmath.inf:
            continue
        low, high = (max(-most, g - allowed), min(most, g + allowed))
        if not low <= computed <= high and not (computed in (mpmath.inf, -mpmath.inf) and abs(g) + allowed >= most):
            bad.append(f"{name} by {by} at {at}: {computed} instead of {mpmath.nstr(g, 9)}")
    return bad


@pytest.mark.parametrize("target", ["numpy", "cpu"])
@pytest.mark.parametrize("arity", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
def test_derivatives_keep_their_digits(dtype: type, arity: int, target: str) -> None:
    inputs, values, outputs = graphs(dtype, arity)
    if target == "numpy":
        found = ga.evaluate(list(outputs.values()), dict(zip(inputs, values, strict=True)))
    else:
        found = ga.compile(inputs, list(outputs.values()))(*values)
    bad = []
    for (name, by, modes), array in zip(outputs, found, strict=True):
        wrong = misses(name, by, dtype, array)
        if wrong:
            bad.append(f"{modes} {wrong[0]} ({len(wrong)} of {len(array)})")
    assert not bad, f"seed {SEED}:\n" + "\n".join(bad)
