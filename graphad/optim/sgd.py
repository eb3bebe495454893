"""Stochastic gradient descent."""

from typing import final

from graphad.build import refuse
from graphad.checks import flag, real
from graphad.compiler.errors import GraphError
from graphad.ops.arithmetic import equal, where
from graphad.optim.optimizer import Optimizer, Updates
from graphad.tensor import Parameter, Tensor


@final
class SGD(Optimizer):
    """Gradient descent with momentum, exactly torch.optim.SGD:

        g = gradient + weight_decay * p
        b = momentum * b + (1 - dampening) * g      (b = g in the first step)
        g = g + momentum * b  with nesterov, else b
        p = p - lr * g

    Errors: GraphError for a hyper-parameter out of range.

    >>> import graphad as ga
    >>> w = ga.parameter("w", [1.0])
    >>> list(SGD(lr=0.1, momentum=0.9).minimize(ga.sum(w * w), [w]))
    [<state 'momentum.w': float32[1]>, <parameter 'w': float32[1]>]
    """

    def __init__(
        self,
        lr: float,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(lr)
        self.momentum = real("SGD", "momentum", momentum, 0, 1)
        self.dampening = real("SGD", "dampening", dampening, 0)
        self.weight_decay = real("SGD", "weight_decay", weight_decay, 0)
        self.nesterov = flag("SGD", "nesterov", nesterov)
        if nesterov and (self.momentum == 0 or self.dampening != 0):
            refuse(GraphError, "SGD", (), "nesterov takes a momentum and no dampening")

    def _begin(self, updates: Updates) -> None:
        if self.dampening:  # else the buffer, zero at first, makes the first step right by itself
            steps = self._state("steps", 0)
            updates[steps] = steps + 1

    def _rule(self, leaf: Parameter, gradient: Tensor, updates: Updates) -> Tensor:
        if self.weight_decay:
            gradient = gradient + self.weight_decay * leaf
        if self.momentum:
            buffer = self._slot("momentum", leaf)
            updates[buffer] = self._buffer(buffer, gradient)
            gradient = gradient + self.momentum * updates[buffer] if self.nesterov else updates[buffer]
        return leaf - self._rate(leaf) * gradient

    def _buffer(self, buffer: Tensor, gradient: Tensor) -> Tensor:
        if not self.dampening:
            return self.momentum * buffer + gradient
        share = where(equal(self._state("steps", 0), 0), 1.0, 1 - self.dampening).astype(gradient.dtype)
        return self.momentum * buffer + share * gradient
