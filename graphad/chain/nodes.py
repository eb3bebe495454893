"""The answer's language: a bracketing is a tree of frozen nodes, one for each step that is carried out.

Factors are numbered from 1, innermost first, as in F = F_q o ... o F_1. Every node stands for the Jacobian of
F_last o ... o F_first, a matrix of ``rows`` by ``columns``; ``own`` is the cost of its step, ``cost`` of all its tree.
Nodes are compared by identity: trees may be thousands deep, and comparing them would recurse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from graphad.compiler.errors import GraphError


@dataclass(frozen=True, eq=False, repr=False)
class _Node:
    first: int
    last: int
    rows: int
    columns: int
    own: int
    cost: int

    def __repr__(self) -> str:
        return f"<{type(self).__name__} F{self.last}..F{self.first}: {self.rows} x {self.columns}, cost {self.cost}>"


class _Leaf(_Node):
    @property
    def children(self) -> tuple[Bracketing, ...]:
        return ()


@dataclass(frozen=True, eq=False, repr=False)
class Given(_Leaf):
    """A factor that is a matrix already."""


@dataclass(frozen=True, eq=False, repr=False)
class AccumulateTangent(_Leaf):
    """One tangent a column: t_j n_j."""


@dataclass(frozen=True, eq=False, repr=False)
class AccumulateAdjoint(_Leaf):
    """One adjoint a row: a_j m_j; keeps F_j's tape."""

    tape: int


@dataclass(frozen=True, eq=False, repr=False)
class AccumulateStructure(_Leaf):
    """Read off the factor's structure, at its ``jacobian_cost``."""


@dataclass(frozen=True, eq=False, repr=False)
class Multiply(_Node):
    """The product of two accumulated Jacobians, m_j m_k n_i; ``left`` is the outer one."""

    left: Bracketing
    right: Bracketing

    @property
    def children(self) -> tuple[Bracketing, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, eq=False, repr=False)
class PushTangent(_Node):
    """The operand's columns as tangents through the factors outside of it: n_i sum(t_l)."""

    operand: Bracketing

    @property
    def children(self) -> tuple[Bracketing, ...]:
        return (self.operand,)

    @property
    def through(self) -> range:
        """The factors swept through, in the order of the sweep."""
        return range(self.operand.last + 1, self.last + 1)


@dataclass(frozen=True, eq=False, repr=False)
class PullAdjoint(_Node):
    """The operand's rows as adjoints through the factors inside of it: m_j sum(a_l); keeps the sum of their tapes."""

    operand: Bracketing
    tape: int

    @property
    def children(self) -> tuple[Bracketing, ...]:
        return (self.operand,)

    @property
    def through(self) -> range:
        """The factors swept through, in the order of the sweep."""
        return range(self.operand.first - 1, self.first - 1, -1)


Bracketing: TypeAlias = (
    Given | AccumulateTangent | AccumulateAdjoint | AccumulateStructure | Multiply | PushTangent | PullAdjoint
)


def steps(root: Bracketing) -> list[Bracketing]:
    """All nodes in an order in which they can be carried out: operands first, the left one before the right."""
    if not isinstance(root, Bracketing):
        raise GraphError(f"chain.steps: takes a bracketing, such as solve(...).bracketing, got {root!r}")
    found: list[Bracketing] = []
    waiting: list[Bracketing] = [root]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting.extend(node.children)
    return found[::-1]
