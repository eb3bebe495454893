"""Pooling layers."""

from collections.abc import Callable
from typing import ClassVar, final

from graphad.build import TensorLike
from graphad.checks import flag
from graphad.nn.functional import pool
from graphad.nn.functional.spatial import Each
from graphad.nn.module import Module
from graphad.tensor import Tensor


class _MaxPool(Module):
    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self, kernel_size: Each, stride: Each | None = None, padding: Each = 0, dilation: Each = 1, *, name: str = ""
    ) -> None:
        self.name = name
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation

    def forward(self, x: TensorLike) -> Tensor:
        return type(self).function(x, self.kernel_size, self.stride, self.padding, self.dilation)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_show(self, {'stride': None, 'padding': 0, 'dilation': 1})})"


class _AvgPool(Module):
    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        kernel_size: Each,
        stride: Each | None = None,
        padding: Each = 0,
        count_include_pad: bool = True,
        *,
        name: str = "",
    ) -> None:
        self.name = name
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.count_include_pad = flag(type(self).__name__, "count_include_pad", count_include_pad)

    def forward(self, x: TensorLike) -> Tensor:
        return type(self).function(x, self.kernel_size, self.stride, self.padding, self.count_include_pad)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_show(self, {'stride': None, 'padding': 0, 'count_include_pad': True})})"


def _show(module: Module, defaults: dict[str, object]) -> str:
    values = vars(module)
    changed = [f"{key}={values[key]!r}" for key, usual in defaults.items() if values[key] != usual]
    return ", ".join([repr(values["kernel_size"]), *changed])


@final
class MaxPool1d(_MaxPool):
    """The greatest of each window: (N, C, L) -> (N, C, L'), see ``functional.max_pool1d``."""

    function = staticmethod(pool.max_pool1d)


@final
class MaxPool2d(_MaxPool):
    """The greatest of each window: (N, C, H, W) -> (N, C, H', W'), see ``functional.max_pool2d``.

    >>> MaxPool2d(3, stride=2)
    MaxPool2d(3, stride=2)
    """

    function = staticmethod(pool.max_pool2d)


@final
class MaxPool3d(_MaxPool):
    """The greatest of each window: (N, C, D, H, W) -> (N, C, D', H', W'), see ``functional.max_pool3d``."""

    function = staticmethod(pool.max_pool3d)


@final
class AvgPool1d(_AvgPool):
    """The mean of each window: (N, C, L) -> (N, C, L'), see ``functional.avg_pool1d``."""

    function = staticmethod(pool.avg_pool1d)


@final
class AvgPool2d(_AvgPool):
    """The mean of each window: (N, C, H, W) -> (N, C, H', W'), see ``functional.avg_pool2d``."""

    function = staticmethod(pool.avg_pool2d)


@final
class AvgPool3d(_AvgPool):
    """The mean of each window: (N, C, D, H, W) -> (N, C, D', H', W'), see ``functional.avg_pool3d``."""

    function = staticmethod(pool.avg_pool3d)
