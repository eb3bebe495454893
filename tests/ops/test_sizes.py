"""The algebra of symbolic sizes: ring laws by evaluation, text that reads back, exact division."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphad as ga
from graphad.compiler.ir.size import Dim, Size, divide, evaluate, parse_dim, product, symbol

NAMES = ("N", "H", "W2", "batch")

leaves = st.one_of(st.integers(-5, 9), st.sampled_from(NAMES).map(symbol))


def combined(children: st.SearchStrategy[Dim]) -> st.SearchStrategy[Dim]:
    pairs = st.tuples(children, children)
    return st.one_of(
        pairs.map(lambda p: p[0] + p[1]),
        pairs.map(lambda p: p[0] - p[1]),
        pairs.map(lambda p: p[0] * p[1]),
        st.tuples(children, st.integers(1, 5)).map(lambda p: p[0] // p[1]),
    )


dims = st.recursive(leaves, combined, max_leaves=6)
numbers = st.fixed_dictionaries({n: st.integers(0, 9) for n in NAMES})


@given(dims, dims, dims, numbers)
def test_it_is_a_ring(a: Dim, b: Dim, c: Dim, at: dict[str, int]) -> None:
    assert a + b == b + a
    assert a * b == b * a
    assert (a + b) + c == a + (b + c)
    assert (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c
    assert a - a == 0
    assert a * 1 == a + 0 == a
    x, y = evaluate(a, at), evaluate(b, at)
    assert isinstance(x, int)
    assert evaluate(a + b, at) == x + y
    assert evaluate(a - b, at) == x - y
    assert evaluate(a * b, at) == x * y
    assert evaluate(a // 3, at) == x // 3


@given(dims, numbers)
def test_text_reads_back_and_names_go_one_by_one(a: Dim, at: dict[str, int]) -> None:
    assert parse_dim(str(a)) == a
    some = evaluate(a, {"N": at["N"]})
    assert evaluate(some, at) == evaluate(a, at)
    assert isinstance(a, int) or a.names() <= set(NAMES)


@given(dims, dims)
def test_a_product_divides_by_its_factors(a: Dim, b: Dim) -> None:
    if b != 0:
        assert divide(a * b, b) == a
    if a != 0:
        assert divide(a * b, a) == b


@given(dims, dims, numbers)
def test_a_quotient_is_one(a: Dim, b: Dim, at: dict[str, int]) -> None:
    quotient = divide(a, b)
    if quotient is not None:
        assert quotient * b == a
        assert evaluate(quotient, at) * evaluate(b, at) == evaluate(a, at)


def test_examples() -> None:
    n, h = symbol("N"), symbol("H")
    assert str((n + 1) * (h + 2)) == "H*N+H+2*N+2"
    assert str((n + 1) // 2) == "((N+1)//2)"
    assert divide((n + 1) * 4, n + 1) == 4
    assert divide(n + 1, n) is None
    assert divide(n, 0) is None
    assert product([n, 16, 5, 5]) == 400 * n
    assert (2 * n).names() == {"N"}
    assert (((n + 1) // 2) * 2).names() == {"N"}


@pytest.mark.parametrize("name", ["class", "in", "lambda", "__name__", "größe", "e\u0301", "n" * 10_000])
def test_names_are_identifiers_keywords_too(name: str) -> None:
    assert str(parse_dim(f" 2*{name} + 1")) in (f"2*{name}+1", "2*\u00e9+1")


def test_names_are_normalised_as_those_of_arguments() -> None:
    f = ga.compile([x := ga.input("x", ("\u00b5",))], 2 * x, target="numpy")  # the micro sign
    assert eval("f.specialize(\u00b5=3)", {"f": f}).sizes == ("\u03bc",)


@pytest.mark.parametrize(
    "text",
    ["(" * 101 + "N" + ")" * 101, "-" * 101 + "N", "N" + "//3" * 51, "9" * 5000, "+".join(["N"] * 501),
     "*".join(f"(a{i}+b{i})" for i in range(12))],
    ids=lambda t: t[:5],
)  # fmt: skip
def test_a_sizes_text_is_bounded(text: str) -> None:
    with pytest.raises(ga.ShapeError, match="is no size"):
        parse_dim(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "N+",
        "a b",
        "x²",
        "٣",
        "1_0",
        "N%2",
        "N\nM",
        "None",
        "1.5",
        "N/2",
        "f(N)",
        "True",
        "N//0",
        "N//M",
        "lambda: 1",
    ],
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ga.ShapeError, match="is no size"):
        parse_dim(text)


def test_the_same_name_is_the_same_size_in_a_call() -> None:
    x, y = ga.input("x", ("N", 2)), ga.input("y", ("N",))
    with pytest.raises(
        ga.ShapeError, match=r"'y': axis 0 has 4 elements, expected 3 \(N is 3 by the arguments before\)"
    ):
        ga.evaluate(x + ga.expand_dims(y, 1), {x: [[1.0, 2.0]] * 3, y: [1.0] * 4})


def test_an_expression_gives_the_name_it_holds() -> None:
    x = ga.input("x", ("2*N+1",), "float64")
    at: Any = {x: [1.0, 2.0, 3.0, 4.0, 5.0]}
    assert ga.evaluate(ga.constant(symbol("N")) * ga.ones_like(x)[0], at) == 2
    with pytest.raises(ga.ShapeError, match=r"axis 0 is 2\*N\+1, which needs a multiple of 2 plus 1, got 4"):
        ga.evaluate(x, {x: [1.0] * 4})
    y = ga.input("y", ("N*M",), "float64")
    with pytest.raises(ga.ShapeError, match="pass an argument with an axis M or N before"):
        ga.evaluate(y, {y: [1.0] * 4})


def test_a_size_is_a_number_of_the_graph() -> None:
    x = ga.input("x", ("N", "M"))
    n, m = x.shape
    assert isinstance(n, Size)
    found = ga.evaluate(ga.sum(x) / (n * m + 1), {x: [[1.0, 2.0]]})
    assert found == 1
    assert found.dtype == "float32"
