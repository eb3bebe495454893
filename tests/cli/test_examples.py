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
