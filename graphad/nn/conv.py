"""Convolution layers."""

from abc import abstractmethod
from math import sqrt
from typing import ClassVar, final

from graphad.build import TensorLike, refuse
from graphad.checks import flag
from graphad.compiler.errors import ShapeError
from graphad.nn.functional.conv import Padding, conv1d, conv2d, conv3d
from graphad.nn.functional.spatial import Each, count, spread
from graphad.nn.init import Initializer, initializer_of, uniform
from graphad.nn.module import Module
from graphad.nn.start import Start
from graphad.tensor import Parameter, Tensor


class _Conv(Module):
    """What the three ranks share. ``weight`` is (out_channels, in_channels / groups, kernel_size...), ``bias`` (O,).

    They start as torch's: the weight by Kaiming's uniform rule with a = sqrt(5), so within 1 / sqrt(fan_in), and the
    bias uniform within the same; ``initializer`` replaces the weight's.
    """

    rank: ClassVar[int]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Each,
        stride: Each = 1,
        padding: Padding = 0,
        dilation: Each = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        initializer: Initializer | None = None,
        name: str = "",
        seed: int | None = None,
    ) -> None:
        who = type(self).__name__
        in_channels, out_channels = count(who, "in_channels", in_channels), count(who, "out_channels", out_channels)
        sizes, groups = spread(who, (), "kernel_size", kernel_size, self.rank, 1), count(who, "groups", groups)
        if in_channels % groups or out_channels % groups:
            message = f"{in_channels} input and {out_channels} output channels do not divide by {groups} groups"
            refuse(ShapeError, who, (), message)
        self.name, self.seed = name, seed
        self.shape = (out_channels, in_channels // groups, *sizes)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.has_bias = flag(who, "bias", bias)
        self.initializer = initializer_of(who, initializer)

    def create(self, start: Start) -> dict[str, Parameter]:
        found = {"weight": start.parameter("weight", self.shape, self.initializer)}
        if self.has_bias:
            found["bias"] = start.parameter("bias", self.shape[:1], bias_like(self.shape))
        return found

    @property
    def weight(self) -> Parameter:
        return self.own("weight")

    @property
    def bias(self) -> Parameter | None:
        return self.own("bias") if self.has_bias else None

    @abstractmethod
    def forward(self, x: TensorLike) -> Tensor: ...

    def __repr__(self) -> str:
        kernel = self.shape[2] if len(set(self.shape[2:])) == 1 else self.shape[2:]
        parts = [str(self.shape[1] * self.groups), str(self.shape[0]), str(kernel)]
        defaults = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
        parts += [f"{key}={vars(self)[key]!r}" for key, usual in defaults.items() if vars(self)[key] != usual]
        return f"{type(self).__name__}({', '.join(parts)})"


def bias_like(shape: tuple[int, ...]) -> Initializer:
    """torch's start of a bias: uniform within 1 / sqrt(fan_in) of its weight."""
    fan_in = shape[1]
    for size in shape[2:]:
        fan_in *= size
    return uniform(-1 / sqrt(fan_in), 1 / sqrt(fan_in))


@final
class Conv1d(_Conv):
    """Convolution over sequences, see ``functional.conv1d``: (N, C, L) -> (N, O, L').

    >>> Conv1d(3, 8, 5, padding="same")
    Conv1d(3, 8, 5, padding='same')
    """

    rank = 1

    def forward(self, x: TensorLike) -> Tensor:
        return conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


@final
class Conv2d(_Conv):
    """Convolution over images, see ``functional.conv2d``: (N, C, H, W) -> (N, O, H', W').

    >>> import graphad as ga
    >>> Conv2d(1, 6, 5)(ga.input("x", ("N", 1, 32, 32))).shape
    (N, 6, 28, 28)
    """

    rank = 2

    def forward(self, x: TensorLike) -> Tensor:
        return conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


@final
class Conv3d(_Conv):
    """Convolution over volumes, see ``functional.conv3d``: (N, C, D, H, W) -> (N, O, D', H', W')."""

    rank = 3

    def forward(self, x: TensorLike) -> Tensor:
        return conv3d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
