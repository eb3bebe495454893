"""Plans: which method is chosen, what it costs, how it is shown; and what is refused, in words."""

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import graphad as ga
from graphad.sparse import (
    compress_hessian,
    compress_jacobian,
    hessian_pattern,
    pattern,
    sparse_hessian,
    sparse_jacobian,
)
from tests.sparse.functions import arrowhead, band, tridiagonal


def plan_of(system: Any, n: int = 30, **choices: Any) -> Any:
    x = ga.input("x", (n,), "float64")
    return compress_jacobian(system(x), x, **choices)


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        (tridiagonal, ("columns", 3, 0)),
        (lambda x: band(x, 5), ("columns", 5, 0)),
        (lambda x: ga.sin(x[1:]) * x[:-1], ("columns", 2, 0)),
        (arrowhead, ("bidirectional", 2, 1)),
        (lambda x: ga.sum(x**2), ("rows", 0, 1)),
        (lambda x: ga.exp(x[0]) * ga.arange(30).astype("float64"), ("columns", 1, 0)),
        (lambda x: ga.exp(x), ("columns", 1, 0)),
        (lambda x: 2 * x[::-1], ("structure", 0, 0)),
    ],
)
def test_the_cheapest_is_chosen(system: Any, expected: tuple[str, int, int]) -> None:
    plan = plan_of(system)
    assert (plan.method, plan.tangents, plan.adjoints) == expected


def test_costs_decide() -> None:
    assert plan_of(tridiagonal, adjoint_cost=0.5).method == "rows"
    assert plan_of(tridiagonal, tangent_cost=0.5).method == "columns"
    dear = plan_of(arrowhead, adjoint_cost=1000)
    assert (dear.method, dear.tangents, dear.adjoints) == ("columns", 30, 0)


def test_a_method_can_be_asked_for() -> None:
    assert plan_of(arrowhead, method="rows").adjoints == 30
    assert plan_of(tridiagonal, method="bidirectional").method == "bidirectional"


def test_hessians_are_star_coloured() -> None:
    x = ga.input("x", (40,), "float64")
    arrow = compress_hessian(x[39] * ga.sum(ga.sin(x)), x)
    assert (arrow.method, arrow.tangents, arrow.nnz) == ("star", 2, 118)
    assert compress_hessian(ga.sum(tridiagonal(x)), x).tangents == 3


def test_text() -> None:
    assert str(plan_of(arrowhead)) == (
        "30 x 30, 88 entries (0.098): bidirectional, 2 tangents and 1 adjoint (order: natural, natural)"
    )
    assert str(plan_of(lambda x: 2 * x)) == "30 x 30, 30 entries (0.033, 30 known before): structure, no sweep"


def test_a_large_system_is_planned_without_trying_what_cannot_win() -> None:
    plan = plan_of(arrowhead, n=20_000)
    assert (plan.tangents, plan.adjoints) == (2, 1)


@pytest.mark.parametrize(
    "make", [lambda x: compress_jacobian(arrowhead(x), x), lambda x: compress_hessian(ga.sum(arrowhead(x)), x)]
)
def test_pictures(make: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plan = make(ga.input("x", (12,), "float64"))
    path = tmp_path / "pattern.png"
    axes = plan.draw(path)
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert plan.method in axes.get_title()
    drawn = sum(len(c.get_offsets()) for c in axes.collections)
    assert drawn == plan.nnz


ASKS = [pattern, compress_jacobian, sparse_jacobian]


@pytest.mark.parametrize("ask", ASKS)
def test_bad_input(ask: Any) -> None:
    x, n, i = ga.input("x", (3,), "float64"), ga.input("n", ("N",), "float64"), ga.input("i", (3,), "int64")
    with pytest.raises(ga.DTypeError, match="is int64: derivatives exist for float32 and float64 only"):
        ask(ga.sin(x), i)
    with pytest.raises(ga.DTypeError, match="int64 has no derivative"):
        ask(i, x)
    with pytest.raises(ga.GraphError, match=r"does not depend on <input 'x': float64\[3\]>"):
        ask(ga.sin(n), x)
    with pytest.raises(
        ga.ShapeError,
        match=r"a pattern needs sizes that are numbers, got <input 'n': float64\[N\]> .*"
        r"write them where the inputs are made, as in ga.input\('x', \(1000,\)\), or take mode 'forward' or 'reverse'",
    ):
        ask(ga.sin(n), n)
    with pytest.raises(ga.ShapeError, match="a pattern needs sizes that are numbers"):
        ask(ga.sum(n) * x, x)
    with pytest.raises(
        ga.GraphError,
        match=r"the second argument is one tensor, got list; ask for each input in turn, or make one input of them",
    ):
        ask(ga.sin(x), [x, n])
    with pytest.raises(ga.GraphError, match="the first argument is one tensor, got list"):
        ask([ga.sin(x)], x)


@pytest.mark.parametrize("ask", [hessian_pattern, compress_hessian, sparse_hessian])
def test_bad_input_to_hessians(ask: Any) -> None:
    x = ga.input("x", (3,), "float64")
    with pytest.raises(ga.ShapeError, match=r"takes a scalar; use ga.sum\(y\)"):
        ask(ga.sin(x), x)
    with pytest.raises(ga.GraphError, match="does not depend on"):
        ask(ga.sum(ga.input("z", (3,), "float64")), x)


def test_bad_choices() -> None:
    x = ga.input("x", (3,), "float64")
    y = ga.sin(x)
    with pytest.raises(ga.GraphError, match="method is one of 'auto', 'columns', 'rows', 'bidirectional', got 'fast'"):
        compress_jacobian(y, x, method="fast")
    for cost in (0, -1.0, float("inf"), float("nan"), "1", True):
        with pytest.raises(ga.GraphError, match="the cost of a sweep is a number above 0"):
            compress_jacobian(y, x, tangent_cost=cost)  # type: ignore[arg-type]
    with pytest.raises(ga.GraphError, match="the plan is another's"):
        sparse_jacobian(y, x, compress_jacobian(ga.cos(x), x))
    with pytest.raises(ga.GraphError, match="the plan is another's"):
        sparse_hessian(ga.sum(y), x, compress_hessian(ga.sum(x**3), x))


def test_a_pattern_that_would_not_fit_is_refused() -> None:
    x = ga.input("x", (100_000,), "float64")
    with pytest.raises(ga.ShapeError, match=r"the pattern may have [0-9,]+ entries, more than 268,435,456; take mode"):
        pattern(ga.exp(ga.sum(x)) * x, x)
    with pytest.raises(ga.ShapeError, match="entries, more than 268,435,456"):
        pattern(ga.cumulative_sum(x), x)


@pytest.mark.parametrize("module", ["analysis", "jacobian"])
def test_docstrings(module: str) -> None:
    failures, examples = doctest.testmod(importlib.import_module(f"graphad.sparse.{module}"))
    assert failures == 0
    assert examples > 0


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its code runs, and what it says is printed is printed."""
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "sparse.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)
    printed = capsys.readouterr().out
    shown = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert shown
    assert all(text in printed for text in shown)
    assert (tmp_path / "sparse.png").exists()


def test_importing_it_brings_neither_scipy_nor_numba() -> None:
    code = "import sys, graphad, graphad.sparse; assert not {'scipy', 'numba', 'matplotlib'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", code], check=True)
