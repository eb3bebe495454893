"""Reductions and scans, and what is built of them."""

import builtins
from typing import Any

import numpy as np

from graphad.build import TensorLike, as_tensor, broadcast, make, need_float, normalize_axes
from graphad.checks import flag, real
from graphad.compiler.errors import ShapeError
from graphad.compiler.ir import kinds as k
from graphad.compiler.ir.op import CONSTANT
from graphad.compiler.ir.size import Dim, Size, product
from graphad.ops.arithmetic import equal, isfinite, where
from graphad.ops.exponential import exp, log, sqrt
from graphad.ops.record import Prefix, Select, reduction, scan
from graphad.ops.shape import expand_dims, index, reshape, squeeze
from graphad.ops.stop import stop_gradient
from graphad.tensor import Tensor, operator


def _keep_dtype(function: Any) -> Any:
    return lambda x, axes: function(x, axis=axes, dtype=x.dtype)


sum = reduction("sum", monoid=k.SUM, reference=_keep_dtype(np.sum), weights=lambda x, out, axes: 1)
prod = reduction("prod", monoid=k.PROD, reference=_keep_dtype(np.prod), weights=lambda x, out, axes: _others(x, axes))
max = reduction(
    "max",
    monoid=k.MAX,
    reference=lambda x, axes: np.max(_some(x, axes), axis=axes),
    weights=lambda x, out, axes: _shared(x, out, x < out, axes),  # ties share, as torch.amax
)
min = reduction(
    "min",
    monoid=k.MIN,
    reference=lambda x, axes: np.min(_some(x, axes), axis=axes),
    weights=lambda x, out, axes: _shared(x, out, x > out, axes),
)
any = reduction("any", monoid=k.ANY, reference=lambda x, axes: np.any(x, axis=axes), weights=None, takes="bool")
all = reduction("all", monoid=k.ALL, reference=lambda x, axes: np.all(x, axis=axes), weights=None, takes="bool")
argmax = reduction("argmax", monoid=k.ARGMAX, reference=lambda x, axes: _arg(np.argmax, x, axes), weights=None)
argmin = reduction("argmin", monoid=k.ARGMIN, reference=lambda x, axes: _arg(np.argmin, x, axes), weights=None)

cumulative_sum: Prefix = scan(
    "cumulative_sum",
    monoid=k.SUM,
    reference=lambda x, axis: np.cumsum(x, axis=axis, dtype=x.dtype),
    jvp=lambda x, y, t, axis, reverse: cumulative_sum(t, axis, reverse),
    vjp=lambda x, y, c, axis, reverse: cumulative_sum(c, axis, not reverse),
)
cumulative_prod = scan(
    "cumulative_prod",
    monoid=k.PROD,
    reference=lambda x, axis: np.cumprod(x, axis=axis, dtype=x.dtype),
    jvp=lambda x, y, t, axis, reverse: sum(_prefix_others(x, axis, reverse) * expand_dims(t, axis), axis + 1),
    vjp=lambda x, y, c, axis, reverse: sum(_prefix_others(x, axis, reverse) * expand_dims(c, axis + 1), axis),
)


def _some(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    if builtins.any(x.shape[a] == 0 for a in axes):
        raise ShapeError(f"an extreme of no elements has no value (shape {list(x.shape)})")
    return x


def _arg(function: Any, x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    x = _some(x, axes)
    kept = [i for i in range(x.ndim) if i not in axes]
    count = int(np.prod([x.shape[i] for i in axes]))  # not -1: a kept axis may be empty
    moved = np.transpose(x, (*kept, *axes)).reshape(*(x.shape[i] for i in kept), count)
    return np.asarray(function(moved, axis=-1), dtype=np.int64)


def _shared(x: Tensor, out: Tensor, beaten: Tensor, axes: tuple[int, ...]) -> Select:
    """A share for each extreme element. Where the extreme is NaN none equals it, and all get 0 / 0, as torch.amax."""
    count = sum(equal(x, out).astype(x.dtype), axes, keepdims=True)
    return Select(~beaten, broadcast(count / count / count, x.shape))


def _others(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The product of all other elements over ``axes``, right also where elements are zero: prefixes times suffixes."""
    kept = tuple(i for i in range(x.ndim) if i not in axes)
    order = (*kept, *axes)
    moved = _permute(x, order)
    flat = reshape(moved, (*(x.shape[i] for i in kept), product(x.shape[i] for i in axes)))
    axis = len(kept)
    others = _exclusive(flat, axis, False) * _exclusive(flat, axis, True)
    back = tuple(order.index(i) for i in range(x.ndim))
    return _permute(reshape(others, moved.shape), back)


def _permute(x: Tensor, order: tuple[int, ...]) -> Tensor:
    result: Tensor = x._do("permute_dims", order)
    return result


def _exclusive(x: Tensor, axis: int, reverse: bool) -> Tensor:
    """Products of the elements strictly before (after) each one."""
    i = index(x.shape, axis)
    shifted = _shift(x, axis, -1 if reverse else 1)
    edge = x.shape[axis] - 1 if reverse else 0
    return cumulative_prod(where(equal(i, edge), 1, shifted), axis, reverse)


def _shift(x: Tensor, axis: int, by: int) -> Tensor:
    result: Tensor = x._do("shift", axis, by)
    return result


def _prefix_others(x: Tensor, axis: int, reverse: bool) -> Tensor:
    """M[.., i, j, ..]: the product of the elements of prefix i without element j; 0 where j is not in the prefix.

    M[i, j] = (product before j) * (product after j up to i); the second factor is a scan along i.
    """
    n: Dim = x.shape[axis]
    shape = (*x.shape[:axis], n, *x.shape[axis:])
    rows, columns = index(shape, axis), index(shape, axis + 1)
    beyond = rows < columns if reverse else rows > columns
    inside = rows <= columns if reverse else rows >= columns
    tail = cumulative_prod(where(beyond, broadcast(expand_dims(x, axis + 1), shape), 1), axis, reverse)
    head = broadcast(expand_dims(_exclusive(x, axis, reverse), axis), shape)
    return where(inside, head * tail, 0)


def _count(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The number of elements along axes, in the tensor's dtype."""
    count = product(x.shape[a] for a in axes)
    if isinstance(count, Size):
        return as_tensor(count).astype(x.dtype)
    return make(CONSTANT, k.Constant(np.asarray(count, x.dtype), counts=0 in axes), ())


@operator("mean")
def mean(x: TensorLike, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean over axes (all for None).

    >>> mean([[1.0, 2.0], [3.0, 4.0]], axis=0).shape
    (2,)
    """
    tensor = as_tensor(x, "mean")
    need_float("mean", tensor)
    axes = normalize_axes("mean", tensor, axis)
    return sum(tensor, axes, keepdims) / _count(tensor, axes)


def var(x: TensorLike, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """The variance over axes, in two passes; ``correction`` is subtracted from the count."""
    tensor, correction = as_tensor(x, "var"), real("var", "correction", correction)
    need_float("var", tensor)
    axes = normalize_axes("var", tensor, axis)
    centred = tensor - mean(tensor, axes, keepdims=True)
    count = _count(tensor, axes)
    return sum(centred * centred, axes, keepdims) / (count - correction if correction else count)


def std(x: TensorLike, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """The standard deviation over axes; the derivative at equal elements, where it has a kink, is 0, as torch's.

    >>> import graphad as ga
    >>> x = ga.input("x", (3,))
    >>> ga.evaluate(ga.grad(std(x), x), {x: [2.0, 2.0, 2.0]})
    array([0., 0., 0.], dtype=float32)
    """
    variance = var(x, axis, correction, keepdims)
    flat = equal(variance, 0)
    return where(flat, 0, sqrt(where(flat, 1, variance)))


def logsumexp(x: TensorLike, axis: Any = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over axes, with the greatest element taken out, so that no exp overflows.

    Shape: x's without the axes. Errors: DTypeError for integers.

    >>> import graphad as ga
    >>> ga.evaluate(logsumexp([1000.0, 1000.0]))
    array(1000.6932, dtype=float32)
    """
    tensor = as_tensor(x, "logsumexp")
    need_float("logsumexp", tensor)
    axes = normalize_axes("logsumexp", tensor, axis)
    greatest = stop_gradient(max(tensor, axes, keepdims=True))
    top = where(isfinite(greatest), greatest, 0)
    out = log(sum(exp(tensor - top), axes, keepdims=True)) + top
    return out if flag("logsumexp", "keepdims", keepdims) or not axes else squeeze(out, axes)


def count_nonzero(x: TensorLike, axis: Any = None, keepdims: bool = False) -> Tensor:
    """How many elements are not zero, int64."""
    return sum(as_tensor(x, "count_nonzero") != 0, axis, keepdims)


__all__ = [
    "all",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cumulative_prod",
    "cumulative_sum",
    "logsumexp",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
]
