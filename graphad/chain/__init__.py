"""The cheapest bracketing of a chain of Jacobians. README.md names the files in order, docs/chains.md explains."""

from graphad.chain.factor import Factor
from graphad.chain.nodes import (
    AccumulateAdjoint,
    AccumulateStructure,
    AccumulateTangent,
    Bracketing,
    Given,
    Multiply,
    PullAdjoint,
    PushTangent,
    steps,
)
from graphad.chain.schedule import Schedule, Task
from graphad.chain.solve import Solution, solve

__all__ = [
    # the question
    "Factor", "solve",
    # the answer
    "Solution", "Schedule", "Task",
    # its tree
    "Bracketing", "Given", "AccumulateTangent", "AccumulateAdjoint", "AccumulateStructure", "Multiply",
    "PushTangent", "PullAdjoint", "steps",
]  # fmt: skip
