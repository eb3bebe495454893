"""Derivatives compared with differences: the test that every op, layer and custom rule has to pass."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from graphad.autodiff import modes as sweeps
from graphad.autodiff.structure import flatten
from graphad.build import as_array, refuse
from graphad.checks import listed, mapped, real, whole
from graphad.compiler.errors import GraphadError, GraphError
from graphad.compiler.ir.dtypes import is_float
from graphad.evaluate import evaluate
from graphad.leaves import input as placeholder
from graphad.sparse_tensor import SparseTensor
from graphad.tensor import Tensor

CheckMode: TypeAlias = Literal["forward", "reverse"]
Values: TypeAlias = dict[Tensor, np.ndarray]

_SEED: Final = 20
_TOLERANCE: Final = {"float64": (1e-6, 1e-8), "float32": (3e-2, 3e-3)}


class GradientError(GraphadError):
    """A derivative differs from the difference quotient; names the input, the direction, expected and got."""


def check_grads(
    y: Any,
    values: Mapping[Tensor, Any],
    order: int = 2,
    modes: Sequence[CheckMode] = ("forward", "reverse"),
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    """Compares central differences with forward and reverse mode, at random directions from a fixed seed.

    Args:
        y: a float tensor, or a list, tuple or dict of them, of any shape.
        values: {x: value} for the inputs. Derivatives are checked with respect to each float input; integer inputs
            only have a value. Choose points away from kinks, and float64: in float32 the differences have two digits.
        order: up to which order; the derivatives of each order are differentiated in every mode again.
        modes: which modes to check.
        rtol, atol: |expected - got| <= atol + rtol |expected|; by default by dtype, 1e-6 and 1e-8 for float64.

    Errors: GradientError; GraphError for a mode that is not there, DTypeError where there is no derivative.

    >>> import graphad as ga
    >>> x = ga.input("x", (3,), dtype="float64")
    >>> check_grads(ga.sin(x) * x, {x: [0.1, 0.2, 0.3]})
    """
    outputs = [t.values if isinstance(t, SparseTensor) else t for t in flatten("check_grads", y)]
    whole("check_grads", "order", order, 1, 8)
    rtol = None if rtol is None else real("check_grads", "rtol", rtol, 0)
    atol = None if atol is None else real("check_grads", "atol", atol, 0)
    if not listed("check_grads", "modes", modes, "'forward' and 'reverse'") or not set(map(str, modes)) <= {
        "forward",
        "reverse",
    }:
        refuse(GraphError, "check_grads", tuple(outputs), f"modes are 'forward' and 'reverse', got {modes!r}")
    given = mapped("check_grads", "values", values, "{x: value}")
    point = {x: as_array("check_grads", value).astype(x.dtype) for x, value in given.items()}
    inputs = [x for x in point if is_float(x.dtype)]
    if not inputs:
        refuse(GraphError, "check_grads", tuple(outputs), "values has no float input, so there is nothing to check")
    sweeps.check_reach("check_grads", outputs, inputs, sweeps.order(outputs))
    _check(outputs, point, inputs, modes, order, (rtol, atol), np.random.default_rng(_SEED), "d y")


def _check(
    outputs: list[Tensor],
    point: Values,
    inputs: list[Tensor],
    modes: Sequence[CheckMode],
    depth: int,
    tolerance: tuple[float | None, float | None],
    rng: np.random.Generator,
    what: str,
) -> None:
    """One order of derivatives, then the derivatives' own."""
    live = sweeps.active(sweeps.order(outputs), inputs)
    outputs = [y for y in outputs if y in live]
    if not outputs or not depth:
        return
    weights = [_direction(v, y.dtype, rng) for v, y in zip(evaluate(outputs, point), outputs, strict=True)]
    cotangents = [_symbol("cotangent", y) for y in outputs]
    point = point | dict(zip(cotangents, weights, strict=True))
    for x in inputs:
        v = _direction(point[x], x.dtype, rng)
        expected = difference(outputs, point, x, v)
        name = f"{what} / d {getattr(x.kind, 'name', repr(x))}"
        if "forward" in modes:
            tangent = _symbol("tangent", x)
            found = sweeps.push_forward(outputs, [x], [tangent])
            point = point | {tangent: v}
            _compare(f"{name}, forward", expected, evaluate(found, point), v, tolerance)
            _check(found, point, inputs, modes, depth - 1, tolerance, rng, f"d ({name}, forward)")
        if "reverse" in modes:
            back = sweeps.pull_back(outputs, cotangents, [x])
            along = [np.asarray(sum(np.vdot(w, e) for w, e in zip(weights, expected, strict=True)))]
            (row,) = evaluate(back, point)
            _compare(f"{name}, reverse", along, [np.asarray(np.vdot(row, v))], v, tolerance)
            _check(back, point, inputs, modes, depth - 1, tolerance, rng, f"d ({name}, reverse)")


def _symbol(name: str, like: Tensor) -> Tensor:
    return placeholder(name, like.shape, like.dtype)


def _direction(like: np.ndarray, dtype: str, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(rng.uniform(0.5, 1.5, like.shape) * rng.choice([-1.0, 1.0], like.shape), dtype)


def difference(outputs: Sequence[Tensor], point: Values, x: Tensor, v: np.ndarray) -> list[np.ndarray]:
    """(y(x + h v) - y(x - h v)) / 2h, h the cube root of the dtype's precision: rounding and truncation balance."""
    h = 6e-6 if x.dtype == "float64" else 5e-3
    ahead, behind = point[x] + (h * v).astype(v.dtype), point[x] - (h * v).astype(v.dtype)
    up, down = (evaluate(list(outputs), {**point, x: at}) for at in (ahead, behind))
    return [(np.asarray(a, "float64") - b) / (2 * h) for a, b in zip(up, down, strict=True)]


def _compare(
    what: str,
    expected: Sequence[np.ndarray],
    found: Sequence[np.ndarray],
    v: np.ndarray,
    tolerance: tuple[float | None, float | None],
) -> None:
    for i, (e, g) in enumerate(zip(expected, found, strict=True)):
        rtol, atol = (t if t is not None else d for t, d in zip(tolerance, _TOLERANCE[v.dtype.name], strict=True))
        # the sum that a reverse sweep is compared by has the rounding of its greatest term
        close = np.isclose(g, e, rtol=rtol, atol=atol * max(1.0, float(np.max(np.abs(e), initial=0.0))), equal_nan=True)
        if not np.all(close):
            at = tuple(int(k) for k in np.argwhere(~close)[0])
            which = f" of output {i}" if len(expected) > 1 else ""
            raise GradientError(
                f"{what}{which}, at {list(at)}, in direction {_short(v)}: expected {e[at]:.8g} by differences, "
                f"got {g[at]:.8g}"
            )


def _short(v: np.ndarray) -> str:
    return np.array2string(v, precision=3, threshold=6)
