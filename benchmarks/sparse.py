"""Sparse Jacobians of 100,000 unknowns: seconds until the first is there, and what one costs in function evaluations.

python -m benchmarks.sparse --unknowns 100000 --threads 1

Beside them, as a check of both figures, NumPy and SciPy with the derivative written by hand. Preparation is pattern,
colouring and compilation, once with an empty cache of compiled programs (the first line of a run has Numba's start in
it) and once more.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from rich.console import Console
from rich.table import Table

import graphad as ga
from graphad.runtime.measure import measure
from graphad.sparse import compress_hessian, compress_jacobian, sparse_hessian, sparse_jacobian

Array = np.ndarray


@dataclass(frozen=True)
class System:
    """A system of equations, and its Jacobian by hand as a function of the point."""

    name: str
    build: Callable[[ga.Tensor], ga.Tensor]
    by_hand: Callable[[Array], sp.csr_array]


def tridiagonal(x: ga.Tensor) -> ga.Tensor:
    """y_i = sin(x_{i-1}) + x_i^2 x_{i+1}, nothing outside."""
    return ga.pad(ga.sin(x[:-1]), (1, 0)) + x * x * ga.pad(x[1:], (0, 1))


def tridiagonal_by_hand(x: Array) -> sp.csr_array:
    after = np.append(x[1:], 0.0)
    return sp.diags_array([np.cos(x[:-1]), 2 * x * after, x[:-1] ** 2], offsets=[-1, 0, 1]).tocsr()


def arrowhead(x: ga.Tensor) -> ga.Tensor:
    """y_0 = sum x^3 + x_0 sin(x_0), y_i = x_0 sin(x_i): the first row, the first column and the diagonal."""
    n = x.shape[0]
    assert isinstance(n, int)
    return x[0] * ga.sin(x) + ga.pad(ga.reshape(ga.sum(x**3), (1,)), (0, n - 1))


def arrowhead_by_hand(x: Array) -> sp.csr_array:
    n = len(x)
    first = 3 * x**2
    first[0] += np.sin(x[0]) + x[0] * np.cos(x[0])
    rows = np.concatenate([np.zeros(n, np.int32), np.arange(1, n), np.arange(1, n)])
    columns = np.concatenate([np.arange(n), np.zeros(n - 1, np.int32), np.arange(1, n)])
    return sp.csr_array((np.concatenate([first, np.sin(x[1:]), x[0] * np.cos(x[1:])]), (rows, columns)), shape=(n, n))


SYSTEMS = (
    System("tridiagonal", tridiagonal, tridiagonal_by_hand),
    System("arrowhead", arrowhead, arrowhead_by_hand),
)


def seconds(function: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def systems(n: int, threads: int) -> Table:
    """One row a matrix: Jacobians, and the Hessian of half the square of the system's length."""
    table = Table("matrix", "plan", "plan s", "compile s", "f us", "J us", "J / f", "by hand us", "J / hand")
    point = np.random.default_rng(0).uniform(0.5, 1.5, n)
    for system in SYSTEMS:
        x = ga.input("x", (n,), "float64")
        y = system.build(x)
        taken, plan = seconds(lambda y=y, x=x: compress_jacobian(y, x))  # type: ignore[misc]
        f = ga.compile([x], y, threads=threads)
        f(point)

        def first(y: ga.Tensor = y, x: ga.Tensor = x, plan: object = plan) -> ga.Function:
            made = ga.compile([x], sparse_jacobian(y, x, plan), threads=threads)  # type: ignore[arg-type]
            made(point)
            return made

        compiling, jacobian = seconds(first)
        found, expected = jacobian(point), system.by_hand(point)  # type: ignore[operator]
        np.testing.assert_allclose((found - expected).data, 0, atol=1e-10)
        times = measure(
            {
                "f": lambda f=f: f(point),  # type: ignore[misc]
                "J": lambda jacobian=jacobian: jacobian(point),  # type: ignore[misc]
                "hand": lambda system=system: system.by_hand(point),  # type: ignore[misc]
            }
        )
        us = {name: 1e6 * t.median for name, t in times.items()}
        ratios = (us["J"] / us["f"], us["J"] / us["hand"])
        table.add_row(
            system.name, str(plan), f"{taken:.2f}", f"{compiling:.2f}", f"{us['f']:.0f}", f"{us['J']:.0f}",
            f"{ratios[0]:.1f}", f"{us['hand']:.0f}", f"{ratios[1]:.2f}",
        )  # fmt: skip
        hessian(table, system, point, threads)
    return table


def hessian(table: Table, system: System, point: Array, threads: int) -> None:
    """The Hessian of the sum of the system's equations."""
    x = ga.input("x", (len(point),), "float64")
    y = ga.sum(system.build(x))
    taken, plan = seconds(lambda: compress_hessian(y, x))
    f = ga.compile([x], y, threads=threads)

    def first() -> ga.Function:
        made = ga.compile([x], sparse_hessian(y, x, plan), threads=threads)  # type: ignore[arg-type]
        made(point)
        return made

    compiling, found = seconds(first)
    times = measure({"f": lambda: f(point), "H": lambda: found(point)})  # type: ignore[operator]
    us = {name: 1e6 * t.median for name, t in times.items()}
    table.add_row(
        f"{system.name}, Hessian of the sum", str(plan), f"{taken:.2f}", f"{compiling:.2f}", f"{us['f']:.0f}",
        f"{us['H']:.0f}", f"{us['H'] / us['f']:.1f}", "-", "-",
    )  # fmt: skip


def dense(rows: int, columns: int) -> Table:
    """x -> A x: its Jacobian is A, which nobody has to colour."""
    table = Table("x -> A x", "plan", "J as a tensor, s", "its value, s")
    a = np.random.default_rng(0).normal(size=(rows, columns))
    x = ga.input("x", (columns,), "float64")
    y = ga.constant(a) @ x
    taken, matrix = seconds(lambda: sparse_jacobian(y, x))
    value_taken, value = seconds(lambda: ga.evaluate(matrix))
    assert (value.data.reshape(rows, columns) == a).all()  # type: ignore[attr-defined]
    table.add_row(f"{rows} x {columns}", str(compress_jacobian(y, x)), f"{taken:.3f}", f"{value_taken:.3f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unknowns", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    console = Console(width=190)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["GRAPHAD_CACHE_DIR"] = cache
        console.print(systems(chosen.unknowns, chosen.threads))
        console.print(dense(4_000, 2_000))


if __name__ == "__main__":
    main()
