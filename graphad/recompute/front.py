"""The front: gradients within a memory limit."""

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeVar, cast

import numpy as np

from graphad.autodiff import modes
from graphad.autodiff.structure import flatten, unflatten
from graphad.build import refuse
from graphad.checks import shown
from graphad.compiler.errors import GraphError
from graphad.ops.creation import ones_like
from graphad.recompute.fit import Fit, Fitted
from graphad.recompute.plan import Plan, at_sizes, describe, describe_choice, largest, size
from graphad.recompute.program import nbytes, trace
from graphad.recompute.search import METHODS, Method
from graphad.tensor import Tensor

T = TypeVar("T")
_AUTO: Final = "auto"


def grad(y: Tensor, wrt: T, memory_limit: int | None = None) -> T:
    """The gradient of a scalar, by reverse mode; ``wrt`` a tensor, list, tuple or dict, answered in kind.

    Args:
        memory_limit: bytes. Reverse mode keeps forward values until their adjoints have read them; where they would
            take more, some are computed again when they are needed, at the least cost found (``recompute.plan`` says
            which, and what counts as memory). The gradient is the same; it differentiates again, without the limit.

    Errors: ShapeError if y is no scalar, DTypeError for integers, GraphError where y does not depend on ``wrt``, and
    for less memory than is possible, with the least.

    >>> import graphad as ga
    >>> x = ga.input("x", (2,))
    >>> ga.evaluate(grad(ga.sum(x * x), x), {x: [1.0, 2.0]})
    array([2., 4.], dtype=float32)
    """
    if memory_limit is None:
        return modes.grad(y, wrt)
    leaves = modes.check_scalar("grad", y, wrt)
    found = _limited("grad", [y], [ones_like(y)], leaves, _bytes("grad", memory_limit))
    return cast(T, unflatten(wrt, found))


def vjp(y: Any, x: T, cotangent: Any, memory_limit: int | None = None) -> T:
    """The cotangent of ``x`` (answered in kind) for the cotangent of ``y``: cotangent^T J, by reverse mode.

    ``memory_limit``: as for ``grad``.
    """
    if memory_limit is None:
        return modes.vjp(y, x, cotangent)
    outputs, leaves = flatten("vjp", y), flatten("vjp", x)
    cotangents = modes.directions("vjp", y, cotangent)
    modes.check_reach("vjp", outputs, leaves, modes.order(outputs))
    return cast(T, unflatten(x, _limited("vjp", outputs, cotangents, leaves, _bytes("vjp", memory_limit))))


def plan(y: Tensor, wrt: Any, memory_limit: int | None = None, method: Method | Literal["auto"] = _AUTO) -> Plan:
    """What ``grad(y, wrt, memory_limit)`` keeps, what it computes again, and what that costs.

    Args:
        method: ``auto`` takes the cheapest; ``store``, ``revolve``, ``chain`` and ``greedy`` look at one.

    Errors: as for ``grad``; GraphError for a method that is not there or does not fit the graph.

    >>> import graphad as ga
    >>> x = y = ga.input("x", (1000,))
    >>> for _ in range(10):
    ...     y = ga.cumulative_sum(ga.sin(y))
    >>> found = plan(ga.sum(y), x, memory_limit=20_000)
    >>> found.peak <= 20_000 < found.peak_of_storing
    True
    """
    leaves = modes.check_scalar("plan", y, wrt)
    limit = None if memory_limit is None else _bytes("plan", memory_limit)
    given: object = method
    if not isinstance(given, str) or given not in (_AUTO, *METHODS):
        refuse(GraphError, "plan", (y,), f"method is one of auto, {', '.join(METHODS)}, got {shown(method)}")
    if method not in (_AUTO, "store") and limit is None:
        refuse(GraphError, "plan", (y,), f"method {method!r} needs a memory_limit")
    fit = Fit(trace([y], [ones_like(y)], leaves))
    found = _chosen("plan", fit, limit, METHODS if method == _AUTO else (method,))
    return describe_choice(fit, found, limit)


def _limited(
    name: str, outputs: Sequence[Tensor], cotangents: Sequence[Tensor], wrt: Sequence[Tensor], limit: int
) -> list[Tensor]:
    return list(_chosen(name, Fit(trace(outputs, cotangents, wrt)), limit, METHODS).results)


def _chosen(name: str, fit: Fit, limit: int | None, methods: Sequence[Method]) -> Fitted:
    found = fit.best(limit, methods)
    if found is None:
        refuse(GraphError, name, fit.program.outputs, _too_small(fit, limit, methods))
    return found


def _too_small(fit: Fit, limit: int | None, methods: Sequence[Method]) -> str:
    least = fit.least
    if limit is None or limit >= least.arena:
        return f"method {methods[0]!r} finds no way within {limit} bytes; write 'auto'"
    there = "; ".join(f"{describe(x)}, {size(nbytes(x))}" for x in largest(fit.program, least.choice.stream)[:3])
    return (
        f"memory_limit={limit:,} is below the least possible, {size(least.arena)}{at_sizes(fit.program)}: there, the "
        f"largest of what is in memory at once are {there}"
    )


def _bytes(name: str, limit: object) -> int:
    if isinstance(limit, bool) or not isinstance(limit, int | np.integer) or limit < 0:
        refuse(GraphError, name, (), f"memory_limit is a number of bytes of at least 0, got {limit!r}")
    return int(limit)
