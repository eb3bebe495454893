"""What sizes, inputs, layers and files are called changes neither results nor generated code."""

import ast
import builtins
import keyword
import re
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphad as ga
from graphad import nn
from graphad.compiler.build import Built, build
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.text import parse, to_text
from graphad.compiler.lower.builder import Builder
from graphad.compiler.names import Renaming, own_names
from graphad.compiler.sizes import fixed_sizes, specialize
from graphad.compiler.ways import way_of
from graphad.sites import layer
from tests.cpu.oracle import plain, same

Case = tuple[list[ga.Tensor], list[ga.Tensor]]
OPTIONS = ga.Options(isa="avx2")
SIZES = {"N": 40, "M": 7}


def conv(n: str = "N") -> Case:
    x, w = ga.input("x", (n, 2, 8, 8)), ga.input("w", (4, 2, 3, 3))
    y = nn.functional.conv2d(x, w, padding=1)
    return [x, w], [y, ga.grad(ga.sum(y * y), w)]


def lenet(n: str = "N") -> Case:
    x, t = ga.input("x", (n, 1, 12, 12)), ga.input("t", (n,), "int64")
    first, second, last = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 4, 3), nn.Linear(16, 5)
    y = nn.functional.max_pool2d(nn.functional.relu(first(x)), 2)
    y = nn.functional.max_pool2d(nn.functional.relu(second(y)), 2)
    loss = nn.functional.cross_entropy(last(ga.reshape(y, (n, 16))), t)
    weights = [p for part in (first, second, last) for p in part.parameters()]
    return [x, t], [loss, *ga.grad(loss, weights)]


def dense(n: str = "N") -> Case:
    x, w = ga.input("x", (n, 20)), ga.input("w", (20, 30))
    y = ga.tanh(x @ w)
    return [x, w], [y, ga.grad(ga.mean(y), w)]


def rows(n: str = "N") -> Case:
    x = ga.input("x", (n, 100))
    return [x], [nn.functional.softmax(x, 1), nn.functional.log_softmax(x, 1)]


def prefixes(n: str = "N") -> Case:
    x = ga.input("x", (n, 5))
    return [x], [ga.cumulative_sum(x, axis=1), ga.cumulative_sum(x, axis=0)]


def sums(n: str = "N") -> Case:
    x = ga.input("x", (n, 6))
    return [x], [ga.sum(x), ga.sum(x, axis=0), ga.max(x, axis=1), ga.argmax(x, axis=0)]


def points(n: str = "N") -> Case:
    x = ga.input("x", (n, 3), "float64")
    a, b, c = ga.unstack(x, 1)
    y = ga.stack([ga.sin(a * b), ga.exp(c) * a], 1)
    return [x], [y, ga.vectorize(ga.jacobian(point(row := ga.input("row", (3,), "float64")), row), {row: x})]


def point(x: ga.Tensor) -> ga.Tensor:
    a, b, c = ga.unstack(x, 0)
    return ga.stack([ga.sin(a * b), ga.exp(c) * a], 0)


def embedding(n: str = "N") -> Case:
    x, i = ga.input("x", (9, 4)), ga.input("i", (n,), "int64")
    return [x, i], [ga.take(x, i, axis=0)]


def two_batches(n: str = "N", m: str = "M") -> Case:
    x, y = ga.input("x", (n, 3)), ga.input("y", (m, 3))
    return [x, y], [ga.sum(x * x, axis=1), 2 * y, ga.sum(x) * ga.sum(y)]


def matrix(n: str = "N", m: str = "M") -> Case:
    x, y = ga.input("x", (n, m)), ga.input("y", (m, n))
    return [x, y], [x @ y, ga.sum(x, axis=1), ga.reshape(x, (f"{n}*{m}",))]


def arithmetic(n: str = "N", m: str = "M") -> Case:
    x, y = ga.input("x", (f"2*{n}", 3)), ga.input("y", (f"{n}+{m}-1",))
    return [x, y], [x * x, ga.flip(y), x[1:, :], y[: y.shape[0] - 2], ga.mean(x)]


CASES: tuple[Callable[..., Case], ...] = (
    conv, lenet, dense, rows, prefixes, sums, points, embedding, two_batches, matrix, arithmetic,
)  # fmt: skip


TWO = (two_batches, matrix, arithmetic)
"""Those with two sizes."""


@cache
def graph_of(case: Callable[..., Case]) -> Graph:
    return plain(*case())


def renamed(graph: Graph, *names: str) -> Graph:
    """The graph as if the user had called its sizes so."""
    return Renaming(dict(zip(own_names(graph), names, strict=False))).graph(graph)


def made(graph: Graph) -> Built:
    """The program for the table's sizes, in the order of the graph's own names."""
    sizes = dict(zip(own_names(graph), SIZES.values(), strict=False))
    fixed = {name: sizes[name] for name in fixed_sizes(graph)}
    batch = [n for name, n in sizes.items() if name not in fixed]
    return build(specialize(graph, fixed)[0], OPTIONS, way=way_of(OPTIONS, batch))


def code(built: Built) -> str:
    """The text without its comments."""
    return "\n".join(line for line in built.program.source.splitlines() if not line.lstrip().startswith("#"))


def words(text: str) -> list[str]:
    return sorted(set(re.findall(r"[A-Za-z_]\w*", text)))


ODD = [
    "n0", "n1", "n2", "N", "N_", "x0", "i0", "_row0_", "_column_", "row", "__class__", "__builtins__", "_", "O0",
    "ñ", "größe", "数", "e\u0301", "ﬁ", "\u00b5", "ℵ", "n" * 10_000, "self", "np", "numba", "math", "sizes", "part",
    "first",
]  # fmt: skip
RESERVED = [*keyword.kwlist, *keyword.softkwlist, *(name for name in dir(builtins) if name.isidentifier())]


@cache
def table() -> list[str]:
    """Every word of the programs' texts, of Python, and some that are odd: all that may be a size's name."""
    found = [w for case in CASES if case is not lenet for w in words(made(graph_of(case)).program.source)]
    return [n for n in dict.fromkeys([*found, *RESERVED, *ODD]) if n not in ("None", "True", "False")]


def test_the_table_is_long() -> None:
    assert len(table()) > 300


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.__name__)
def test_passes_see_the_same_graph_whatever_sizes_are_called(case: Callable[..., Case]) -> None:
    graph = graph_of(case)
    want = to_text(Renaming(own_names(graph)).graph(graph))
    for i, name in enumerate(table()[:: 1 if len(graph.nodes) < 30 else 10]):
        names = (name, "other") if i % 2 else ("other" if case in TWO else name, name)
        other = renamed(graph, *names)
        assert to_text(Renaming(own_names(other)).graph(other)) == want, names


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.__name__)
def test_code_is_the_same_whatever_sizes_are_called(case: Callable[..., Case]) -> None:
    built = made(graph_of(case))
    want = code(built)
    names = ["l", "first", "count", "n", "part"] if case in (conv, lenet) else words(want)
    for name in [*names, *(ODD[:3] if case is lenet else ODD)]:
        other = renamed(graph_of(case), name, "other" if name != "N" else "M")
        assert code(made(other)) == want, name
    swapped = renamed(graph_of(case), "M", "N")
    assert code(made(swapped)) == want
    assert set(re.findall(r"\bn\d+\b", want)) == set(built.sizes)  # nothing else is called so


@given(name=st.text(min_size=1, max_size=8).map("a".__add__).filter(str.isidentifier))
def test_code_is_the_same_for_random_names(name: str) -> None:
    assert code(made(renamed(graph_of(sums), name))) == code(made(graph_of(sums)))


def test_a_builder_makes_no_name_of_a_size() -> None:
    with pytest.raises(AssertionError, match="begins the names of buffers or of sizes"):
        Builder("map").fresh("n")


def arrays(inputs: Sequence[ga.Tensor], n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = [tuple(d if isinstance(d, int) else n for d in x.shape) for x in inputs]
    return [
        rng.integers(0, 5, s) if x.dtype == "int64" else rng.standard_normal(s).astype(x.dtype)
        for x, s in zip(inputs, shapes, strict=True)
    ]


@pytest.mark.parametrize("name", ["n", "first", "part", "sizes", "t0", "for", "größe"])
def test_a_convolutions_gradient_is_right_whatever_its_batch_is_called(name: str) -> None:
    inputs, outputs = conv(name)
    args = arrays(inputs, 20)
    found, wanted = (ga.compile(inputs, outputs, target=target)(*args) for target in ("cpu", "numpy"))
    same(found, wanted, ["y", "gradient"], 1e-4)


@pytest.mark.parametrize("name", ["l", "e"])
def test_a_networks_gradients_are_right_whatever_its_batch_is_called(name: str) -> None:
    inputs, outputs = lenet(name)
    args = arrays(inputs, 20)
    found, wanted = (ga.compile(inputs, outputs, target=target)(*args) for target in ("cpu", "numpy"))
    same(found, wanted, [str(i) for i in range(len(found))], 1e-4)


HOSTILE = [" ", "x\ny", "import os", "'", '"', "\\", "\\n", "a  # b", '" as "', "]", "{0}", "数", "\u2028", "\x00",
           "lambda", "x" * 10_000, "\ud800"]  # fmt: skip


def labelled(name: str) -> Case:
    x, w = ga.input(name, ("N", 3)), ga.parameter(name, np.ones((3, 2), np.float32))
    with layer(name or "layer"):
        y = (x @ w).named(name or "label")
    return [x], [ga.exp(y)]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_other_names_stand_in_comments_only(name: str) -> None:
    built = made(plain(*labelled(name)))
    assert code(built) == code(made(plain(*labelled("plain"))))
    assert ast.dump(ast.parse(built.program.source)) == ast.dump(ast.parse(code(built)))
    built.program.source.encode()


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_graphs_with_such_names_print_and_parse(name: str) -> None:
    text = to_text(plain(*labelled(name)), sites=True)
    again = parse(text)
    assert to_text(again, sites=True) == re.sub(r"(?m)  # .*$", "", text)
    assert again.inputs[0].kind.name == name  # type: ignore[union-attr]


@given(name=st.sampled_from(["i0", "i1", "mi3", "fill", "axis", "reverse", "inf", "as", "kernel"]))
def test_graphs_with_such_sizes_print_and_parse(name: str) -> None:
    x = ga.input("x", (f"{name}+1", 3))
    text = to_text(plain([x], [ga.flip(x, axis=0), x[1:, :], ga.reshape(x, (f"3*{name}+3",))]))
    assert to_text(parse(text)) == text


@pytest.mark.parametrize("file", ["a\nraise SystemExit\n.py", "a\r.py", "\ud800.py", "'''.py", '"""', "a\\", "  # "])
def test_a_files_name_is_no_code(file: str) -> None:
    found: dict[str, ga.Tensor] = {}
    exec(compile("x = ga.input('x', ('N', 3))\ny = ga.exp(x)", file, "exec"), {"ga": ga}, found)
    x, y = found["x"], found["y"]
    assert y.site.file == file
    f = ga.compile([x], y)
    np.testing.assert_allclose(f(np.zeros((2, 3), np.float32)), 1)
    assert code(made(f.graph)) == code(made(plain([z := ga.input("z", ("M", 3))], [ga.exp(z)])))
    assert to_text(parse(f.show("fuse"))) == to_text(f.graph).replace("  return", "  kernel 0: %1 -> %1\n  return")


def test_reports_have_the_users_names() -> None:
    f = ga.compile(*conv("batch"))
    before = f.show("fuse")
    assert "float32[batch,2,8,8]" in before
    f.specialize(batch=20)
    assert f.show("fuse") == before
    assert "# n0 is the size 'batch'" in f.show()
    assert "float32[batch,4,8,8]" in f.explain()
    assert "batch=20" in f.explain()
    assert f.cost == f.cost_at(batch=20)
    assert not re.search(r"\bn0\b", f.explain() + f.diff("graph", "fuse"))
    assert ga.compile(*sums("self")).specialize(self=20).cost_at(self=30).flops > 0


def test_errors_have_the_users_names() -> None:
    inputs, outputs = embedding("words")
    with pytest.raises(ga.IndexRangeError, match=r"int64\[words\].*index 12 is out of range -9 to 8"):
        ga.compile(inputs, outputs)(np.ones((9, 4), np.float32), np.array([0, 12]))
    x = ga.input("x", ("words", 2))
    guarded = ga.compile([x], ga.log(x), options=ga.Options(nan_guard=True))
    with pytest.raises(ga.NanError, match=r"log\(float32\[words,2\]\).*of float32\[words,2\]"):
        guarded(np.full((3, 2), -1, np.float32))
    with pytest.raises(ga.GraphError, match="size words is not known: pass an input that has it"):
        ga.compile([], ga.zeros(("words",)))()
