"""The fully connected layer, and the one that makes images vectors."""

from typing import final

from graphad.build import TensorLike, as_tensor, refuse
from graphad.checks import flag, whole
from graphad.compiler.errors import ShapeError
from graphad.compiler.ir.size import product
from graphad.nn.conv import bias_like
from graphad.nn.functional.linear import linear
from graphad.nn.functional.spatial import count
from graphad.nn.init import Initializer, initializer_of
from graphad.nn.module import Module
from graphad.nn.start import Start
from graphad.ops.shape import reshape
from graphad.tensor import Parameter, Tensor


@final
class Linear(Module):
    """``x weight^T + bias`` over the last axis: (..., in_features) -> (..., out_features).

    ``weight`` is (out_features, in_features), ``bias`` (out_features,); they start as torch's, within
    1 / sqrt(in_features). ``initializer`` replaces the weight's start.

    >>> Linear(400, 120).weight.shape
    (120, 400)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        initializer: Initializer | None = None,
        name: str = "",
        seed: int | None = None,
    ) -> None:
        self.name, self.seed = name, seed
        self.shape = (count("Linear", "out_features", out_features), count("Linear", "in_features", in_features))
        self.has_bias = flag("Linear", "bias", bias)
        self.initializer = initializer_of("Linear", initializer)

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

    def forward(self, x: TensorLike) -> Tensor:
        return linear(x, self.weight, self.bias)

    def __repr__(self) -> str:
        return f"Linear({self.shape[1]}, {self.shape[0]}{'' if self.has_bias else ', bias=False'})"


@final
class Flatten(Module):
    """The axes from ``start_dim`` to ``end_dim`` made one: (N, C, H, W) -> (N, C H W).

    >>> import graphad as ga
    >>> Flatten()(ga.input("x", ("N", 16, 5, 5))).shape
    (N, 400)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1, *, name: str = "") -> None:
        self.name = name
        self.start_dim = whole("Flatten", "start_dim", start_dim, error=ShapeError)
        self.end_dim = whole("Flatten", "end_dim", end_dim, error=ShapeError)

    def forward(self, x: TensorLike) -> Tensor:
        tensor = as_tensor(x, "flatten")
        start, end = (d + tensor.ndim if d < 0 else d for d in (self.start_dim, self.end_dim))
        if not 0 <= start <= end < tensor.ndim:
            refuse(ShapeError, "flatten", (tensor,), f"there are no axes {self.start_dim} to {self.end_dim}")
        shape = tensor.shape
        flat: Tensor = reshape(tensor, (*shape[:start], product(shape[start : end + 1]), *shape[end + 1 :]))
        return flat

    def __repr__(self) -> str:
        return (
            "Flatten()" if (self.start_dim, self.end_dim) == (1, -1) else f"Flatten({self.start_dim}, {self.end_dim})"
        )
