"""Programs that the cache knows by their graph: no pass runs, nothing is lowered, and everything can still be asked."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import graphad as ga
from graphad import optim, specialization
from graphad.compiler.fingerprint import fingerprint
from graphad.runtime import ArraySpec, Layout, Program, stats, trust
from graphad.runtime.known import Record


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHAD_CACHE_DIR", str(tmp_path))


def step(scale: float = 1.0) -> tuple[ga.Function, ga.Parameter]:
    x, w = ga.input("x", ("N", 3)), ga.parameter("w", np.full((3, 2), scale, np.float32))
    b = ga.parameter("b", [0.5, -0.5])
    loss = ga.mean((x @ w + b) ** 2)
    return ga.compile([x], loss, updates=optim.SGD(lr=0.1, momentum=0.5).minimize(loss, [b, w])), w


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the programs that are built."""
    calls: list[int] = []
    build = specialization.build

    def counted(*args, **named):  # type: ignore[no-untyped-def]
        calls.append(1)
        return build(*args, **named)

    monkeypatch.setattr(specialization, "build", counted)
    return calls


def test_the_second_function_is_not_built(built: list[int]) -> None:
    data = np.arange(12, dtype=np.float32).reshape(4, 3) / 10
    f, w = step(2.0)
    losses = [f(data) for _ in range(3)]
    assert built == [1]
    again, v = step(2.0)
    np.testing.assert_array_equal([again(data) for _ in range(3)], losses)
    np.testing.assert_array_equal(v.value, w.value)
    assert built == [1]
    assert "loaded from the cache" in again.explain()
    assert again.cost == f.cost
    assert str(again.show()) == str(f.show())
    assert built == [1, 1]
    assert again.profile(data).rows


def test_other_numbers_in_parameters_are_the_same_program(built: list[int]) -> None:
    f, _ = step(1.0)
    g, _ = step(3.0)
    one = np.ones((2, 3), np.float32)
    assert float(f(one)) == pytest.approx(((3.5**2) + 2.5**2) / 2)
    assert float(g(one)) == pytest.approx(((9.5**2) + 8.5**2) / 2)
    assert built == [1]


def test_other_names_are_the_same_program(built: list[int]) -> None:
    def function(rows: str, columns: str, x: str, w: str) -> ga.Function:
        a, b = ga.input(x, (rows, columns, 3)), ga.parameter(w, np.ones(3, np.float32))
        return ga.compile([a], ga.sum(ga.exp(a) * b, axis=1).named(w))

    data, before = np.zeros((4, 5, 3), np.float32), stats.compiles
    for names in (("rows", "columns", "x", "w"), ("part", "i0", "lanes", "\n"), ("columns", "rows", "w", "x")):
        f = function(*names)
        np.testing.assert_array_equal(f(data), np.full((4, 3), 5))
        assert f"# n0 is the size {names[0]!r}" in f.show()
    assert stats.compiles == before + 1
    assert built == [1] * 3  # once to run, and once to show each of the others


@pytest.mark.parametrize("change", ["sizes", "options", "threads", "constant", "compiler"])
def test_what_makes_another_program(built: list[int], change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = ga.input("x", ("N",))
    ga.compile([x], x * 2, threads=1)(np.ones(3, np.float32))
    if change == "compiler":
        monkeypatch.setattr(specialization, "compiler_stamp", lambda _: "another")
    f = ga.compile(
        [x],
        x * (3 if change == "constant" else 2),
        threads=2 if change == "threads" else 1,
        options=ga.Options(precision="strict") if change == "options" else None,
    )
    count = 4 if change == "sizes" else 3
    np.testing.assert_array_equal(f(np.ones(count, np.float32)), np.full(count, 3 if change == "constant" else 2))
    assert len(built) == 2


def test_sizes_share_machine_code() -> None:
    def f() -> ga.Function:
        x = ga.input("x", ("N",))
        return ga.compile([x], x * 2, threads=1)

    first = f()
    for n in (2, 5):
        first(np.ones(n, np.float32))
    hits, again = stats.cache_hits, f()
    for n in (2, 5, 7):
        np.testing.assert_array_equal(again(np.ones(n, np.float32)), np.full(n, 2))
    assert stats.cache_hits == hits + 1


def test_failures_name_the_line_of_this_graph(built: list[int]) -> None:
    def lookup() -> ga.Function:
        x, i = ga.input("x", (4,)), ga.input("i", ("N",), "int64")
        return ga.compile([x, i], ga.take(x, i))

    values = np.arange(4, dtype=np.float32)
    lookup()(values, np.zeros(2, np.int64))
    again = lookup()
    np.testing.assert_array_equal(again(values, np.array([1, 3])), [1, 3])
    assert built == [1]
    with pytest.raises(IndexError, match=r"index 7 is out of range -4 to 3 .*test_known\.py"):
        again(values, np.array([0, 7]))


def test_without_its_machine_code_it_is_built_anew(built: list[int], tmp_path: Path) -> None:
    x = ga.input("x", (3,))
    ga.compile([x], x + 1)(np.ones(3, np.float32))
    for manifest in tmp_path.glob("*/manifest.json"):
        for file in manifest.parent.iterdir():
            file.unlink()
        manifest.parent.rmdir()
    np.testing.assert_array_equal(ga.compile([x], x + 1)(np.ones(3, np.float32)), [2, 2, 2])
    assert len(built) == 2


@pytest.mark.parametrize("damage", ["truncated", "foreign", "of another", "pickle", "shapes", "deep"])
def test_a_damaged_record_is_made_anew(built: list[int], tmp_path: Path, damage: str) -> None:
    x = ga.input("x", (3,))
    ga.compile([x], x + 1)(np.ones(3, np.float32))
    (record,) = tmp_path.glob("kernels/known-*")
    data = record.read_bytes()[64:]
    ga.compile([x], x + 2)(np.ones(3, np.float32))
    (other,) = {*tmp_path.glob("kernels/known-*")} - {record}
    new = {
        "truncated": data[:-2],
        "foreign": b"\xff" * 100,
        "of another": b"",
        "pickle": pickle.dumps(Trap()),
        "shapes": data.replace(b'"shapes": [[3]]', b'"shapes": [[3, 1]]'),
        "deep": b"[" * 100_000,
    }[damage]
    assert new != data
    record.write_bytes(trust.checksum(record.name, new).encode() + new)  # as one who may write it
    if damage == "of another":
        record.write_bytes(other.read_bytes())
    np.testing.assert_array_equal(ga.compile([x], x + 1)(np.ones(3, np.float32)), [2, 2, 2])
    assert len(built) == 3
    assert not Trap.sprung
    assert record.read_bytes()[64:] == data


class Trap:
    """Runs when it is unpickled."""

    sprung = False

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return setattr, (Trap, "sprung", True)


def test_a_record_is_what_it_was() -> None:
    specs = (ArraySpec("x", "float32", 2), ArraySpec("y", "bool", 0))
    table = np.arange(6, dtype=np.int64).reshape(2, 3)
    program = Program("f", "", specs, specs[:1], specs[1:], (table, np.array(True)), 2, ("k0", "k1"), True)
    record = Record("0" * 40, program, Layout((3,), (0, 64), 128, ((2, 3),), 2), (4,))
    found = Record.from_bytes(record.to_bytes())
    assert found.to_bytes() == record.to_bytes()
    assert (found.layout, found.states, found.key) == (record.layout, record.states, record.key)
    assert [c.tobytes() for c in found.program.constants] == [table.tobytes(), b"\x01"]
    assert vars(replace(found.program, constants=())) == vars(replace(program, constants=()))


def test_large_constants_are_not_written_twice(built: list[int], tmp_path: Path) -> None:
    table = ga.constant(np.random.default_rng(0).random((600, 600)).astype(np.float32))
    x = ga.input("x", (600,))
    ga.compile([x], table @ x)(np.ones(600, np.float32))
    assert not list(tmp_path.glob("kernels/known-*"))


def test_custom_derivatives_are_known() -> None:
    x = ga.input("x", (3,))
    y = ga.custom_derivative(ga.floor(x), [x], jvp=lambda t: t, vjp=lambda c: [c])
    assert fingerprint(ga.compile([x], y).graph) is not None
