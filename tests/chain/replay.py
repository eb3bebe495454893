"""Carrying a bracketing out: its cost added up anew, and its numbers with matrices for programs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from graphad.chain import (
    AccumulateAdjoint,
    AccumulateStructure,
    AccumulateTangent,
    Bracketing,
    Factor,
    Given,
    Multiply,
    PullAdjoint,
    PushTangent,
    steps,
)

Matrix = NDArray[np.float64]


def price(root: Bracketing, factors: Sequence[Factor], limit: int | None = None) -> int:
    """The tree's cost from the factors alone; fails where a node is wrong or a tape does not fit."""
    total = 0
    for step in steps(root):
        inside = factors[step.first - 1 : step.last]
        assert (step.rows, step.columns) == (inside[-1].rows, inside[0].columns)
        own = _own(step, factors, limit)
        assert step.own == own
        assert step.cost == own + sum(child.cost for child in step.children)
        total += own
    return total


def _own(step: Bracketing, factors: Sequence[Factor], limit: int | None) -> int:
    swept = [factors[k - 1] for k in step.through] if isinstance(step, PushTangent | PullAdjoint) else []
    match step:
        case Given():
            assert factors[step.first - 1].given
            return 0
        case AccumulateStructure():
            known = factors[step.first - 1].jacobian_cost
            assert step.first == step.last
            assert known is not None
            return known
        case AccumulateTangent() | AccumulateAdjoint():
            assert step.first == step.last
            swept = [factors[step.first - 1]]
        case Multiply():
            assert (step.left.first, step.left.last, step.right.first) == (step.right.last + 1, step.last, step.first)
            return step.left.rows * step.left.columns * step.right.columns
    if isinstance(step, AccumulateTangent | PushTangent):
        return step.columns * sum(f.tangent_cost or 0 for f in swept)
    assert step.tape == sum(f.tape or 0 for f in swept)
    assert limit is None or step.tape <= limit
    return step.rows * sum(f.adjoint_cost or 0 for f in swept)


@dataclass
class Machine:
    """Programs that are sparse matrices: a sweep multiplies once for every entry that is not zero. Counts it all."""

    matrices: list[Matrix]
    count: int = field(default=0)

    def run(self, root: Bracketing) -> Matrix:
        values: dict[Bracketing, Matrix] = {}
        for step in steps(root):
            values[step] = self._step(step, [values[child] for child in step.children])
        return values[root]

    def _step(self, step: Bracketing, operands: list[Matrix]) -> Matrix:
        match step:
            case Given():
                return self.matrices[step.first - 1]
            case AccumulateTangent():
                return self._tangents(step.first, np.eye(step.columns))
            case AccumulateAdjoint():
                return self._adjoints(step.first, np.eye(step.rows))
            case Multiply():
                left, right = operands
                self.count += left.shape[0] * left.shape[1] * right.shape[1]
                return left @ right
            case PushTangent():
                for k in step.through:
                    operands = [self._tangents(k, operands[0])]
                return operands[0]
            case PullAdjoint():
                for k in step.through:
                    operands = [self._adjoints(k, operands[0])]
                return operands[0]

    def _tangents(self, k: int, block: Matrix) -> Matrix:
        self.count += block.shape[1] * np.count_nonzero(self.matrices[k - 1])
        return self.matrices[k - 1] @ block

    def _adjoints(self, k: int, block: Matrix) -> Matrix:
        self.count += block.shape[0] * np.count_nonzero(self.matrices[k - 1])
        return block @ self.matrices[k - 1]
