"""What a training went through, epoch by epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final


@final
@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch: its number from 0, the mean loss over its examples, the accuracy after it (None without
    validation), the learning rate of its last step, and how long it took."""

    number: int
    loss: float
    accuracy: float | None
    lr: float | None
    seconds: float


@final
@dataclass(frozen=True, slots=True)
class History:
    """One element an epoch. Times do not count in comparisons: two runs that did the same are equal."""

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list, compare=False)

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def best(self) -> float | None:
        """The greatest accuracy, None without validation."""
        return max(self.accuracy, default=None)

    @property
    def best_epoch(self) -> int | None:
        """The first epoch, from 0, of the greatest accuracy."""
        return self.accuracy.index(max(self.accuracy)) if self.accuracy else None

    def append(self, epoch: Epoch) -> None:
        """Adds an epoch."""
        self.loss.append(epoch.loss)
        self.seconds.append(epoch.seconds)
        if epoch.accuracy is not None:
            self.accuracy.append(epoch.accuracy)
        if epoch.lr is not None:
            self.lr.append(epoch.lr)

    def facts(self) -> dict[str, list[float]]:
        """As JSON holds it, to the last bit."""
        return {name: list(getattr(self, name)) for name in _FIELDS}

    @staticmethod
    def of(facts: Mapping[str, Any]) -> "History":
        """What ``facts`` wrote. Errors: ValueError where it is something else."""
        lists = [facts.get(name) for name in _FIELDS]
        if not all(isinstance(found, list) and all(isinstance(v, int | float) for v in found) for found in lists):
            raise ValueError("the history is not four lists of numbers")
        loss, accuracy, lr, seconds = ([float(v) for v in found or []] for found in lists)
        return History(loss, accuracy, lr, seconds)


_FIELDS = ("loss", "accuracy", "lr", "seconds")
