"""The examples in the docstrings and in docs/chains.md say what happens."""

import doctest
import importlib
from pathlib import Path

import pytest

from graphad.chain import Factor, solve


@pytest.mark.parametrize("module", ["factor", "wide", "solve"])
def test_docstrings(module: str) -> None:
    found = importlib.import_module(f"graphad.chain.{module}")
    failures, examples = doctest.testmod(found)
    assert failures == 0
    assert examples > 0


def test_the_page_shows_what_is_printed() -> None:
    page = (Path(__file__).parents[2] / "docs" / "chains.md").read_text(encoding="utf-8")
    text = solve([Factor(3, 3, 29, 29), Factor(1, 3, 14, 14), Factor(2, 1, 7, 7)]).text
    steps_and_rivals = text.split("\nF2' ")[0]
    assert f"```text\n{steps_and_rivals}\n```" in page
