"""The examples run."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def test_lenet5(capsys: pytest.CaptureFixture[str]) -> None:
    names = runpy.run_path(str(EXAMPLES / "lenet5.py"))
    names["main"](epochs=1)
    assert capsys.readouterr().out.startswith("epoch 1: loss ")


def test_regression(capsys: pytest.CaptureFixture[str]) -> None:
    names = runpy.run_path(str(EXAMPLES / "regression.py"))
    names["main"](steps=150)
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()] == ["linear", "logistic", "support"]


def test_cross_country(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = runpy.run_path(str(EXAMPLES / "cross_country.py"))
    names["main"]()
    heads = [line for line in capsys.readouterr().out.splitlines() if line.endswith(" multiplications")]
    assert heads == [
        "forward: 17 multiplications", "reverse: 18 multiplications", "cross-country: 14 multiplications",
    ]  # fmt: skip
    names["draw_steps"](tmp_path / "steps.png")
    assert (tmp_path / "steps.png").read_bytes().startswith(b"\x89PNG")
    reached = frozenset((x, y) for x in names["INPUTS"] for y in names["OUTPUTS"])
    for order in names["orders"]().values():
        *_, last = names["play"](order)
        assert last.edges == reached
