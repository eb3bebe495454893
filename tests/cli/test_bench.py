"""``graphad bench``: hands over to the repository's benchmarks, and says what to do where there are none."""

from pathlib import Path

import pytest

from benchmarks.__main__ import main as benchmarks
from benchmarks.__main__ import peers_asked
from graphad.cli import benching
from tests.cli.test_cli import run


def test_list(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From any folder: the benchmarks lie beside the package."""
    monkeypatch.chdir(tmp_path)
    assert run("bench", "--list") == 0
    assert "mlp-train" in capfd.readouterr().out


def test_exit_codes_are_handed_on(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "lenet-trian") == 2
    assert capfd.readouterr().err == "error: no workload 'lenet-trian'; --list prints them\n"


def test_where_there_are_no_benchmarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benching, "BESIDE", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run("bench") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: graphad bench: the installed package has no benchmarks; clone graphad's repository")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--peer", "tensorflow"], "error: --peer tensorflow: there are torch, jax, onnxruntime, openvino, pytensor,"),
        (["--python", "torch=nowhere"], "error: --python torch=nowhere: write PEER=PATH, of torch, jax, onnx"),
        (["--threads", "4000"], "error: --threads 4000: there are "),
        (["--show", "missing.json"], "error: [Errno 2] No such file or directory: 'missing.json'"),
    ],
)
def test_mistakes(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmarks([*arguments, "machine"]) == 2
    assert capsys.readouterr().err.startswith(text)


def test_a_peer_that_is_not_installed_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.workloads.find_spec", lambda name: None)
    assert peers_asked("jax,onnxruntime") == []
    assert capsys.readouterr().err.splitlines() == [
        "jax: not installed (pip install jax)",
        "onnxruntime: not installed (pip install onnxruntime onnx)",
    ]
    assert peers_asked("none") == []
    assert peers_asked("jax", elsewhere=["jax"]) == ["jax"]
