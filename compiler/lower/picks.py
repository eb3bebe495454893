"""Choices of lowering that a measurement may overrule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from graphad.compiler.ir.node import Node


@dataclass(frozen=True)
class Picks:
    """What is to be done where there is a choice: what a model prefers unless ``given`` says something else.

    >>> picks = Picks({"conv": "direct"})
    >>> picks.pick("conv", "FFT", ["direct", "FFT"]), picks.pick("other", "FFT", ["direct", "FFT"])
    ('direct', 'FFT')
    >>> picks.offered["other"]
    ('FFT', 'direct')
    """

    given: Mapping[str, str] = field(default_factory=dict)
    offered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Everything that could be chosen, the model's choice first."""
    cycles: dict[str, Mapping[str, float]] = field(default_factory=dict)
    """What the model counted, where it did."""
    asked: dict[Node, str] = field(default_factory=dict)
    """The question that a contraction raised."""

    def pick(self, question: str, own: str, others: Iterable[str]) -> str:
        """The answer to a question; the same question has the same answer everywhere in a program."""
        self.offered[question] = tuple(dict.fromkeys((own, *others)))
        answer = self.given.get(question, own)
        return answer if answer in self.offered[question] else own

    def cheapest(self, question: str, cycles: Mapping[str, float]) -> str:
        """The answer of least cycles, unless another is given."""
        self.cycles[question] = cycles
        return self.pick(question, min(cycles, key=cycles.__getitem__), cycles)
