"""Adam and AdamW."""

from abc import abstractmethod
from typing import final

from graphad.build import constant, refuse
from graphad.checks import flag, real
from graphad.compiler.errors import GraphError
from graphad.ops.arithmetic import maximum, square
from graphad.ops.exponential import power, sqrt
from graphad.optim.optimizer import Optimizer, Updates
from graphad.tensor import Parameter, Tensor


class _Adam(Optimizer):
    """Kingma and Ba, Adam: a method for stochastic optimization, arXiv 1412.6980."""

    def __init__(
        self,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(lr)
        name = type(self).__name__
        pair: object = betas  # the user's: may be anything
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            refuse(GraphError, name, (), f"betas is a pair of numbers in [0, 1), got {betas!r}; write (0.9, 0.999)")
        self.betas = real(name, "betas[0]", betas[0], 0, 1), real(name, "betas[1]", betas[1], 0, 1)
        self.eps = real(name, "eps", eps, 0)
        self.weight_decay = real(name, "weight_decay", weight_decay, 0)
        self.amsgrad = flag(name, "amsgrad", amsgrad)

    @abstractmethod
    def _decayed(self, leaf: Parameter, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Parameter and gradient after weight decay."""

    def _begin(self, updates: Updates) -> None:
        steps = self._state("steps", 0)
        updates[steps] = steps + 1

    def _correction(self, beta: float) -> Tensor:
        """1 - beta^t with t counted from 1, in float64."""
        t = (self._state("steps", 0) + 1).astype("float64")
        return 1 - power(constant(beta, "float64"), t)

    def _rule(self, leaf: Parameter, gradient: Tensor, updates: Updates) -> Tensor:
        p, g = self._decayed(leaf, gradient)
        (beta1, beta2), mean, variance = self.betas, self._slot("mean", leaf), self._slot("variance", leaf)
        updates[mean] = mean + (1 - beta1) * (g - mean)
        updates[variance] = beta2 * variance + (1 - beta2) * square(g)
        spread = updates[variance]
        if self.amsgrad:
            greatest = self._slot("greatest", leaf)
            updates[greatest] = spread = maximum(greatest, spread)
        size = (self.lr / self._correction(beta1)).astype(leaf.dtype)
        scale = sqrt(self._correction(beta2)).astype(leaf.dtype)
        return p - size * (updates[mean] / (sqrt(spread) / scale + self.eps))


@final
class Adam(_Adam):
    """Exactly torch.optim.Adam, step t counted from 1:

        g = gradient + weight_decay * p
        m = m + (1 - beta1) (g - m)
        v = beta2 v + (1 - beta2) g^2          (with amsgrad, the greatest v so far takes its place below)
        p = p - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)

    Errors: GraphError for a hyper-parameter out of range.
    """

    def _decayed(self, leaf: Parameter, gradient: Tensor) -> tuple[Tensor, Tensor]:
        return leaf, gradient + self.weight_decay * leaf if self.weight_decay else gradient


@final
class AdamW(_Adam):
    """Adam with the decay taken off the parameter, p = p (1 - lr weight_decay) first, exactly torch.optim.AdamW.

    Loshchilov and Hutter, Decoupled weight decay regularization, arXiv 1711.05101.
    """

    def __init__(
        self,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay, amsgrad)

    def _decayed(self, leaf: Parameter, gradient: Tensor) -> tuple[Tensor, Tensor]:
        return leaf * (1 - self.lr * self.weight_decay).astype(leaf.dtype), gradient
