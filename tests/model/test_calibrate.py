"""Measured rates: fitted, kept in one file for the machine, and refused when they are damaged or another machine's."""

import json
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import graphad as ga
from graphad.cli import main
from graphad.compiler.build import graph_stages
from graphad.compiler.model import calibrate as calibration
from graphad.compiler.model import store
from graphad.compiler.model.calibrate import fit
from graphad.compiler.model.machine import TYPICAL, Machine
from graphad.compiler.predict import predict
from graphad.runtime import CacheWarning


@pytest.fixture
def folder(fresh_cache: Path) -> Iterator[Path]:
    """An empty cache folder, and nothing read yet."""
    store.forget()
    yield fresh_cache
    store.forget()


def run(*arguments: str) -> int:
    """The exit status of ``graphad ...``."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return int(caught.value.code or 0)


def some_machine() -> Machine:
    rates = {name: 2 * rate for name, rate in TYPICAL.rates.items()}
    return Machine(rates, (1000, 2000, 3000), "2026-01-02T03:04:05+00:00")


def test_fit_finds_rates_from_mixed_times() -> None:
    true = {"a": 2.0, "b": 5.0, "c": 0.5}
    units = [{"a": 10.0, "b": 1.0}, {"a": 1.0, "b": 10.0}, {"b": 1.0, "c": 30.0}, {"a": 3.0, "c": 3.0}]
    seconds = [sum(true[n] * u for n, u in f.items()) for f in units]
    found = fit(units, seconds, {"a": 1.5, "b": 6.0, "c": 0.6})
    assert found == pytest.approx(true, rel=0.02)


def test_fit_never_answers_a_negative_rate() -> None:
    found = fit([{"a": 1.0, "b": 1.0}, {"a": 1.0}], [1.0, 3.0], {"a": 1.0, "b": 1.0})
    assert found["b"] > 0


def test_fit_keeps_what_is_fixed() -> None:
    found = fit([{"call": 1.0, "a": 2.0}], [11.0], {"call": 5.0, "a": 2.9}, fixed=frozenset({"call"}))
    assert found == {"a": pytest.approx(3.0, rel=0.01)}


def test_without_a_file_rates_are_typical(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.this_machine() is TYPICAL


def test_rates_are_kept(folder: Path) -> None:
    machine = some_machine()
    path = store.save(machine)
    assert path == folder / "machine.json"
    assert [p.name for p in folder.iterdir()] == ["machine.json"]
    store.forget()
    assert store.this_machine() == machine


def test_the_file_is_read_once(folder: Path) -> None:
    path = store.save(some_machine())
    store.forget()
    first = store.this_machine()
    path.unlink()
    assert store.this_machine() is first


def test_predictions_follow_the_file(folder: Path) -> None:
    x = ga.input("x", (1000,))
    graph = graph_stages(ga.compile([x], ga.sin(x)).graph, ga.Options())[-1].graph
    before = predict(graph).seconds
    store.save(Machine({n: 2 * r for n, r in TYPICAL.rates.items()}, TYPICAL.caches, "now"))
    assert predict(graph).seconds == pytest.approx(2 * before)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"format": 1}', "[" * 100_000, '{"format": 1' + "0" * 5000 + "}", "\ud800", '"\\ud800"'],
)
def test_a_damaged_file_is_reported_and_not_used(folder: Path, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "machine.json").write_text(text, errors="surrogatepass", encoding="utf-8")
    with pytest.warns(
        CacheWarning, match=r"machine\.json cannot be used: it is damaged: .*; typical ones are used until"
    ):
        assert store.this_machine() is TYPICAL
    assert store.this_machine() is TYPICAL  # one warning is enough


def changed(path: Path, **new: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | new))
    store.forget()


def test_a_file_of_another_processor_is_not_used(folder: Path) -> None:
    path = store.save(some_machine())
    changed(path, host=json.loads(path.read_text())["host"] | {"cpu": "z80"})
    with pytest.warns(CacheWarning, match="it is for cpu z80, this is"):
        assert store.this_machine() is TYPICAL


def test_a_file_of_another_version_is_not_used(folder: Path) -> None:
    path = store.save(some_machine())
    changed(path, format=0)
    with pytest.warns(CacheWarning, match="from another version of graphad"):
        assert store.this_machine() is TYPICAL


@pytest.mark.parametrize("rate", [float("nan"), -1.0, "fast"])
def test_rates_that_are_none_are_not_used(folder: Path, rate: object) -> None:
    path = store.save(some_machine())
    changed(path, rates={**TYPICAL.rates, "call": rate})
    with pytest.warns(CacheWarning, match="it is damaged"):
        assert store.this_machine() is TYPICAL


@pytest.mark.parametrize(
    "change",
    [
        {"caches": [1e400]},
        {"caches": [-1]},
        {"caches": "abc"},
        {"caches": [2, 1]},
        {"caches": None},
        {"calibrated": 3},
        {"host": []},
        {"host": None},
        {"rates": [1.0]},
        {"rates": None},
        {"format": "1"},
        {"format": 1e400},
        {"format": True},
    ],
)
def test_any_wrong_type_is_reported_and_not_used(folder: Path, change: dict[str, object]) -> None:
    path = store.save(some_machine())
    changed(path, **change)
    with pytest.warns(CacheWarning, match=r"machine\.json cannot be used: it is damaged: \w+"):
        assert store.this_machine() is TYPICAL


def test_rates_without_a_folder_are_this_processs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")  # nobody can make a folder below a file
    monkeypatch.setenv("GRAPHAD_CACHE_DIR", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(tempfile, "mkdtemp", no_room)
    store.forget()
    with pytest.warns(CacheWarning, match="cannot be kept in"):
        store.save(some_machine())
    assert store.this_machine() == some_machine()
    store.forget()


def no_room(**_: object) -> str:
    raise OSError(28, "No space left on device")


def test_info_says_whether_rates_were_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info") == 0
    assert "typical ones; measure this machine's" in capsys.readouterr().out
    store.save(some_machine())
    assert run("info") == 0
    out = capsys.readouterr().out
    assert "measured 2026-01-02T03:04:05" in out
    assert "multiply-add of a matrix product" in out


@pytest.mark.slow
def test_calibration_measures_every_family(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", "--calibrate") == 0
    assert "measured 20" in capsys.readouterr().out
    store.forget()
    found = store.this_machine()
    assert found.calibrated
    assert set(found.rates) == set(TYPICAL.rates)
    assert all(rate > 0 for rate in found.rates.values())
    assert found.rates["float32.sin.scalar"] > found.rates["float32.plain"]


def test_no_program_depends_on_the_rates(folder: Path) -> None:
    """Rates are not part of a program's identity: its text is the same whatever they are."""
    x = ga.input("x", (8, 8))
    y = ga.sin(x @ x)
    first = ga.compile([x], y).show()
    store.save(some_machine())
    assert ga.compile([x], y).show() == first


def test_every_probe_is_one_kernel_and_every_feature_has_a_rate() -> None:
    graph = graph_stages(calibration.probes().graph(), ga.Options())[-1].graph
    assert graph.kernels is not None
    assert len(graph.kernels) == len(graph.outputs)
    measured = {name for kernel in predict(graph, {}, TYPICAL).by_kernel for name in kernel.features}
    assert measured <= set(TYPICAL.rates)
