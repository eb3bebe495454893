"""The question's language: the factors of a chain, checked where they are written down."""

import operator
from dataclasses import dataclass, fields
from itertools import pairwise

from graphad.checks import is_iterable
from graphad.compiler.errors import GraphError, ShapeError


@dataclass(frozen=True)
class Factor:
    """A program F_k from ``columns`` inputs to ``rows`` outputs, and what one sweep through it costs.

    Costs are fused multiply-adds (or any other unit, one for all): ``tangent_cost`` of F_k' v, ``adjoint_cost`` of
    u F_k'. ``tape`` is what an adjoint has to keep, in the unit of the memory limit; ``adjoint_cost`` unless given.

    ``jacobian_cost`` is what F_k' as a matrix costs where its structure gives it for less than sweeps do: nothing for a
    constant matrix through which one can also sweep, a scaling of rows for a dense layer with an activation.

    Without costs a factor is a matrix that is already there: it costs nothing to accumulate, and to multiply by it
    what any product of matrices costs.

    >>> Factor(1, 3, tangent_cost=14, adjoint_cost=14).tape
    14
    >>> Factor(30, 35).given
    True
    """

    rows: int
    columns: int
    tangent_cost: int | None = None
    adjoint_cost: int | None = None
    tape: int | None = None
    jacobian_cost: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None or field.name in {"rows", "columns"}:
                kind = ShapeError if field.name in {"rows", "columns"} else GraphError
                object.__setattr__(self, field.name, whole(f"chain.Factor: {field.name}", value, kind))
        if (self.tangent_cost is None) != (self.adjoint_cost is None):
            missing = "tangent_cost" if self.tangent_cost is None else "adjoint_cost"
            raise GraphError(f"chain.Factor: {missing} is missing; give both costs, or neither for a given matrix")
        if self.given and self.tape is not None:
            raise GraphError("chain.Factor: a given matrix has no tape; give tangent_cost and adjoint_cost too")
        if self.given and self.jacobian_cost is not None:
            raise GraphError(
                "chain.Factor: a given matrix has no jacobian_cost; give tangent_cost and adjoint_cost too"
            )
        if self.tape is None:
            object.__setattr__(self, "tape", self.adjoint_cost)

    @property
    def given(self) -> bool:
        """Whether this is a matrix that is already there."""
        return self.tangent_cost is None


def check(factors: object) -> tuple[Factor, ...]:
    """The factors as a tuple, innermost first, if they make a chain: F_k+1 has as many columns as F_k has rows."""
    if not is_iterable(factors):
        one = "one Factor; write [factor]" if isinstance(factors, Factor) else repr(factors)
        raise GraphError(f"chain.solve: expected a list of chain.Factor, got {one}")
    chain: tuple[Factor, ...] = tuple(factors)
    if not chain:
        raise GraphError("chain.solve: the chain is empty; it needs at least one chain.Factor")
    for number, factor in enumerate(chain, 1):
        if not isinstance(factor, Factor):
            raise GraphError(f"chain.solve: factor {number} is no chain.Factor but {factor!r}")
    for number, (inner, outer) in enumerate(pairwise(chain), 2):
        if outer.columns != inner.rows:
            raise ShapeError(
                f"chain.solve: factor {number} ({outer.rows} x {outer.columns}) does not chain: it has "
                f"{outer.columns} columns, but factor {number - 1} ({inner.rows} x {inner.columns}) has "
                f"{inner.rows} rows; factors come innermost first{_hint(chain)}"
            )
    return chain


def whole(name: str, value: object, kind: type[GraphError | ShapeError] = GraphError, least: int = 0) -> int:
    """``value`` as an int, if it is a whole number of at least ``least``."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]  # refused by its own TypeError
    except TypeError:
        raise kind(f"{name} must be a whole number, got {value!r}") from None
    if number < least:
        raise kind(f"{name} must be at least {least}, got {number}")
    return number


def _hint(chain: tuple[Factor, ...]) -> str:
    reverse = chain[::-1]
    fits = all(outer.columns == inner.rows for inner, outer in pairwise(reverse))
    return ": reverse the list?" if fits else ""
