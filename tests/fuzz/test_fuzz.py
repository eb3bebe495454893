"""A short share of each part of the fuzzer, and the runner itself. More: ``make fuzz MINUTES=10``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fuzz import __main__ as runner
from tests.fuzz.parts import PARTS, Part, load

FILES = [part for part in PARTS if part.function.startswith("tests.fuzz.formats")]


@pytest.mark.parametrize("part", FILES, ids=lambda part: part.name)
def test_damaged_files_are_read_or_refused(part: Part, fresh_cache: Path) -> None:
    check = load(part.function)
    for seed in range(40):
        try:
            check(seed)
        except Exception as error:
            raise AssertionError(f"again: python -m tests.fuzz --part {part.name} --seed {seed} --cases 1") from error


@pytest.mark.parametrize("part", [part for part in PARTS if part not in FILES], ids=lambda part: part.name)
def test_one_case_of_each_other_part(part: Part) -> None:
    load(part.function)(0)


def faulty(seed: int) -> None:
    """Fails, hangs, dies, takes memory, or is well, by its seed."""
    match seed % 5:
        case 1:
            raise ValueError("an error of Python's")
        case 2:
            while True:
                pass
        case 3:
            sys.exit(3)
        case 4:
            bytearray(10**10)


def test_the_runner_finds_errors_hangs_deaths_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    part = Part("faulty", "tests.fuzz.test_fuzz:faulty", seconds=5.0, megabytes=300)
    result = runner.run(part, 0, 1000.0, cases=5)
    assert result.cases == 5
    why = dict(result.failures)
    assert sorted(why) == ([1, 2, 3, 4] if sys.platform == "linux" else [1, 2, 3])
    assert "ValueError: an error of Python's" in why[1]
    assert "it took more than 5 s" in why[2]
    assert "the process ended with 3" in why[3]
    assert "MemoryError" in why.get(4, "MemoryError")
    assert "again: python -m tests.fuzz --part faulty --seed 3 --cases 1" in capsys.readouterr().out
