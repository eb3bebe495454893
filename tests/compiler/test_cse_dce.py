"""cse and dce, text to text."""

from graphad.compiler.passes.cse import cse
from graphad.compiler.passes.dce import dce
from tests.compiler.texts import check, check_kept


def test_equal_nodes_become_one_and_commutative_operands_have_no_order() -> None:
    check(
        cse,
        """
        %0: float32[4] = input "x"
        %1: float32[4] = sin(%0)
        %2: float32[4] = sin(%0)
        %3: float32[4] = multiply(%0, %1)
        %4: float32[4] = multiply(%2, %0)
        %5: float32[4] = subtract(%3, %4)
        return %5
        """,
        """
        %0: float32[4] = input "x"
        %1: float32[4] = sin(%0)
        %2: float32[4] = multiply(%0, %1)
        %3: float32[4] = subtract(%2, %2)
        return %3
        """,
    )


def test_constants_are_equal_by_their_bits_and_dtype() -> None:
    check(
        cse,
        """
        %0: float32[] = constant 0.0
        %1: float32[] = constant -0.0
        %2: float64[] = constant 0.0
        %3: float32[] = constant 0.0
        return %0, %1, %2, %3
        """,
        """
        %0: float32[] = constant 0.0
        %1: float32[] = constant -0.0
        %2: float64[] = constant 0.0
        return %0, %1, %2, %0
        """,
    )


def test_what_differs_in_axis_order_or_leaf_stays_two() -> None:
    check_kept(
        cse,
        """
        %0: float32[4,4] = input "x"
        %1: float32[4,4] = state "s"
        %2: float32[4,4] = state "s"
        %3: float32[4] = sum(%0) axes=[0]
        %4: float32[4] = sum(%0) axes=[1]
        %5: float32[4] = max(%0) axes=[1]
        %6: float32[4,4] = subtract(%0, %1)
        %7: float32[4,4] = subtract(%1, %0)
        %8: float32[4,4] = subtract(%0, %2)
        %9: float32[4,4] = cumulative_sum(%0) axis=0
        %10: float32[4,4] = cumulative_sum(%0) axis=0 reverse
        return %3, %4, %5, %6, %7, %8, %9, %10
        """,
    )


def test_updates_that_do_nothing_go_and_unused_inputs_stay() -> None:
    check(
        dce,
        """
        %0: float32[4] = input "unused"
        %1: float32[4] = input "x"
        %2: float32[4] = parameter "frozen"
        %3: float32[4] = parameter "w"
        update %2 = %2
        update %3 = %1
        return %1, %1
        """,
        """
        %0: float32[4] = input "unused"
        %1: float32[4] = input "x"
        %2: float32[4] = parameter "w"
        update %2 = %1
        return %1, %1
        """,
    )
