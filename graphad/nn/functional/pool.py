"""Pooling: the greatest or the mean element of a sliding window, for each channel on its own."""

from collections.abc import Sequence

from graphad.autodiff import custom_derivative
from graphad.build import TensorLike, refuse
from graphad.checks import flag
from graphad.compiler.errors import ShapeError
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.view import AxisMap
from graphad.nn.functional.spatial import Each, Frame, each, image
from graphad.ops.arithmetic import equal, maximum, where
from graphad.ops.creation import ones
from graphad.ops.reductions import argmax
from graphad.ops.reductions import max as max_
from graphad.ops.reductions import sum as sum_
from graphad.ops.shape import affine, index
from graphad.tensor import Tensor


def max_pool1d(
    x: TensorLike, kernel_size: Each, stride: Each | None = None, padding: Each = 0, dilation: Each = 1
) -> Tensor:
    """The greatest of each window: (N, C, L) -> (N, C, L'). See ``max_pool2d``."""
    return _max_pool("max_pool1d", 1, x, kernel_size, stride, padding, dilation)


def max_pool2d(
    x: TensorLike, kernel_size: Each, stride: Each | None = None, padding: Each = 0, dilation: Each = 1
) -> Tensor:
    """The greatest of each window: (N, C, H, W) -> (N, C, H', W'); ``stride`` is the window's size unless given.

    H' = (H + 2 padding - dilation (K - 1) - 1) // stride + 1. Padding counts as -inf and is at most half a window.
    The derivative goes to the first greatest element in row-major order, as in torch, and never to the padding.

    >>> from graphad import input
    >>> max_pool2d(input("x", ("N", 6, 28, 28)), 2).shape
    (N, 6, 14, 14)
    """
    return _max_pool("max_pool2d", 2, x, kernel_size, stride, padding, dilation)


def max_pool3d(
    x: TensorLike, kernel_size: Each, stride: Each | None = None, padding: Each = 0, dilation: Each = 1
) -> Tensor:
    """The greatest of each window: (N, C, D, H, W) -> (N, C, D', H', W'). See ``max_pool2d``."""
    return _max_pool("max_pool3d", 3, x, kernel_size, stride, padding, dilation)


def avg_pool1d(
    x: TensorLike, kernel_size: Each, stride: Each | None = None, padding: Each = 0, count_include_pad: bool = True
) -> Tensor:
    """The mean of each window: (N, C, L) -> (N, C, L'). See ``avg_pool2d``."""
    return _avg_pool("avg_pool1d", 1, x, kernel_size, stride, padding, count_include_pad)


def avg_pool2d(
    x: TensorLike, kernel_size: Each, stride: Each | None = None, padding: Each = 0, count_include_pad: bool = True
) -> Tensor:
    """The mean of each window: (N, C, H, W) -> (N, C, H', W'); ``stride`` is the window's size unless given.

    With ``count_include_pad`` padding counts as zeros, else a window that overlaps it is the mean of fewer elements.

    >>> from graphad import evaluate, ones
    >>> evaluate(avg_pool2d(ones((1, 1, 2, 2)), 2))
    array([[[[1.]]]], dtype=float32)
    """
    return _avg_pool("avg_pool2d", 2, x, kernel_size, stride, padding, count_include_pad)


def avg_pool3d(
    x: TensorLike, kernel_size: Each, stride: Each | None = None, padding: Each = 0, count_include_pad: bool = True
) -> Tensor:
    """The mean of each window: (N, C, D, H, W) -> (N, C, D', H', W'). See ``avg_pool2d``."""
    return _avg_pool("avg_pool3d", 3, x, kernel_size, stride, padding, count_include_pad)


def _frame(
    name: str, rank: int, x: Tensor, kernel_size: Each, stride: Each | None, padding: Each, dilation: Each
) -> Frame:
    sizes = each(name, x, "kernel_size", kernel_size, rank, 1)
    strides = sizes if stride is None else each(name, x, "stride", stride, rank, 1)
    dilations = each(name, x, "dilation", dilation, rank, 1)
    pads = each(name, x, "padding", padding, rank, 0)
    for size, spread, pad in zip(sizes, dilations, pads, strict=True):
        if pad > ((size - 1) * spread + 1) // 2:  # torch's limit; undilated windows then hold an element
            refuse(ShapeError, name, (x,), f"padding is at most half the window of {size}, got {pad}; pad(x, ...)?")
    frame = Frame(sizes, strides, dilations, tuple((p, p) for p in pads))
    frame.check(name, x)
    return frame


def _max_pool(
    name: str, rank: int, x: TensorLike, kernel_size: Each, stride: Each | None, padding: Each, dilation: Each
) -> Tensor:
    tensor = image(name, x, rank)
    frame = _frame(name, rank, tensor, kernel_size, stride, padding, dilation)
    windows = frame.slide(tensor, fill=float("-inf"))
    # The rules are linear in tangent and cotangent and static in shape, so they transpose and differentiate again.
    return custom_derivative(
        max_(windows, frame.axes),
        [windows],
        jvp=lambda tangent: sum_(where(_first_greatest(windows, frame), tangent, 0), frame.axes),
        vjp=lambda cotangent: [where(_first_greatest(windows, frame), _spread(cotangent, windows), 0)],
    )


def _first_greatest(windows: Tensor, frame: Frame) -> Tensor:
    """bool of the windows' shape: true at the first greatest element of each window."""
    first = argmax(windows, frame.axes)
    if any(before for before, _ in frame.padding):
        # a window of nothing but -inf has its first greatest in the padding; no other comes before the first inside
        first = maximum(first, _first_inside(first, frame))
    places = [index(windows.shape, windows.ndim + axis) for axis in frame.axes]
    return equal(_row_major(places, frame), _spread(first, windows))


def _first_inside(picked: Tensor, frame: Frame) -> Tensor:
    """The row-major index, in each window, of its first element that is no padding; int64, like ``picked``."""
    places = []
    for axis, step, dilation, (before, _) in zip(
        frame.axes, frame.strides, frame.dilations, frame.padding, strict=True
    ):
        outside = before - step * index(picked.shape, picked.ndim + axis)  # elements before the image, if any
        places.append(maximum((outside + (dilation - 1)) // dilation, 0))
    return _row_major(places, frame)


def _row_major(places: Sequence[Tensor], frame: Frame) -> Tensor:
    """The index inside a window from that along each of its axes."""
    flat = places[0]
    for place, size in zip(places[1:], frame.sizes[1:], strict=True):
        flat = flat * size + place
    return flat


def _spread(x: Tensor, windows: Tensor) -> Tensor:
    """``x`` repeated over the windows' last axes."""
    return affine(x, windows.shape, [AxisMap(terms=((i, 1),)) for i in range(x.ndim)])


def _avg_pool(
    name: str, rank: int, x: TensorLike, kernel_size: Each, stride: Each | None, padding: Each, include: bool
) -> Tensor:
    tensor, include = image(name, x, rank), flag(name, "count_include_pad", include)
    frame = _frame(name, rank, tensor, kernel_size, stride, padding, 1)
    total = sum_(frame.slide(tensor), frame.axes)
    if include or not any(before for before, _ in frame.padding):
        count = 1
        for size in frame.sizes:
            count *= size
        return total / count
    present: tuple[Dim, ...] = (1, 1, *tensor.shape[2:])
    return total / sum_(frame.slide(ones(present, tensor.dtype)), frame.axes)
