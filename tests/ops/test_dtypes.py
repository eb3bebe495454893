"""Promotion: the table, weak Python numbers, what each family takes."""

from itertools import product
from typing import Any

import numpy as np
import pytest

import graphad as ga

NAMES = ("bool", "int32", "int64", "float32", "float64")


@pytest.mark.parametrize(("a", "b"), list(product(NAMES, NAMES)))
def test_the_greater_wins(a: str, b: str) -> None:
    x, y = ga.input("x", (2,), a), ga.input("y", (2,), b)
    expected = NAMES[max(NAMES.index(a), NAMES.index(b))]
    assert ga.where(ga.input("c", (2,), "bool"), x, y).dtype == expected
    assert (x == y).dtype == "bool"
    if expected != "bool":
        assert (x * y).dtype == expected == (y + x).dtype
        assert (x / y).dtype == (expected if expected.startswith("float") else "float32")
        # the Array API leaves integers with floats open; elsewhere NumPy says the same
        if expected.startswith("int") or a.startswith("float") == b.startswith("float"):
            assert np.result_type(a, b) == expected


@pytest.mark.parametrize(
    ("dtype", "number", "expected"),
    [
        ("float32", 2, "float32"),
        ("float32", 2.5, "float32"),
        ("float64", 2.5, "float64"),
        ("int32", 2, "int32"),
        ("int32", 2.5, "float32"),
        ("int64", True, "int64"),
        ("bool", 2, "int64"),
        ("bool", 2.5, "float32"),
        ("float32", np.float64(2), "float32"),
        ("int32", np.float64(2), "float32"),
        ("float64", np.float32(2), "float64"),
        ("float32", np.array(2.0), "float64"),
        ("float32", np.int64(2), "float32"),
    ],
)
def test_python_numbers_are_weak(dtype: str, number: Any, expected: str) -> None:
    x = ga.input("x", (2,), dtype)
    assert (x * number).dtype == expected
    assert (number * x).dtype == expected


def test_only_python_numbers() -> None:
    assert ga.where(ga.input("c", (), "bool"), 1.0, 2).dtype == "float32"
    assert ga.maximum(1, 2).dtype == "int64"
    assert ga.constant(2.5).dtype == "float32"
    assert ga.constant(np.float64(2.5)).dtype == "float64"
    assert ga.constant([1, 2]).dtype == "int64"
    assert ga.constant([True]).dtype == "bool"


def test_signs_and_kinds_of_equal_numbers_are_kept() -> None:
    x = ga.input("x", (), "float64")
    found = ga.evaluate([x * 0.0, x * -0.0, ga.where(x > 0, x, -0.0), ga.where(x > 0, x, 0.0)], {x: -1.0})
    assert [bool(np.signbit(v)) for v in found] == [True, False, True, False]
    i = ga.input("i", (), "int64")
    assert ga.where(i > 0, i, True).dtype == ga.where(i > 0, i, 1).dtype == "int64"


@pytest.mark.parametrize("f", [ga.exp, ga.sin, ga.sigmoid, ga.mean, ga.floor, ga.isnan, ga.logsumexp])
def test_float_functions_refuse_integers(f: Any) -> None:
    with pytest.raises(ga.DTypeError, match=r"\(int64\[2\]\): takes float32 or float64, got int64; write ga.astype"):
        f(ga.input("i", (2,), "int64"))


def test_logic_and_arithmetic_keep_apart() -> None:
    b, x = ga.input("b", (2,), "bool"), ga.input("x", (2,))
    with pytest.raises(ga.DTypeError, match=r"add\(bool\[2\], bool\[2\]\): takes numbers, got bool"):
        b + b
    with pytest.raises(ga.DTypeError, match="a condition is bool, got float32; write x != 0"):
        ga.where(x, x, x)
    with pytest.raises(ga.DTypeError, match="a condition is bool, got float32"):
        x & x
    with pytest.raises(ga.DTypeError, match=r"matmul.*takes numbers, got bool"):
        b @ b


def test_integers_that_do_not_fit() -> None:
    i = ga.input("i", (), "int32")
    with pytest.raises(ga.DTypeError, match=r"1099511627776 does not fit int32"):
        i + 2**40
    with pytest.raises(ga.DTypeError, match="an integer that does not fit int64"):
        ga.constant(2**70)
    with pytest.raises(ga.DTypeError, match="does not fit int32"):
        ga.constant([2**40], dtype="int32")
    with pytest.raises(ga.DTypeError, match=r"int32 cannot hold 1099511627776..1099511627776"):
        ga.evaluate(i, {i: 2**40})
    with pytest.raises(ga.DTypeError, match=r"pow\(int32\[\], -1\): integers have no negative powers"):
        i**-1


@pytest.mark.parametrize(("dtype", "value"), [("float32", 1.7), ("float32", -1.7), ("float64", 1e-9), ("int64", 3)])
def test_casts(dtype: str, value: Any) -> None:
    x = ga.input("x", (), dtype)
    for target in NAMES:
        found = ga.evaluate(x.astype(target), {x: value})
        assert found.dtype == target
        assert found == np.asarray(value, dtype).astype(target)


def test_derivatives_pass_through_casts_between_floats() -> None:
    x = ga.input("x", (3,), "float64")
    y = x.astype("float32").astype("float64") * x
    np.testing.assert_allclose(ga.evaluate(ga.grad(ga.sum(y), x), {x: [1.0, 2.0, 3.0]}), [2, 4, 6], rtol=1e-6)


def test_unknown_dtypes() -> None:
    for make in (lambda: ga.input("x", (), "float16"), lambda: ga.constant(1j), lambda: ga.zeros(2, "uint8")):
        with pytest.raises(ga.DTypeError, match=r"is not supported; write one of .*test_dtypes.py"):
            make()


def test_arguments_of_another_dtype_or_byte_order_are_refused() -> None:
    x = ga.input("x", (2,))
    with pytest.raises(ga.DTypeError, match=r"'x': expected float32, got float64; write x.astype\('float32'\)"):
        ga.evaluate(x, {x: np.zeros(2)})
    with pytest.raises(ga.DTypeError, match="expected float32, got >f4"):
        ga.evaluate(x, {x: np.zeros(2, ">f4")})
    i = ga.input("i", (2,), "int64")
    with pytest.raises(ga.DTypeError, match=r"list does not convert to int64.*would lose the fraction"):
        ga.evaluate(i, {i: [1.5, 2.0]})
