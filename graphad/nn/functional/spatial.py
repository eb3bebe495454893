"""What convolution and pooling share: arguments for each spatial axis, and the window that slides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from graphad.build import MOST, as_tensor, need_float, refuse
from graphad.checks import shown
from graphad.compiler.errors import ShapeError
from graphad.ops.shape import window
from graphad.tensor import Tensor

Each: TypeAlias = int | Sequence[int]
"""One number for all spatial axes, or one for each."""

Pairs: TypeAlias = tuple[tuple[int, int], ...]
"""(before, after) for each spatial axis."""

LAYOUTS = {1: "NCL", 2: "NCHW", 3: "NCDHW"}


def image(name: str, x: object, rank: int) -> Tensor:
    """``x`` as a float tensor (N, C, spatial axes...)."""
    tensor = as_tensor(x, name)
    need_float(name, tensor)
    if tensor.ndim != rank + 2:
        axis = int(not isinstance(tensor.shape[0], int)) if tensor.ndim else 0  # a named size is the batch
        fix = f"; expand_dims(x, {axis})?" if tensor.ndim == rank + 1 else ""
        refuse(ShapeError, name, (tensor,), f"x needs {rank + 2} dimensions, {LAYOUTS[rank]}, got {tensor.ndim}{fix}")
    return tensor


def each(name: str, x: Tensor, argument: str, value: Each, rank: int, least: int) -> tuple[int, ...]:
    """``value`` for each spatial axis: integers of at least ``least``."""
    return spread(name, (x,), argument, value, rank, least)


def spread(name: str, operands: Sequence[Tensor], argument: str, value: Each, rank: int, least: int) -> tuple[int, ...]:
    """The same before there is an ``x``, or with several operands."""
    found: object = (value,) * rank if isinstance(value, int | np.integer) else value  # the user's: may be anything
    if not isinstance(found, list | tuple) or len(found) != rank or not all(_is_number(v, least) for v in found):
        refuse(
            ShapeError,
            name,
            operands,
            f"{argument} is an integer >= {least}"
            + (f" or {rank} of them" if rank > 1 else "")
            + f", got {shown(value)}",
        )
    return tuple(int(v) for v in found)


def count(name: str, argument: str, value: int) -> int:
    """``value``, an integer of at least 1."""
    if not _is_number(value, 1):
        refuse(ShapeError, name, (), f"{argument} is an integer >= 1, got {value!r}")
    return int(value)


def plural(number: object) -> str:
    """What a noun ends with behind ``number``."""
    return "" if number == 1 else "s"


def each_of(number: object, noun: str) -> str:
    """``number`` things: "the output channel", "each of the 6 output channels"."""
    return f"the {noun}" if number == 1 else f"each of the {number} {noun}s"


def _is_number(value: object, least: int) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and least <= int(value) <= MOST


@dataclass(frozen=True, slots=True)
class Frame:
    """How a window slides: its size, step, spread and the padding of each spatial axis, all checked."""

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: Pairs

    @property
    def axes(self) -> tuple[int, ...]:
        """The window's axes, counted from the end of ``slide``'s result."""
        return tuple(range(-len(self.sizes), 0))

    def slide(self, x: Tensor, fill: float = 0.0) -> Tensor:
        """(..., spatial axes) -> (..., places of the window, elements of the window); a view."""
        return window(x, self.sizes, self.strides, self.dilations, self.padding, fill)

    def check(self, name: str, x: Tensor) -> None:
        """That at least one window fits each spatial axis whose size is known."""
        for i, (size, spread, (before, after)) in enumerate(zip(self.sizes, self.dilations, self.padding, strict=True)):
            extent, span = x.shape[2 + i], (size - 1) * spread + 1
            if isinstance(extent, int) and extent + before + after < span:
                dilated = f" (dilation {spread} spreads it to {span})" if spread > 1 else ""
                padded = f", {extent + before + after} with padding" if before or after else ""
                refuse(
                    ShapeError,
                    name,
                    (x,),
                    f"a window of {size}{dilated} does not fit axis {2 + i} of x, which has {extent} elements"
                    f"{padded}; a smaller window, or more padding?",
                )
