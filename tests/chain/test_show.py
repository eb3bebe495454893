"""The answer as text and as pictures."""

import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from graphad._lazy import lazy_import
from graphad.chain import Factor, Schedule, Solution, solve
from tests.chain.exhaustive import random_chain

figures = lazy_import("matplotlib.figure", extra="plot")


@pytest.fixture(scope="module")
def mixed() -> Solution:
    sizes = [9, 9, 1, 9, 9, 9, 9, 2]
    factors = [Factor(m, n, 30, 30) for n, m in pairwise(sizes)]
    return solve([*factors, Factor(4, 2)], memory_limit=50, threads=2)


def test_text(mixed: Solution) -> None:
    assert str(mixed) == mixed.text
    assert mixed.text.splitlines()[:11] == [
        "(F8' (F7..F4 -> F3')) (F2' <- F1)",
        "    30  F3' by 1 tangent",
        "   120  F7..F3: 1 tangent through F4..F7",
        "     8  F8..F3: 4 x 2 times 2 x 1",
        "    30  F2' by 1 adjoint, tape 30",
        "    30  F2..F1: 1 adjoint through F1, tape 30",
        "    36  F8..F1: 4 x 1 times 1 x 9",
        "   254  in all",
        "  1962  tangents only",
        "   840  adjoints only (tape 210, over the limit of 50)",
        "  1586  accumulate, then multiply",
    ]


def test_sweeps_through_many_programs_are_abbreviated() -> None:
    answer = solve([Factor(1, 1, 1, 1)] + [Factor(5, 1, 1, 1)] + [Factor(5, 5, 1, 1)] * 5)
    assert answer.text.splitlines()[0] == "F7..F2 -> F1'"
    assert "F7..F1: 1 tangent through F2..F7" in answer.text


def test_long_answers_stay_readable() -> None:
    answer = solve(random_chain(random.Random(0), 200, 9, 50))
    assert "more steps" in answer.text
    assert repr(answer) == f"<chain.Solution: cost {answer.cost}, 200 factors>"


def test_reprs(mixed: Solution) -> None:
    assert repr(mixed) == "<chain.Solution: cost 254, (F8' (F7..F4 -> F3')) (F2' <- F1)>"
    assert repr(mixed.bracketing) == "<Multiply F8..F1: 4 x 9, cost 254>"
    assert repr(mixed.schedule) == "<chain.Schedule: 8 tasks on 2 threads, makespan 182, at least 182>"


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_drawing_into_files(mixed: Solution, tmp_path: Path, suffix: str) -> None:
    drawn: list[Solution | Schedule] = [mixed, mixed.schedule]
    for number, part in enumerate(drawn):
        path = tmp_path / f"{number}.{suffix}"
        part.draw(path)
        assert path.stat().st_size > 5000
        part.draw(str(path))


def test_drawing_into_axes(mixed: Solution) -> None:
    axes = figures.Figure().subplots(1, 2)
    assert mixed.draw(axes[0]) is axes[0]
    assert mixed.schedule.draw(axes[1]) is axes[1]
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == [
        "given", "accumulate by tangents", "accumulate by adjoints", "multiply", "push tangents",
        "pull adjoints",
    ]  # fmt: skip
    assert len(axes[1].patches) == len(mixed.schedule.tasks)


def test_drawing_a_long_chain(tmp_path: Path) -> None:
    answer = solve(random_chain(random.Random(0), 100, 10**30, 10**60), threads=3)
    answer.draw(tmp_path / "tree.png")
    answer.schedule.draw(tmp_path / "bars.png")


def test_solving_imports_neither_matplotlib_nor_networkx() -> None:
    code = (
        "import sys; from graphad.chain import Factor, solve; solve([Factor(2, 3, 4, 4)], threads=2).text;"
        "assert not {'matplotlib', 'networkx', 'sympy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
