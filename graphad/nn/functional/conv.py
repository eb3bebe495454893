"""Convolutions (cross-correlations, as in every deep-learning library): a contraction of a sliding window.

    out[n, o, y, x] = bias[o] + sum over c, i, j of  x[n, c, y s + i d - p, x s + j d - p] weight[o, c, i, j]

The window is a view, so nothing is copied when the graph is written, and its transpose is affine: the gradients of a
convolution are convolutions again. How it is computed (im2col, a direct loop nest) is the compiler's choice.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from graphad.build import TensorLike, as_tensor, refuse
from graphad.compiler.errors import DTypeError, ShapeError
from graphad.compiler.ir.view import AxisMap
from graphad.nn.functional.spatial import LAYOUTS, Each, Frame, Pairs, count, each, each_of, image, plural
from graphad.ops.contraction import contract
from graphad.ops.shape import affine, reshape
from graphad.tensor import Tensor

Padding: TypeAlias = Each | Sequence[tuple[int, int]] | Literal["same", "valid"]
"""A number, one for each axis, a pair (before, after) for each axis, "valid" (none) or "same" (out as large as x)."""

WEIGHTS = {1: "OIL", 2: "OIHW", 3: "OIDHW"}


def conv1d(
    x: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Each = 1,
    padding: Padding = 0,
    dilation: Each = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution over sequences: (N, C, L) with weight (O, C / groups, K) and bias (O,) -> (N, O, L').

    >>> from graphad import input
    >>> conv1d(input("x", ("N", 3, 32)), input("w", (8, 3, 5)), padding="same").shape
    (N, 8, 32)
    """
    return _convolve("conv1d", 1, x, weight, bias, stride, padding, dilation, groups)


def conv2d(
    x: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Each = 1,
    padding: Padding = 0,
    dilation: Each = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution over images: (N, C, H, W) with weight (O, C / groups, K, L) and bias (O,) -> (N, O, H', W').

    H' = (H + padding before and after - dilation (K - 1) - 1) // stride + 1, and W' likewise.

    Errors: ShapeError for a rank, channels, groups or a window that do not fit, DTypeError for mixed dtypes.

    >>> from graphad import input
    >>> conv2d(input("x", ("N", 1, 28, 28)), input("w", (6, 1, 5, 5)), stride=2, padding=2).shape
    (N, 6, 14, 14)
    """
    return _convolve("conv2d", 2, x, weight, bias, stride, padding, dilation, groups)


def conv3d(
    x: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Each = 1,
    padding: Padding = 0,
    dilation: Each = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution over volumes: (N, C, D, H, W) with weight (O, C / groups, J, K, L) and bias (O,).

    >>> from graphad import input
    >>> conv3d(input("x", ("N", 1, 8, 8, 8)), input("w", (2, 1, 3, 3, 3))).shape
    (N, 2, 6, 6, 6)
    """
    return _convolve("conv3d", 3, x, weight, bias, stride, padding, dilation, groups)


def _convolve(
    name: str,
    rank: int,
    x: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None,
    stride: Each,
    padding: Padding,
    dilation: Each,
    groups: int,
) -> Tensor:
    tensor, kernel = image(name, x, rank), as_tensor(weight, name)
    _check_weight(name, rank, tensor, kernel, groups)
    sizes = _sizes(name, tensor, kernel)
    strides = each(name, tensor, "stride", stride, rank, 1)
    dilations = each(name, tensor, "dilation", dilation, rank, 1)
    frame = Frame(sizes, strides, dilations, _pads(name, tensor, padding, sizes, strides, dilations))
    frame.check(name, tensor)
    out = _slide_and_contract(tensor, kernel, groups, frame)
    return out if bias is None else out + _column(name, out, kernel, as_tensor(bias, name))


def _slide_and_contract(x: Tensor, weight: Tensor, groups: int, frame: Frame) -> Tensor:
    """The contraction; with groups, g is a batch letter of both operands."""
    places, taps = "xyz"[: len(frame.sizes)], "ijk"[: len(frame.sizes)]
    if groups == 1:
        return contract(frame.slide(x), weight, f"nc{places}{taps}", f"oc{taps}", f"no{places}")
    n, channels, *spatial = x.shape
    outs, ins, *kernel = weight.shape
    x = reshape(x, (n, groups, channels // groups, *spatial))
    weight = reshape(weight, (groups, outs // groups, ins, *kernel))
    out = contract(frame.slide(x), weight, f"ngc{places}{taps}", f"goc{taps}", f"ngo{places}")
    joined: Tensor = reshape(out, (n, outs, *out.shape[3:]))
    return joined


def _check_weight(name: str, rank: int, x: Tensor, weight: Tensor, groups: int) -> None:
    layout, order = LAYOUTS[rank], WEIGHTS[rank]
    if weight.ndim != rank + 2:
        refuse(ShapeError, name, (x, weight), f"weight has {rank + 2} dimensions, {order}, got {weight.ndim}")
    if weight.dtype != x.dtype:
        refuse(
            DTypeError,
            name,
            (x, weight),
            f"x and weight have one dtype, got {x.dtype} and {weight.dtype}; write x.astype({weight.dtype!r})",
        )
    count(name, "groups", groups)
    if isinstance(weight.shape[0], int) and weight.shape[0] % groups:
        refuse(
            ShapeError,
            name,
            (x, weight),
            f"{weight.shape[0]} output channels ({order} axis 0 of weight) do not divide by {groups} groups",
        )
    wanted = weight.shape[1] * groups
    if x.shape[1] != wanted:
        shared = f" = {weight.shape[1]} times {groups} groups" if groups > 1 else ""
        last = x.ndim - 1
        order_of_axes = (0, last, *range(1, last))
        fix = f"; permute_dims(x, {order_of_axes})?" if x.shape[last] == wanted else ""
        refuse(
            ShapeError,
            name,
            (x, weight),
            f"weight expects {wanted}{shared} input channel{plural(wanted)} ({order} axis 1), got {x.shape[1]} "
            f"(axis 1 of x, {layout}){fix}",
        )


def _sizes(name: str, x: Tensor, weight: Tensor) -> tuple[int, ...]:
    sizes = tuple(d for d in weight.shape[2:] if isinstance(d, int))
    if len(sizes) != weight.ndim - 2 or 0 in sizes:
        refuse(ShapeError, name, (x, weight), f"a window's size is a number >= 1, got {list(weight.shape[2:])}")
    return sizes


def _pads(
    name: str, x: Tensor, padding: Padding, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Pairs:
    if isinstance(padding, str) and padding == "valid":
        return ((0, 0),) * len(sizes)
    if isinstance(padding, str) and padding == "same":
        if any(s != 1 for s in strides):
            refuse(ShapeError, name, (x,), f"padding='same' needs stride 1, got {list(strides)}; give numbers")
        totals = [(k - 1) * d for k, d in zip(sizes, dilations, strict=True)]
        return tuple((t // 2, t - t // 2) for t in totals)  # the odd element goes to the end, as torch's
    given: Any = padding
    if isinstance(given, str):
        refuse(ShapeError, name, (x,), f"padding is a number, pairs, 'same' or 'valid', got {padding!r}")
    if isinstance(given, list | tuple) and len(given) == len(sizes) and all(isinstance(p, list | tuple) for p in given):
        pairs = [each(name, x, "padding", p, 2, 0) for p in given]
        return tuple((before, after) for before, after in pairs)
    return tuple((p, p) for p in each(name, x, "padding", given, len(sizes), 0))


def _column(name: str, out: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The bias, (O,), with the result's shape."""
    if bias.shape != weight.shape[:1]:
        refuse(
            ShapeError,
            name,
            (bias,),
            f"bias expects one element for {each_of(weight.shape[0], 'output channel')}, got {list(bias.shape)}",
        )
    if bias.dtype != out.dtype:
        refuse(DTypeError, name, (bias,), f"bias expects {out.dtype}, got {bias.dtype}; astype({out.dtype!r})?")
    return affine(bias, out.shape, [AxisMap(terms=((1, 1),))])
