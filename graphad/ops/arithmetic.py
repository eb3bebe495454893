"""Arithmetic, comparisons, logic, choice and conversion."""

from typing import Any

import numpy as np

from graphad.build import TensorLike, as_tensor, constant, is_weak, named_dtype
from graphad.compiler.interpret import check_range
from graphad.compiler.ir import scalar as s
from graphad.compiler.ir.dtypes import DTYPES
from graphad.ops.record import ANYWHERE, POSITIVE, Elementwise, Select, elementwise
from graphad.tensor import Tensor, operator

add = elementwise(
    "add",
    scalar=lambda x, y: x + y,
    reference=np.add,
    partials=lambda x, y, z: (1, 1),
    domain=[ANYWHERE, ANYWHERE],
    simplify=lambda x, y: 0 if _is_minus_zero(y) else 1 if _is_minus_zero(x) else None,
    takes="number",
    commutative=True,
)
subtract = elementwise(
    "subtract",
    scalar=lambda x, y: x - y,
    reference=np.subtract,
    partials=lambda x, y, z: (1, -1),
    domain=[ANYWHERE, ANYWHERE],
    simplify=lambda x, y: 0 if _is_plus_zero(y) else None,
    takes="number",
)
multiply = elementwise(
    "multiply",
    scalar=lambda x, y: x * y,
    reference=np.multiply,
    partials=lambda x, y, z: (y, x),
    domain=[ANYWHERE, ANYWHERE],
    simplify=lambda x, y: 0 if y == 1 else 1 if x == 1 else None,
    takes="number",
    commutative=True,
)
divide = elementwise(
    "divide",
    scalar=lambda x, y: x / y,
    reference=np.divide,
    partials=lambda x, y, z: (lambda: 1 / y, lambda: -z / y),
    domain=[ANYWHERE, POSITIVE],
    simplify=lambda x, y: 0 if y == 1 else None,
    takes="number",
    divides=True,
)
negative = elementwise(
    "negative",
    scalar=lambda x: -x,
    reference=np.negative,
    partials=lambda x, y: (-1,),
    domain=[ANYWHERE],
    takes="number",
)
reciprocal = elementwise(
    "reciprocal", scalar=lambda x: 1 / x, reference=np.reciprocal, partials=lambda x, y: (-y * y,), domain=[POSITIVE]
)
floor_divide = elementwise(
    "floor_divide",
    scalar=lambda x, y: s.apply("floordiv", x, y),
    reference=np.floor_divide,
    partials=lambda x, y, z: (0, 0),
    domain=[ANYWHERE, POSITIVE],
    takes="number",
)
remainder = elementwise(
    "remainder",
    scalar=lambda x, y: s.apply("mod", x, y),
    reference=np.remainder,
    partials=lambda x, y, z: (1, lambda: -floor_divide(x, y)),
    domain=[ANYWHERE, POSITIVE],
    takes="number",
)
absolute = elementwise(
    "abs",
    scalar=lambda x: s.apply("abs", x),
    reference=np.abs,
    partials=lambda x, y: (sign(x),),  # abs'(0) = 0
    domain=[ANYWHERE],
    takes="number",
)
abs = absolute
sign: Elementwise = elementwise(
    "sign",
    scalar=lambda x: s.apply("sign", x),
    reference=np.sign,
    partials=lambda x, y: (0,),
    domain=[ANYWHERE],
    takes="number",
)
square = elementwise(
    "square",
    scalar=lambda x: x * x,
    reference=np.square,
    partials=lambda x, y: (2 * x,),
    domain=[ANYWHERE],
    takes="number",
)
maximum = elementwise(
    "maximum",
    scalar=lambda x, y: s.apply("max", x, y),
    reference=np.maximum,
    partials=lambda x, y, z: (lambda: _winner(x < y, x, y), lambda: _winner(y < x, x, y)),
    domain=[ANYWHERE, ANYWHERE],
    takes="number",
    commutative=True,
)
minimum = elementwise(
    "minimum",
    scalar=lambda x, y: s.apply("min", x, y),
    reference=np.minimum,
    partials=lambda x, y, z: (lambda: _winner(x > y, x, y), lambda: _winner(y > x, x, y)),
    domain=[ANYWHERE, ANYWHERE],
    takes="number",
    commutative=True,
)
relu = elementwise(
    "relu",
    scalar=lambda x: s.where(s.apply("le", x, 0), 0, x),  # NaN stays NaN
    reference=lambda x: np.where(x <= 0, np.zeros((), x.dtype), x),
    partials=lambda x, y: (Select(y > 0),),  # relu'(0) = 0; asks the result, so that x need not be kept
    domain=[ANYWHERE],
    takes="number",
)
where = elementwise(
    "where",
    scalar=lambda condition, x, y: s.where(condition, x, y),
    reference=np.where,
    partials=lambda c, x, y, z: (None, Select(c), lambda: Select(~c)),
    domain=[(-1.0, 1.0), ANYWHERE, ANYWHERE],
    simplify=lambda c, x, y: None if c is None else (1 if c else 2),
    takes="any",
)


def _compare(name: str, primitive: str, reference: Any) -> Elementwise:
    return elementwise(
        name,
        scalar=lambda x, y: s.apply(primitive, x, y),
        reference=reference,
        partials=None,
        domain=[ANYWHERE, ANYWHERE],
        takes="any",
    )


equal = _compare("equal", "eq", np.equal)
not_equal = _compare("not_equal", "ne", np.not_equal)
less = _compare("less", "lt", np.less)
less_equal = _compare("less_equal", "le", np.less_equal)
greater = _compare("greater", "gt", np.greater)
greater_equal = _compare("greater_equal", "ge", np.greater_equal)


def _logic(name: str, primitive: str, reference: Any, arity: int) -> Elementwise:
    return elementwise(
        name,
        scalar=(lambda x, y: s.apply(primitive, x, y)) if arity == 2 else (lambda x: s.apply(primitive, x)),
        reference=reference,
        partials=None,
        domain=[(-1.0, 1.0)] * arity,
        takes="bool",
        commutative=arity == 2,
    )


logical_and = _logic("logical_and", "and", np.logical_and, 2)
logical_or = _logic("logical_or", "or", np.logical_or, 2)
logical_xor = _logic("logical_xor", "xor", np.logical_xor, 2)
logical_not = _logic("logical_not", "not", np.logical_not, 1)


def _predicate(name: str, reference: Any) -> Elementwise:
    return elementwise(name, scalar=lambda x: s.apply(name, x), reference=reference, partials=None, domain=[ANYWHERE])


isnan = _predicate("isnan", np.isnan)
isinf = _predicate("isinf", np.isinf)
isfinite = _predicate("isfinite", np.isfinite)


def _step(name: str, primitive: str, reference: Any) -> Elementwise:
    return elementwise(
        name,
        scalar=lambda x: s.apply(primitive, x),
        reference=reference,
        partials=lambda x, y: (0,),
        domain=[ANYWHERE],
    )


floor = _step("floor", "floor", np.floor)
ceil = _step("ceil", "ceil", np.ceil)
trunc = _step("trunc", "trunc", np.trunc)
round = _step("round", "round", np.round)

_CASTS = {
    dtype: elementwise(
        f"to_{dtype}",
        scalar=lambda x, dtype=dtype: s.Cast(dtype, x),
        reference=lambda x, dtype=dtype: np.asarray(x).astype(dtype),
        partials=(lambda x, y: (1,)) if dtype.startswith("float") else None,
        domain=[ANYWHERE],
        takes="any",
    )
    for dtype in DTYPES
}

from_end = elementwise(
    "from_end",
    scalar=lambda i, n: s.where(s.apply("lt", i, 0), i + n, i),
    reference=lambda i, n: np.where(i < 0, i + n, i),
    partials=None,
    domain=[(-4.0, 4.0), (5.0, 9.0)],
    takes="number",
)
"""An index, a negative one counted from the end; errors tell the user's own number by it."""

in_range = elementwise(
    "in_range",
    scalar=lambda i, n: s.require(s.apply("and", s.apply("ge", i, 0), s.apply("lt", i, n)), i),
    reference=lambda i, n: _in_range(i, n),
    partials=None,
    domain=[(0.0, 4.0), (5.0, 9.0)],
    takes="number",
)


@operator("astype")
def astype(x: TensorLike, dtype: Any) -> Tensor:
    """``x`` converted to ``dtype``; floats to integers truncate towards zero.

    >>> astype([1.7, -1.7], "int64").type
    TensorType(dtype='int64', shape=(2,))
    """
    tensor = as_tensor(x, "astype")
    name = named_dtype("astype", dtype)
    if tensor.dtype == name:
        return tensor
    op = _CASTS[name]
    return op.build((tensor,)) if name != "bool" else not_equal(tensor, 0)


def clip(x: TensorLike, min: Any = None, max: Any = None) -> Tensor:
    """``x`` kept between two bounds; the derivative is 1 inside and on the bounds, 0 outside.

    A NaN stays, of ``x`` or of a bound. Where the bounds cross, ``max`` wins.
    """
    out = as_tensor(x, "clip")
    if min is not None:
        out = where(out < min if _is_number(min) else (out < min) | not_equal(min, min), min, out)
    if max is not None:
        out = where(out > max if _is_number(max) else (out > max) | not_equal(max, max), max, out)
    return out


def _winner(loses: Tensor, x: Tensor, y: Tensor) -> Select:
    """Ties half and half. Beside a NaN nobody loses, as torch's."""
    return Select(~loses, where(equal(x, y), constant(0.5, x.dtype), 1))


def _is_number(bound: Any) -> bool:
    """A Python number that is not NaN."""
    return is_weak(bound) and bound == bound


def _in_range(index: Any, bound: Any) -> Any:
    check_range(np.asarray(index), bound)
    return index


def _is_plus_zero(x: Any) -> bool:
    return x is not None and x == 0 and not np.signbit(x)


def _is_minus_zero(x: Any) -> bool:
    """x + (-0.0) is x for every x; x + 0.0 is not, at -0.0. Integers have one zero."""
    if x is None or x != 0:
        return False
    return bool(np.signbit(x)) or isinstance(x, np.integer)


__all__ = [
    "abs",
    "absolute",
    "add",
    "astype",
    "ceil",
    "clip",
    "divide",
    "equal",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "in_range",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "not_equal",
    "reciprocal",
    "relu",
    "remainder",
    "round",
    "sign",
    "square",
    "subtract",
    "trunc",
    "where",
]
