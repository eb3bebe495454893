"""simplify, text to text: arithmetic that is rewritten, and that must not be."""

from functools import partial

import pytest

from graphad.compiler.passes.simplify import simplify
from tests.compiler.texts import check, check_kept


def unary(op: str, constant: str, first: bool = False) -> str:
    """``op(x, constant)``, or with ``first`` ``op(constant, x)``."""
    operands = "%2, %0" if first else "%0, %2"
    return f"""
        %0: float32[N] = input "x"
        %1: float32[] = constant {constant}
        %2: float32[N] = view(%1)[]
        %3: float32[N] = {op}({operands})
        return %3
    """


IS_X = """
    %0: float32[N] = input "x"
    return %0
"""


@pytest.mark.parametrize(
    ("op", "constant", "first"),
    [
        ("multiply", "1.0", False),
        ("multiply", "1.0", True),
        ("add", "-0.0", False),
        ("add", "-0.0", True),
        ("subtract", "0.0", False),
        ("divide", "1.0", False),
        ("pow", "1.0", False),
    ],
)
def test_identities_that_hold_for_every_number(op: str, constant: str, first: bool) -> None:
    check(simplify, unary(op, constant, first), IS_X)


@pytest.mark.parametrize(
    ("op", "constant", "first"),
    [
        ("multiply", "0.0", False),  # NaN for NaN and infinities
        ("add", "0.0", False),  # 0.0 for -0.0
        ("subtract", "-0.0", False),  # 0.0 for -0.0
        ("subtract", "0.0", True),  # 0.0 - 0.0 is 0.0, -(0.0) is -0.0
        ("divide", "0.0", True),  # NaN for 0.0 and NaN
        ("divide", "3.0", False),  # 1/3 is not exact
        ("divide", "0.0", False),
        ("divide", "inf", False),
        ("pow", "0.5", False),  # inf for -inf, where sqrt is NaN
        ("pow", "1.0", True),
    ],
)
def test_what_is_wrong_for_some_number_stays(op: str, constant: str, first: bool) -> None:
    check_kept(simplify, unary(op, constant, first))


@pytest.mark.parametrize("op", ["subtract", "divide", "add", "multiply"])
def test_an_op_of_x_and_x_stays(op: str) -> None:
    check_kept(
        simplify,
        f"""
        %0: float32[N] = input "x"
        %1: float32[N] = {op}(%0, %0)
        return %1
        """,
    )


def test_fast_math_is_asked_for() -> None:
    text = unary("multiply", "0.0")
    expected = """
        %0: float32[N] = input "x"
        %1: float32[] = constant 0.0
        %2: float32[N] = view(%1)[]
        return %2
    """
    check(partial(simplify, fast_math=True), text, expected)


def test_fast_math_takes_a_common_factor_out() -> None:
    check(
        partial(simplify, fast_math=True),
        """
        %0: float32[N] = input "a"
        %1: float32[N] = input "b"
        %2: float32[N] = input "c"
        %3: float32[N] = multiply(%0, %1)
        %4: float32[N] = multiply(%2, %0)
        %5: float32[N] = add(%3, %4)
        return %5
        """,
        """
        %0: float32[N] = input "a"
        %1: float32[N] = input "b"
        %2: float32[N] = input "c"
        %3: float32[N] = add(%1, %2)
        %4: float32[N] = multiply(%0, %3)
        return %4
        """,
    )


def test_division_by_a_power_of_two_is_a_multiplication() -> None:
    check(simplify, unary("divide", "4.0"), unary("multiply", "0.25"))


def test_a_power_that_is_a_square() -> None:
    check(
        simplify,
        unary("pow", "2.0"),
        """
        %0: float32[N] = input "x"
        %1: float32[N] = square(%0)
        return %1
        """,
    )


def test_double_negation_and_negated_operands() -> None:
    check(
        simplify,
        """
        %0: float32[N] = input "x"
        %1: float32[N] = input "y"
        %2: float32[N] = negative(%0)
        %3: float32[N] = negative(%2)
        %4: float32[N] = negative(%1)
        %5: float32[N] = add(%4, %3)
        return %5
        """,
        """
        %0: float32[N] = input "x"
        %1: float32[N] = input "y"
        %2: float32[N] = subtract(%0, %1)
        return %2
        """,
    )


def test_casts_there_and_back_only_where_nothing_is_lost() -> None:
    check(
        simplify,
        """
        %0: float32[N] = input "x"
        %1: float64[N] = to_float64(%0)
        %2: float32[N] = to_float32(%1)
        %3: float64[N] = input "y"
        %4: float32[N] = to_float32(%3)
        %5: float64[N] = to_float64(%4)
        %6: float64[N] = to_float64(%3)
        return %2, %5, %6
        """,
        """
        %0: float32[N] = input "x"
        %1: float64[N] = input "y"
        %2: float32[N] = to_float32(%1)
        %3: float64[N] = to_float64(%2)
        return %0, %3, %1
        """,
    )
