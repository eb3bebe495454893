"""``graphad modes``: its tables, its files, its mistakes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import graphad as ga
from graphad.cli import comparing, modes_plot, modes_table
from graphad.modes import BenchmarkGraph, Comparison, ModeResult
from tests.cli.test_cli import run


@pytest.fixture
def tiny() -> Iterator[None]:
    @ga.modes.register("Tiny", points=3, published={"reverse": 2})
    def tiny() -> Any:
        """A quotient."""
        x = ga.input("x", (2,), "float64")
        return ga.sin(x[0] * x[1]) / x[1], x, lambda rng: rng.uniform(1, 2, 2)

    yield
    ga.modes.unregister("Tiny")


def test_tables_and_files(tiny: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("modes", "tiny", "workedexample_1", "--out", str(tmp_path), "--target", "numpy", "--batch", "2") == 0
    out = capsys.readouterr().out
    assert "Tiny, 2 points: A quotient" in out
    assert "v3       = sqrt(v2)  0.832555" in out
    assert "reverse   adjoint  through" in out
    assert f"{tmp_path / 'modes.json'}, {tmp_path / 'modes.png'}" in out
    record = json.loads((tmp_path / "modes.json").read_text())
    assert [g["graph"] for g in record["graphs"]] == ["Tiny", "WorkedExample_1"]
    assert record["peer"] is None
    assert (tmp_path / "modes.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["modes.json", "modes.png"]


def test_list(tiny: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("modes", "--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(ga.modes.graphs())
    assert lines[-1].split(maxsplit=2) == ["Tiny", "3", "A quotient"]


def test_a_file_with_graphs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "import graphad as ga\n\n@ga.modes.register('Mine')\ndef mine():\n    x = ga.input('x', (2,))\n"
        "    return x * x, x, lambda rng: rng.normal(size=2)\n"
    )
    try:
        assert run("modes", str(path), "--out", str(tmp_path / "out"), "--target", "numpy") == 0
        assert "Mine: Mine\n" in capsys.readouterr().out
    finally:
        ga.modes.unregister("Mine")
    path.write_text("number = 3\n")
    assert run("modes", str(path)) == 1
    assert capsys.readouterr().err.startswith(f"error: {path}: registers no benchmark graph; decorate one with")
    assert run("modes", "missing.py") == 1
    assert capsys.readouterr().err == "error: missing.py: no such file\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["RobotArm7"], "error: modes(): no benchmark graph 'RobotArm7'; did you mean 'RobotArm_6DOF'?"),
        (["LeNet5", "--peer", "torch"], "error: --peer torch: there is jax"),
    ],
)
def test_mistakes(arguments: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("modes", *arguments, "--out", str(tmp_path / "out")) == 1
    assert capsys.readouterr().err.startswith(text)
    assert not (tmp_path / "out").exists()


def test_a_peer_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(comparing, "find_spec", lambda name: None)
    assert run("modes", "LeNet5", "--peer", "jax") == 1
    assert capsys.readouterr().err == "error: --peer jax: it is not installed; pip install jax\n"


def test_a_peer_elsewhere_than_in_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(comparing, "find_spec", lambda name: "there")
    monkeypatch.chdir(tmp_path)
    assert run("modes", "LeNet5", "--peer", "jax") == 1
    error = "error: --peer jax: no benchmarks/modes.py here; run in the root of graphad's repository\n"
    assert capsys.readouterr().err == error


def comparison(published: int | None = 3) -> Comparison:
    graph = BenchmarkGraph("Made", "made up", "", lambda: None, points=10)  # type: ignore[arg-type, return-value]
    results = (
        ModeResult("forward", 20, 30, published, 2e-6, 3e-6, 3e-6, 2048, 0.1),
        ModeResult("reverse", 1200, None, None, 1e-3, None, None, 2**21, None, "not run: 2.0 GiB"),
        ModeResult("chain", reason="no node cuts the graph into stages"),
        ModeResult("eliminate", 10, 15, 16, 1e-6, 1.5e-6, 1.6e-6, 1024, 0.1),
    )
    return Comparison(graph, 10, results, "eliminate", "because", 14)


def test_one_graph_as_text() -> None:
    expected = """\
Made, 10 points: made up
  mode       multiplications  ±1 free  published  predicted  measured   memory
  forward                 30       20          3    2.00 us   3.00 us  2.0 KiB
  reverse              1,200        -          -    1.00 ms         -  2.0 MiB
→ eliminate               15       10         16    1.00 us   1.50 us  1.0 KiB
  auto                    15       10         16    1.00 us   1.50 us  1.0 KiB
  reverse: not run: 2.0 GiB
  chain: no node cuts the graph into stages
  fewest multiplications on the graph as it is written: 14
  auto is eliminate: because; measured 0.50 of the better of forward and reverse"""
    assert modes_table.one_graph(comparison()) == expected


def test_all_graphs_as_text() -> None:
    expected = """\
graph  points  auto       multiplications  predicted  measured  / plain
Made       10  eliminate               15    1.00 us   1.50 us     0.50"""
    assert modes_table.all_graphs([comparison()]) == expected


def test_the_plot_has_a_mark_for_each_result_in_each_panel() -> None:
    figure = modes_plot.draw([comparison(), comparison(None)], {"Made": {"jax jacrev": 4.0, "jax jacfwd": 5.0}})
    panels = figure.axes
    assert [axes.get_title() for axes in panels] == [
        "multiplications", "predicted time", "measured time", "memory, predicted",
    ]  # fmt: skip

    def xs(axes: Any, colour: str, shape: str) -> list[float]:
        lines = [line for line in axes.lines if (line.get_color(), line.get_marker()) == (colour, shape)]
        return [float(line.get_xdata()[0]) for line in lines]

    colour, shape, _ = modes_plot.MARKS["eliminate"]
    assert xs(panels[0], colour, shape) == pytest.approx([0.5, 0.5])  # 15 of forward's 30
    assert xs(panels[0], colour, "|") == pytest.approx([16 / 30, 16 / 30])
    assert xs(panels[2], colour, shape) == pytest.approx([0.5, 0.5])
    assert xs(panels[2], *modes_plot.PEERS) == pytest.approx([2.0, 2.0])  # four times eliminate's half
    assert xs(panels[2], modes_plot.MARKS["reverse"][0], "o") == []  # not run
    assert [text.get_text() for text in panels[2].texts] == ["3.00 us", "3.00 us"]


def test_where_neither_plain_mode_ran_their_prediction_is_the_measure() -> None:
    results = (
        ModeResult("forward", 1, None, None, 8.0, memory=1),
        ModeResult("reverse", 1, None, None, 9.0, memory=1),
        ModeResult("sparse", 1, None, None, 0.001, 0.002, 0.002, 1),
    )
    graph = BenchmarkGraph("Made", "made up", "", lambda: None)  # type: ignore[arg-type, return-value]
    figure = modes_plot.draw([Comparison(graph, 1, results, "sparse", "")], {})
    colour, shape, _ = modes_plot.MARKS["sparse"]
    axes = figure.axes[2]
    (line,) = [line for line in axes.lines if (line.get_color(), line.get_marker()) == (colour, shape)]
    assert line.get_xdata()[0] == 1 / modes_plot.RANGE  # off the scale: at the edge, with its number
    assert [text.get_text() for text in axes.texts] == ["1/4,000", "8.00 s"]
