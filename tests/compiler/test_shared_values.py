"""Values that are read twice, many times over: a walk along all paths through them would not end."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.nn import functional


def doubled(h: Any, steps: int = 60) -> Any:
    for _ in range(steps):
        h = h * h + h
    return h


X, Z, IMAGES = ga.input("x", ("N", 40)), ga.input("z", (8, 40)), ga.input("images", ("N", 3, 8, 8))
W = ga.parameter("w", np.ones((40, 40), "f"))
FILTERS = ga.parameter("filters", np.ones((4, 3, 3, 3), "f"))
CASES: dict[str, tuple[Any, Callable[[], Any]]] = {
    "map": (X, lambda: doubled(X)),
    "product": (X, lambda: ga.grad(ga.sum(doubled(X @ W)), W)),
    "rows": (X, lambda: functional.softmax(doubled(X), 1)),
    "reduction": (Z, lambda: ga.max(doubled(Z), axis=1)),
    "convolution": (IMAGES, lambda: ga.grad(ga.sum(doubled(functional.conv2d(doubled(IMAGES), FILTERS))), FILTERS)),
    "points": (Z, lambda: ga.jacobian(doubled(Z[0, :3], 25)[:2], Z)),
}


@pytest.mark.parametrize("name", CASES)
def test_it_compiles(name: str) -> None:
    x, made = CASES[name]
    sizes = {} if x is Z else {"N": 8}
    assert ga.compile([x], made()).specialize(**sizes).cost.flops > 0


def test_it_is_planned() -> None:
    assert ga.plan_jacobian(doubled(Z[0, :3], 25), Z).chosen
    assert ga.recompute.plan(ga.sum(doubled(Z @ W)), W).peak > 0
