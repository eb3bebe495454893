"""Plans, their text, and what is refused."""

import doctest
import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.recompute import plan

DOCS = Path(__file__).parents[2] / "docs" / "recompute.md"


def product() -> tuple[ga.Tensor, ga.Tensor]:
    x = h = ga.input("x", (20, 20))
    for _ in range(6):
        h = ga.tanh(h @ h)
    return ga.sum(h), x


@pytest.mark.parametrize("module", ["front", "revolve", "stages"])
def test_docstrings(module: str) -> None:
    failures, examples = doctest.testmod(importlib.import_module(f"graphad.recompute.{module}"))
    assert failures == 0
    assert examples > 0


def test_the_page_shows_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    page = DOCS.read_text(encoding="utf-8")
    first, second = (part.split("```")[0] for part in page.split("```python\n")[1:3])
    scope: dict[str, Any] = {"np": np}
    exec(first, scope)
    shown = page.split("```text\n")[1].split("```")[0]
    printed = capsys.readouterr().out
    # without file and line; numbers depend on the machine's threads and registers, but not by half
    lines = [[re.sub(r" \(.*", "", line) for line in text.splitlines()[:7]] for text in (printed, shown)]
    have, want = ([re.sub(r"[\d,]+", "", line) for line in text] for text in lines)
    assert have == want
    numbers = [[int(n.replace(",", "")) for line in text for n in re.findall(r"\d[\d,]*", line)] for text in lines]
    for found, written in zip(*numbers, strict=True):
        assert written / 2 <= found <= 2 * written
    exec(second, scope)


def test_a_plan_says_what_is_kept() -> None:
    y, x = product()
    whole = plan(y, x)
    assert (whole.method, whole.extra_flops, whole.extra_steps) == ("store", 0, 0)
    assert whole.peak == whole.peak_of_storing
    limited = plan(y, x, memory_limit=(whole.peak + whole.least) // 2)
    assert limited.bytes_kept == 1600 * len(limited.kept) < whole.bytes_kept
    assert limited.extra_flops > 0
    assert f"memory limit         {limited.memory_limit:,} bytes" in str(limited)
    assert repr(limited).startswith(f"<recompute.Plan: {limited.method}, peak {limited.peak:,} bytes")


@pytest.mark.parametrize("method", ["revolve", "chain", "greedy"])
def test_every_method_by_itself(method: Any) -> None:
    y, x = product()
    whole = plan(y, x)
    found = plan(y, x, memory_limit=whole.peak_of_storing - 1, method=method)
    assert found.method == method
    assert found.peak < whole.peak_of_storing


def test_below_the_least_possible() -> None:
    y, x = product()
    least = plan(y, x).least
    for call in (lambda: ga.grad(y, x, memory_limit=least - 1), lambda: plan(y, x, memory_limit=least - 1)):
        with pytest.raises(ga.GraphError) as error:
            call()
        text = str(error.value)
        assert f"memory_limit={least - 1:,} is below the least possible, {least:,} bytes" in text
        assert "the largest of what is in memory at once are" in text
        assert "float32[20,20]" in text
        assert "test_front.py" in text
    ga.grad(y, x, memory_limit=least)


@pytest.mark.parametrize("limit", [-1, 1.5, True, "1MB"])
def test_a_limit_is_a_number_of_bytes(limit: Any) -> None:
    y, x = product()
    with pytest.raises(ga.GraphError, match="memory_limit is a number of bytes of at least 0"):
        ga.grad(y, x, memory_limit=limit)
    with pytest.raises(ga.GraphError, match="memory_limit is a number of bytes of at least 0"):
        ga.vjp(y, x, 1.0, memory_limit=limit)


def test_methods_that_are_not_there() -> None:
    y, x = product()
    with pytest.raises(ga.GraphError, match="method is one of auto, store, revolve, chain, greedy"):
        plan(y, x, memory_limit=10**6, method="best")  # type: ignore[arg-type]
    with pytest.raises(ga.GraphError, match="needs a memory_limit"):
        plan(y, x, method="revolve")
    with pytest.raises(ga.GraphError, match="method 'store' finds no way within"):
        plan(y, x, memory_limit=plan(y, x).least, method="store")


def test_the_same_refusals_as_without_a_limit() -> None:
    y, x = product()
    other, count = ga.input("z", ()), ga.input("n", (), "int64")
    with pytest.raises(ga.GraphError, match="does not depend on"):
        ga.grad(y, other, memory_limit=10**6)
    with pytest.raises(ga.ShapeError, match="takes a scalar"):
        ga.grad(x, x, memory_limit=10**6)
    with pytest.raises(ga.DTypeError, match="has no derivative"):
        ga.grad(count, count, memory_limit=10**6)


def test_an_output_that_is_its_own_input() -> None:
    x = ga.input("x", ())
    assert ga.evaluate(ga.grad(x, x, memory_limit=0), {x: 2.0}) == 1


def test_every_jacobian_mode_through_a_limited_gradient() -> None:
    x = h = ga.input("x", (3,), "float64")
    for _ in range(4):
        h = ga.cumulative_sum(ga.tanh(h)) + ga.sin(h)
    y = ga.sum(h * h)
    plain, limited = ga.grad(y, x), ga.grad(y, x, memory_limit=plan(y, x).least)
    value = np.array([0.1, 0.2, -0.3])
    want = ga.evaluate(ga.jacobian(plain, x, mode="reverse"), {x: value})
    for mode in ("auto", "forward", "reverse", "chain", "eliminate", "sparse"):
        found = ga.compile([x], ga.jacobian(limited, x, mode=mode), target="numpy")(value)  # type: ignore[arg-type]
        dense = found.toarray() if hasattr(found, "toarray") else found
        np.testing.assert_allclose(dense, want, rtol=1e-9, atol=1e-9)
