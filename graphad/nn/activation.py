"""Nonlinearities as layers, for those who prefer ``nn.ReLU()`` to ``ga.relu``."""

from typing import final

from graphad.build import TensorLike
from graphad.nn.functional import activation
from graphad.nn.module import Module
from graphad.tensor import Tensor


@final
class ReLU(Module):
    """``max(0, x)``; the derivative at 0 is 0.

    >>> from graphad import evaluate
    >>> evaluate(ReLU()([-1.0, 2.0]))
    array([0., 2.], dtype=float32)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return activation.relu(x)

    def __repr__(self) -> str:
        return "ReLU()"


@final
class Sigmoid(Module):
    """``1 / (1 + exp(-x))``."""

    def forward(self, x: TensorLike) -> Tensor:
        return activation.sigmoid(x)

    def __repr__(self) -> str:
        return "Sigmoid()"


@final
class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x: TensorLike) -> Tensor:
        return activation.tanh(x)

    def __repr__(self) -> str:
        return "Tanh()"


@final
class Softmax(Module):
    """``exp(x) / sum(exp(x))`` along ``dim``. Before ``cross_entropy`` it is a mistake: that takes the logits."""

    def __init__(self, dim: int, *, name: str = "") -> None:
        self.name = name
        self.dim = dim

    def forward(self, x: TensorLike) -> Tensor:
        return activation.softmax(x, self.dim)

    def __repr__(self) -> str:
        return f"Softmax({self.dim})"
