"""How a sparse Jacobian or Hessian is computed: what is known, and which sweeps give the rest."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from graphad.build import refuse
from graphad.checks import shown
from graphad.compiler.errors import GraphError
from graphad.sparse.bicolouring import colour_both
from graphad.sparse.colouring import Colouring, colour_columns, colour_rows, colour_star
from graphad.sparse.draw import draw_pattern
from graphad.sparse.matrix import Array, Csr, places, union
from graphad.sparse.terms import Terms
from graphad.tensor import Tensor

Method: TypeAlias = Literal["structure", "columns", "rows", "bidirectional", "star"]
METHODS = get_args(Method)


@dataclass(frozen=True, eq=False)
class Compression:
    """A sparse Jacobian (or Hessian) of ``y`` by ``x`` as a plan: ``print`` it, ``draw`` it, build it.

    Attributes:
        method: "structure" (no sweep: all entries are known), "columns" (tangents), "rows" (adjoints),
            "bidirectional" (both), "star" (a Hessian: tangents of the gradient, each pair of entries read once).
        tangents, adjoints: how many sweeps, the numbers of colours.
        columns, rows: the colour of each column (row), -1 for none.
        pattern: all entries, a csr_array of True, y.size x x.size.
        orders: which vertex order won, for columns and rows.
    """

    y: Tensor
    x: Tensor
    method: Method
    columns: Array
    rows: Array
    tangents: int
    adjoints: int
    pattern: Csr
    terms: Terms
    orders: tuple[str, ...]

    @property
    def nnz(self) -> int:
        """Entries of the matrix."""
        return int(self.pattern.nnz)

    @property
    def settled(self) -> int:
        """Entries that are known numbers, not computed."""
        known, rest = self.terms.known, self.terms.pattern
        if known is None or rest is None:
            return 0 if known is None else int(known.nnz)
        return int(self.pattern.nnz - rest.nnz)

    @property
    def sweeps(self) -> str:
        """How many of which kind, in words."""
        counts = ((self.tangents, "tangent"), (self.adjoints, "adjoint"))
        return " and ".join(f"{n} {what}{'s' * (n > 1)}" for n, what in counts if n) or "no sweep"

    def __str__(self) -> str:
        rows, columns = self.pattern.shape
        share = self.nnz / max(1, rows * columns)
        order = f" (order: {', '.join(self.orders)})" if self.orders else ""
        settled = f", {self.settled} known before" if self.settled else ""
        return f"{rows} x {columns}, {self.nnz} entries ({share:.2g}{settled}): {self.method}, {self.sweeps}{order}"

    def draw(self, target: str | Path | Any) -> Any:
        """The pattern in the colours of the sweeps that give its entries; a file name, or axes of matplotlib.

        Errors: MissingModuleError without matplotlib (the extra "plot").
        """
        return draw_pattern(target, self)


def choose(pattern: Csr, tangent_cost: float, adjoint_cost: float, method: str, seed: int) -> tuple[Method, Colours]:
    """The cheapest colouring: tangents' colours at their cost plus adjoints' at theirs.

    A bound comes first: a row of k entries takes k tangents, a column of k entries k adjoints, and m x n entries come
    m to a tangent, n to an adjoint. What cannot beat the best so far is not tried; tangents win a tie.
    """
    m, n = pattern.shape
    nothing = Colouring(np.full(n, -1, np.int64), 0, ""), Colouring(np.full(m, -1, np.int64), 0, "")
    if not pattern.nnz:
        return "structure", nothing
    least_columns = int(np.diff(pattern.indptr).max()) * tangent_cost
    least_rows = int(np.bincount(pattern.indices, minlength=n).max()) * adjoint_cost
    sweeps = math.ceil(pattern.nnz / max(m, n)) * min(tangent_cost, adjoint_cost)
    both = max(sweeps, pattern.nnz * min(tangent_cost / m, adjoint_cost / n))
    attempts: list[tuple[float, Method, Callable[[float], Colours | None]]] = [
        (least_columns, "columns", lambda _: (colour_columns(pattern, seed), nothing[1])),
        (least_rows, "rows", lambda _: (nothing[0], colour_rows(pattern, seed))),
        (both, "bidirectional", lambda limit: colour_both(pattern, tangent_cost, adjoint_cost, limit, seed)),
    ]
    best, chosen = math.inf, None
    for bound, name, colour in sorted(attempts, key=lambda a: a[0]):
        if method not in ("auto", name) or (method == "auto" and bound >= best):
            continue
        found = colour(best)
        cost = math.inf if found is None else tangent_cost * found[0].count + adjoint_cost * found[1].count
        if found is not None and cost < best:
            best, chosen = cost, (name, found)
    assert chosen is not None
    name, (columns, rows) = chosen
    one_sided = method == "auto" and name == "bidirectional" and not (columns.count and rows.count)
    return ("columns" if columns.count else "rows") if one_sided else name, (columns, rows)


Colours: TypeAlias = tuple[Colouring, Colouring]


def compress(
    y: Tensor, x: Tensor, terms: Terms, method: str, tangent_cost: float, adjoint_cost: float, seed: int
) -> Compression:
    """The plan for what the terms leave open; ``method`` "star" takes a symmetric pattern."""
    known, rest = terms.known, terms.pattern
    whole: Csr = known if rest is None else rest if known is None else union(places(known), rest)
    if rest is None:
        n, m = whole.shape[1], whole.shape[0]
        return Compression(y, x, "structure", np.full(n, -1), np.full(m, -1), 0, 0, places(whole), terms, ())
    if method == "star":
        star = colour_star(rest, seed)
        return Compression(y, x, "star", star.colours, star.colours, star.count, 0, places(whole), terms, (star.order,))
    name, (columns, rows) = choose(rest, tangent_cost, adjoint_cost, method, seed)
    won = tuple(c.order for c in (columns, rows) if c.count)
    return Compression(y, x, name, columns.colours, rows.colours, columns.count, rows.count, places(whole), terms, won)


def check_choice(name: str, method: Any, allowed: tuple[str, ...], *costs: Any) -> None:
    """A method that there is, and costs above 0."""
    if not isinstance(method, str) or method not in allowed:
        refuse(GraphError, name, (), f"method is one of {', '.join(map(repr, allowed))}, got {shown(method)}")
    for cost in costs:
        if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 < cost < math.inf:
            refuse(GraphError, name, (), f"the cost of a sweep is a number above 0, got {cost!r}")


__all__ = ["METHODS", "Compression", "Method", "check_choice", "choose", "compress"]
