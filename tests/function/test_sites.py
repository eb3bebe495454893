"""Nodes belong to lines of the user's, never to graphad's own, whichever function made them."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad import nn, optim
from graphad.autodiff.structure import flatten
from graphad.compiler.ir.graph import topological

X = ga.input("x", (4, 6))
W = ga.parameter("w", np.ones((6, 6), "f"))
LOSS = ga.mean(nn.functional.softmax(ga.tanh(X @ W), 1) ** 2)


def _planned() -> Any:
    return ga.plan_jacobian(ga.tanh(X[0] @ W), X).jacobian()


CASES: dict[str, Callable[[], Any]] = {
    "grad": lambda: ga.grad(LOSS, W),
    "grad within a limit": lambda: ga.grad(LOSS, W, memory_limit=ga.recompute.plan(LOSS, W).least),
    "hessian": lambda: ga.hessian(ga.sum(X[0] ** 3), X),
    "plan": _planned,
    "eliminate": lambda: ga.jacobian(ga.tanh(X[0] @ W), X, mode="eliminate"),
    "sparse": lambda: ga.jacobian(ga.sin(X[0]) * X[0], X, mode="sparse").values,
    "vectorize": lambda: ga.vectorize([ga.tanh(X)], {X: ga.input("xs", ("N", 4, 6))}),
    "layers": lambda: nn.Sequential(nn.Linear(6, 3), nn.Tanh(), nn.Linear(3, 2))(X),
    "updates": lambda: list(optim.Adam(0.1).minimize(LOSS, [W]).values()),
}


def nodes(found: Any) -> Iterable[Any]:
    return topological(flatten("nodes", found))


@pytest.mark.parametrize("name", CASES)
def test_every_node_has_a_line_of_ours(name: str) -> None:
    files = {n.site.file for n in nodes(CASES[name]()) if n.site.line}
    assert files == {__file__}
