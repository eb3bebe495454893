"""What a training went through, epoch by epoch."""

from dataclasses import dataclass, field
from typing import final

from graphad.runtime import FormatError
from graphad.runtime.schema import array, number, record


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
    def of(facts: object) -> "History":
        """What ``facts`` wrote. Errors: FormatError where it is something else."""
        try:
            return History(**_FACTS(facts, "history"))
        except FormatError as error:
            raise FormatError(error.place, f"the history is not four lists of numbers: {error.reason}") from None


_FIELDS = ("loss", "accuracy", "lr", "seconds")
_FACTS = record(dict.fromkeys(_FIELDS, array(number(finite=False))))
