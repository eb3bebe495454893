"""Kernels on disk: found by other programs, whatever they are called there; repaired, evicted, done without."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graphad.runtime import Program, cache_info, clear_cache, load, objects
from tests.runtime.programs import HEAD, RUN, SCALAR_LAYOUT, SQUARE


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of modules that went through LLVM."""
    names: list[str] = []
    compile_ = objects._compiled

    def counting(unit: objects.Unit) -> bytes:
        names.append(unit.name)
        return compile_(unit)

    monkeypatch.setattr(objects, "_compiled", counting)
    return names


def program(square: str, after: str = "") -> Program:
    """y = x * x by a helper that a kernel calls; ``after`` is what is done to it."""
    text = (
        f"{HEAD}@kernel\ndef {square}(x, y):\n    # model.py:3\n    y[0] = x[0] * x[0]\n\n\n"
        f"@kernel\ndef k0_all(x, y):\n    {square}(x, y)\n{after}"
        f"{RUN}    k0_all(float64_at(table, 0), float64_at(table, 1))\n"
    )
    return replace(SQUARE, source=text, kernels=("k0_all",))


def run(made: Program, x: float) -> float:
    y = np.zeros(())
    load(made).instantiate(SCALAR_LAYOUT, []).run([np.array(x)], [y])
    return float(y)


def test_another_program_finds_what_it_shares(fresh_cache: Path, compiled: list[str]) -> None:
    assert run(program("e0_square"), 3.0) == 9.0
    assert sorted(compiled) == ["e0_square", "k0_all", "run"]
    compiled.clear()
    assert run(program("e7_square"), 3.0) == 9.0  # the same under another name
    assert compiled == ["run"]
    compiled.clear()
    assert run(program("e0_square", "    y[0] = y[0] + float64(1)\n"), 3.0) == 10.0
    assert sorted(compiled) == ["k0_all", "run"]


def test_what_a_called_kernel_does_counts(fresh_cache: Path) -> None:
    other = program("e0_square")
    other = replace(other, source=other.source.replace("x[0] * x[0]", "x[0] + x[0]"))
    assert run(program("e0_square"), 3.0) == 9.0
    assert run(other, 3.0) == 6.0


def test_a_damaged_kernel_is_compiled_anew(fresh_cache: Path, compiled: list[str]) -> None:
    run(program("e0_square"), 3.0)
    for file in (fresh_cache / "kernels").iterdir():
        file.write_bytes(file.read_bytes()[:-1])
    compiled.clear()
    assert run(program("e7_square"), 3.0) == 9.0  # without a warning
    assert len(compiled) == 3
    compiled.clear()
    assert run(program("e8_square"), 3.0) == 9.0
    assert compiled == ["run"]


@pytest.mark.parametrize("damage", ["swapped", "empty", "foreign", "folder", "link"])
def test_what_is_no_kernel_of_this_key_is_compiled_anew(fresh_cache: Path, compiled: list[str], damage: str) -> None:
    run(program("e0_square"), 3.0)
    one, two = sorted((fresh_cache / "kernels").iterdir())
    before = one.read_bytes(), two.read_bytes()
    for file, other in ((one, before[1]), (two, before[0])):
        file.unlink()
        if damage == "folder":
            (file / "inside").mkdir(parents=True)
        elif damage == "link":
            (fresh_cache / "kernels" / "elsewhere").write_bytes(before[0])
            file.symlink_to("elsewhere")
        else:
            file.write_bytes({"swapped": other, "empty": b"", "foreign": b"x" * 500}[damage])
    compiled.clear()
    assert run(program("e7_square"), 3.0) == 9.0
    assert len(compiled) == 3
    assert (one.read_bytes(), two.read_bytes()) == before


def test_a_folder_that_others_may_write_is_made_anew(fresh_cache: Path, compiled: list[str]) -> None:
    run(program("e0_square"), 3.0)
    (fresh_cache / "kernels").chmod(0o777)
    compiled.clear()
    assert run(program("e7_square"), 3.0) == 9.0
    assert len(compiled) == 3
    assert stat.S_IMODE((fresh_cache / "kernels").stat().st_mode) == 0o700
    compiled.clear()
    assert run(program("e8_square"), 3.0) == 9.0
    assert compiled == ["run"]


def test_kernels_count_for_the_limit_and_are_cleared(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(program("e0_square"), 3.0)
    kernels = list((fresh_cache / "kernels").iterdir())
    assert len(kernels) == 2
    assert cache_info().bytes > sum(f.stat().st_size for f in kernels)
    monkeypatch.setenv("GRAPHAD_CACHE_LIMIT", "0")
    run(program("e0_square", "    y[0] = y[0] + float64(1)\n"), 3.0)
    assert list((fresh_cache / "kernels").iterdir()) == []
    assert clear_cache() == 1
    assert list(fresh_cache.iterdir()) == []
