"""fold_constants, text to text."""

import numpy as np

from graphad.compiler.ir.kinds import Constant
from graphad.compiler.ir.text import parse
from graphad.compiler.passes.fold_constants import LARGEST, fold_constants
from tests.compiler.texts import check, check_kept


def test_an_op_on_broadcast_numbers_is_a_broadcast_number_also_of_a_symbolic_shape() -> None:
    check(
        fold_constants,
        """
        %0: float32[] = constant 2.0
        %1: float32[N,10] = view(%0)[]
        %2: float32[] = constant 0.0
        %3: float32[N,10] = view(%2)[]
        %4: bool[N,10] = equal(%1, %3)
        return %4
        """,
        """
        %0: bool[] = constant False
        %1: bool[N,10] = view(%0)[]
        return %1
        """,
    )


def test_only_axes_that_vary_become_an_array() -> None:
    check(
        fold_constants,
        """
        %0: float32[3] = constant [1.0, 2.0, 3.0]
        %1: float32[N,3] = view(%0)[i1]
        %2: float32[N,3] = square(%1)
        return %2
        """,
        """
        %0: float32[3] = constant [1.0, 4.0, 9.0]
        %1: float32[N,3] = view(%0)[i1]
        return %1
        """,
    )


def test_slices_pads_and_products_of_constants() -> None:
    check(
        fold_constants,
        """
        %0: float32[3] = constant [1.0, 2.0, 3.0]
        %1: float32[3] = view(%0)[-i0+2]
        %2: float32[5] = view(%1)[i0-1?] fill=7.0
        %3: float32[] = contract(%2, %2)[i,i->]
        return %2, %3
        """,
        """
        %0: float32[5] = constant [7.0, 3.0, 2.0, 1.0, 7.0]
        %1: float32[] = constant 112.0
        return %0, %1
        """,
    )


def test_equal_elements_become_one_number_by_their_bits() -> None:
    check(
        fold_constants,
        """
        %0: float32[3] = constant [1.0, 1.0, 1.0]
        %1: float32[2] = constant [0.0, -0.0]
        return %0, %1
        """,
        """
        %0: float32[] = constant 1.0
        %1: float32[3] = view(%0)[]
        %2: float32[2] = constant [0.0, -0.0]
        return %1, %2
        """,
    )


def test_a_known_size_is_a_number_and_an_unknown_one_is_not() -> None:
    check(
        fold_constants,
        """
        %0: int64[] = size 5
        %1: int64[] = size N
        return %0, %1
        """,
        """
        %0: int64[] = constant 5
        %1: int64[] = size N
        return %0, %1
        """,
    )


def test_sums_over_symbolic_axes_and_indices_stay() -> None:
    check_kept(
        fold_constants,
        """
        %0: float32[] = constant 2.0
        %1: float32[N,10] = view(%0)[]
        %2: float32[] = sum(%1) axes=[0, 1]
        %3: int64[10] = index axis=0
        return %2, %3
        """,
    )


def test_large_results_stay() -> None:
    side = int(LARGEST**0.5) + 1
    values = {"big": np.arange(side, dtype=np.float32)}
    text = f"""
        %0: float32[{side}] = constant #big
        %1: float32[{side},{side}] = view(%0)[i0]
        %2: float32[{side},{side}] = view(%0)[i1]
        %3: float32[{side},{side}] = add(%1, %2)
        return %3
    """
    graph = parse(text, values)
    assert fold_constants(graph) is graph


def test_what_stops_the_run_with_an_error_is_left_to_stop_it() -> None:
    check_kept(
        fold_constants,
        """
        %0: int64[] = constant 9
        %1: int64[] = constant 3
        %2: int64[] = in_range(%0, %1)
        %3: float32[2] = constant [1.0, 2.0]
        %4: float32[] = gather(%3, %0) axis=0
        return %2, %4
        """,
    )


def test_division_by_zero_folds_without_a_warning() -> None:
    graph = fold_constants(
        parse(
            """
            %0: float32[2] = constant [1.0, -1.0]
            %1: float32[2] = constant [0.0, 1.0]
            %2: float32[2] = divide(%0, %1)
            return %2
            """
        )
    )
    kind = graph.outputs[0].kind
    assert isinstance(kind, Constant)
    np.testing.assert_array_equal(kind.value, [np.inf, -1.0])


def test_a_join_of_constants_is_a_constant() -> None:
    check(
        fold_constants,
        """
        %0: float32[] = constant 2.0
        %1: float32[3] = view(%0)[]
        %2: float32[1] = constant [-0.0]
        %3: float32[4] = join(%1, %2) axis=0
        return %3
        """,
        """
        %0: float32[4] = constant [2.0, 2.0, 2.0, -0.0]
        return %0
        """,
    )
