"""`ga.linearize`: the derivative at a point as a linear map."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graphad.autodiff.modes import jvp, vjp
from graphad.autodiff.vectorize import vectorize
from graphad.build import as_tensor, refuse
from graphad.compiler.errors import GraphError, ShapeError
from graphad.compiler.ir.size import Dim
from graphad.leaves import input as placeholder
from graphad.ops.contraction import tensordot
from graphad.planning.jacobian import Mode, jacobian
from graphad.planning.planner import candidates, question
from graphad.structures import count
from graphad.structures.letters import number_of
from graphad.tensor import Tensor


@dataclass(frozen=True, eq=False)
class Linearized:
    """The derivative of ``value`` by ``at``, to be applied to tangents and, transposed, to cotangents.

    Every method answers nodes, which are computed where the tensors of ``at`` have their values.
    """

    value: Any
    at: Any
    _known: dict[str, Any] = field(default_factory=dict, repr=False)

    def jvp(self, tangent: Any) -> Any:
        """J tangent, by one forward sweep; like ``value``."""
        return jvp(self.value, self.at, tangent)

    def vjp(self, cotangent: Any) -> Any:
        """cotangent^T J, by one reverse sweep; like ``at``."""
        return vjp(self.value, self.at, cotangent)

    def matrix(self, mode: Mode = "auto") -> Any:
        """The Jacobian, as `ga.jacobian` answers it; made once."""
        if mode not in self._known:
            self._known[mode] = jacobian(self.value, self.at, mode)
        return self._known[mode]

    def jvps(self, tangents: Any) -> Tensor:
        """Many tangents, along a new first axis: swept through, or multiplied by the Jacobian where that takes less.

        For one tensor at either end. Shape: (B, *value.shape).

        >>> import graphad as ga
        >>> x = ga.input("x", (3,))
        >>> linearize(x * x, x).jvps(ga.ones((5, 3))).shape
        (5, 3)
        """
        y, x = self.value, self.at
        if not isinstance(y, Tensor) or not isinstance(x, Tensor):
            refuse(GraphError, "jvps", (), "takes one tensor at either end; use ga.vectorize on jvp")
        ts = as_tensor(tangents, "jvps")
        if ts.ndim != x.ndim + 1 or ts.shape[1:] != x.shape:
            refuse(ShapeError, "jvps", (x, ts), f"tangents have shape (B, *{list(x.shape)})")
        if self._matrix_pays(y, x, ts.shape[0]):
            over = list(range(1, ts.ndim))
            return tensordot(ts, self.matrix(), (over, list(range(y.ndim, y.ndim + x.ndim))))
        hole = placeholder("tangent", x.shape, x.dtype)
        found: Tensor = vectorize(jvp(y, x, hole), {hole: ts})
        return found

    def _matrix_pays(self, y: Tensor, x: Tensor, directions: Dim) -> bool:
        """Whether the cheapest Jacobian and a product with it take fewer multiplications than sweeps."""
        found, _ = candidates(question("jvps", y, x))
        whole = min(c.multiplications for c in found.values())
        many = number_of(directions)
        once = found["forward"].multiplications / max(count(x.shape), 1)
        return whole + many * count(y.shape) * count(x.shape) < many * once


def linearize(y: Any, x: Any) -> Linearized:
    """The derivative of ``y`` by ``x`` as a linear map: `Linearized`.

    Errors: GraphError and DTypeError as for `ga.jacobian`.

    >>> import graphad as ga
    >>> x = ga.input("x", (2,))
    >>> f = linearize(ga.sin(x), x)
    >>> ga.evaluate(f.jvp(ga.constant([1.0, 0.0])), {x: [0.0, 0.0]})
    array([1., 0.], dtype=float32)
    """
    question("linearize", y, x)
    return Linearized(y, x)
