"""Learning rates over time: pure functions of the time, so training resumed anywhere sees the same rates."""

import math
from abc import ABC, abstractmethod
from typing import final

from graphad.build import refuse
from graphad.checks import number_of, real, shown
from graphad.compiler.errors import GraphError
from graphad.optim.optimizer import Optimizer


class Schedule(ABC):
    """Sets an optimiser's learning rate. Time counts epochs, or steps: whatever the caller of ``set`` counts.

    ``train.fit`` counts epochs with their fractions, and sets the rate before each step.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        given: object = optimizer  # the user's: may be anything
        if not isinstance(given, Optimizer):
            refuse(GraphError, type(self).__name__, (), f"optimizer is an optimiser, got {shown(given)}")
        self.optimizer = optimizer
        self.base = float(optimizer.lr.value)

    @abstractmethod
    def rate(self, time: float) -> float:
        """The learning rate at ``time``, counted from 0."""

    def set(self, time: float) -> float:
        """Sets the optimiser's learning rate, which compiles nothing, and answers it."""
        rate = self.rate(time)
        self.optimizer.lr = rate
        return rate


@final
class StepLR(Schedule):
    """``base * gamma^floor(time / step)``.

    >>> from graphad.optim import SGD
    >>> schedule = StepLR(SGD(lr=0.8), step=10, gamma=0.5)
    >>> [schedule.rate(epoch) for epoch in (0, 9, 10, 20)]
    [0.8, 0.8, 0.4, 0.2]
    """

    def __init__(self, optimizer: Optimizer, step: float, gamma: float = 0.1) -> None:
        super().__init__(optimizer)
        if not number_of(step) > 0:
            refuse(GraphError, "StepLR", (), f"step is above 0, got {step!r}")
        self.step = real("StepLR", "step", step)
        self.gamma = real("StepLR", "gamma", gamma, 0)

    def rate(self, time: float) -> float:
        return float(self.base * self.gamma ** math.floor(real("StepLR", "time", time, 0) / self.step))


@final
class CosineLR(Schedule):
    """From base to ``minimum`` along half a cosine over ``steps``, constant after it.

    minimum + (base - minimum) (1 + cos(pi time / steps)) / 2: Loshchilov and Hutter, SGDR, arXiv 1608.03983.

    >>> from graphad.optim import SGD
    >>> schedule = CosineLR(SGD(lr=0.1), steps=60)
    >>> [round(schedule.rate(epoch), 3) for epoch in (0, 30, 60, 90)]
    [0.1, 0.05, 0.0, 0.0]
    """

    def __init__(self, optimizer: Optimizer, steps: float, minimum: float = 0.0) -> None:
        super().__init__(optimizer)
        if not number_of(steps) > 0:
            refuse(GraphError, "CosineLR", (), f"steps is above 0, got {steps!r}")
        self.steps = real("CosineLR", "steps", steps)
        self.minimum = real("CosineLR", "minimum", minimum, 0)

    def rate(self, time: float) -> float:
        done = min(real("CosineLR", "time", time, 0) / self.steps, 1.0)
        return self.minimum + (self.base - self.minimum) * (1 + math.cos(math.pi * done)) / 2
