"""Operations of `benchmarks.operations` in NumPy and SciPy, on one thread but for products."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

from benchmarks.operations import BY_NAME
from benchmarks.worker import Task, arguments, digest, serve


def scattered(x: Any, i: Any, y: Any) -> Any:
    total = x.copy()
    np.add.at(total, i, y)
    return total


def slope(f: Any, x: Any) -> Any:
    raise NotImplementedError("NumPy has no derivatives")


OTHERS = {
    "permute": lambda x, axes: np.ascontiguousarray(np.transpose(x, axes)),
    "erf": special.erf,
    "gelu": lambda x: 0.5 * x * (1 + special.erf(x * np.float32(2**-0.5))),
    "counts": lambda n: np.arange(n, dtype="f"),
    "rows": lambda x, i: np.take(x, i, axis=0),
    "scattered": scattered,
    "softmax": lambda x: special.softmax(x, 1),
    "slope": slope,
    "margin": lambda x: np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))),
    "running": lambda x: np.cumsum(x, axis=0),
}
LIBRARY = SimpleNamespace(**{n: getattr(np, n) for n in dir(np) if not n.startswith("_")} | OTHERS)


def task(name: str) -> Task:
    operation = BY_NAME[name]
    given = operation.data()
    facts = {"version": np.__version__, "check": digest([operation.call(LIBRARY, *given)])}
    return Task(lambda: operation.call(LIBRARY, *given), facts=facts)


if __name__ == "__main__":
    known = arguments(BY_NAME)
    serve(lambda: task(known.task))
