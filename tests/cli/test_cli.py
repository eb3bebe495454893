"""The command line: what it prints, what it writes, and one line for each mistake."""

import os
from pathlib import Path

import pytest

from graphad.cli import main

EXAMPLE = """
import graphad as ga

x = ga.input("x", ("N", 3))
w = ga.parameter("w", [1.0, 2.0, 3.0])
y = ga.sum(ga.exp(x * w))
f = ga.compile([x], y)
number = 3
"""


@pytest.fixture
def example(tmp_path: Path) -> Path:
    path = tmp_path / "example.py"
    path.write_text(EXAMPLE)
    return path


def run(*arguments: str) -> int:
    """The exit code."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    code = caught.value.code
    return 0 if code is None else int(code)


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info") == 0
    out = capsys.readouterr().out
    for name in ("graphad", "cpu", "threads", "python", "numba", "llvmlite", "cache folder"):
        assert name in out


def test_cache(fresh_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cache") == 0
    assert "programs  0" in capsys.readouterr().out
    assert run("cache", "--clear") == 0
    assert "removed 0 compiled programs" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["y", "f"])
def test_show_a_pass(example: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", f"{example}:{name}", "--after", "cse") == 0
    assert "exp" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("example.py", "'example.py': write FILE:NAME, such as examples/lenet5.py:loss"),
        ("missing.py:y", "missing.py: no such file"),
        ("example.py:z", "example.py: no name 'z'; there is f, w, x, y"),
        ("example.py:number", "example.py:number is a int, neither a tensor nor a compiled function"),
    ],
)
def test_show_refuses_in_one_line(
    example: Path, what: str, text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(example.parent)
    assert run("show", what) == 1
    captured = capsys.readouterr()
    assert captured.err == f"error: {text}\n"
    assert captured.out == ""


def test_show_the_kernels_of_a_size(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", f"{example}:f", "--size", "N=4") == 0
    assert "exp" in capsys.readouterr().out
    assert run("show", f"{example}:f", "--size", "N") == 1
    assert capsys.readouterr().err == "error: --size N: write NAME=NUMBER, such as N=64\n"
    assert run("show", f"{example}:f", "--after", "csse") == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_a_file_that_does_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.py"
    path.write_text("import math\n\nmath.sqrt(-1)\n")
    assert run("show", f"{path}:y") == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {path}, line 3: ValueError: ")
    assert error.count("\n") == 1
    path.write_text("def f(:\n")
    assert run("show", f"{path}:y") == 1
    assert "SyntaxError" in capsys.readouterr().err


def test_a_mistake_in_the_graph_names_its_own_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "misfit.py"
    path.write_text("import graphad as ga\n\ny = ga.input('x', (3,)) + ga.input('z', (2,))\n")
    assert run("show", f"{path}:y") == 1
    assert f"[{path}:3]" in capsys.readouterr().err


def test_a_files_own_folder_can_be_imported_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "helper_of_show.py").write_text("import graphad as ga\n\nx = ga.input('x', (3,))\n")
    path = tmp_path / "user.py"
    path.write_text("from helper_of_show import x\n\ny = x * 2\n")
    assert run("show", f"{path}:y", "--after", "cse") == 0
    assert "multiply" in capsys.readouterr().out


def test_debug_shows_the_traceback() -> None:
    with pytest.raises(Exception, match="no such file"):
        main(["show", "missing.py:y", "--debug"])


def test_a_command_that_is_not_there_is_a_mistake_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("tarin") == 2
    assert "No such command 'tarin'" in capsys.readouterr().err


def test_a_missing_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", "lenet5", "--data", str(tmp_path), "--out", str(tmp_path / "out")) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}: no train-images-idx3-ubyte")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("option", "value"), [("--lr", "fast"), ("--epochs", "0"), ("--seed", "-1")])
def test_options_that_cannot_be(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", "lenet5", option, value) == 2
    assert option in capsys.readouterr().err


def test_train_lenet5(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert run("train", "lenet5", "--epochs", "1", "--out", str(tmp_path), "--target", "numpy") == 0
    out = capsys.readouterr().out
    assert "test accuracy" in out
    assert "61,706" in out
    assert "ms a step" in out
    assert sorted(os.listdir(tmp_path)) == ["best.safetensors", "last.safetensors", "lenet5.png"]
    assert (tmp_path / "lenet5.png").read_bytes().startswith(b"\x89PNG")
