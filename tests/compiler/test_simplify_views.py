"""simplify, text to text: views, reshapes, reductions and products' letters."""

from functools import partial

from graphad.compiler.passes.simplify import simplify
from tests.compiler.texts import check, check_kept


def test_views_of_views_aliases_and_unit_reshapes_compose_to_nothing() -> None:
    check(
        simplify,
        """
        %0: float32[N,3] = input "x"
        %1: float32[N,3] = stop_gradient(%0)
        %2: float32[3,N] = view(%1)[i1, i0]
        %3: float32[3,1,N] = reshape(%2)
        %4: float32[N,3] = view(%3)[i1, 0, i0]
        return %4
        """,
        """
        %0: float32[N,3] = input "x"
        return %0
        """,
    )


def test_a_padded_view_keeps_its_guard_and_a_guard_that_never_fails_goes() -> None:
    check(
        simplify,
        """
        %0: float32[4,3] = input "x"
        %1: float32[3,4] = view(%0)[i1, i0]
        %2: float32[3,6] = view(%1)[i0, i1-1?] fill=2.0
        %3: float32[3,4] = view(%2)[i0, i1+1]
        return %2, %3
        """,
        """
        %0: float32[4,3] = input "x"
        %1: float32[3,6] = view(%0)[i1-1?, i0] fill=2.0
        %2: float32[3,4] = view(%0)[i1, i0]
        return %1, %2
        """,
    )


def test_a_guard_on_an_inserted_axis_is_not_lost() -> None:
    check_kept(
        simplify,
        """
        %0: float32[4] = input "x"
        %1: float32[4,1] = view(%0)[i0]
        %2: float32[4,3] = view(%1)[i0, i1-1?] fill=0.0
        return %2
        """,
    )


def test_reshapes() -> None:
    check(
        simplify,
        """
        %0: float32[N,4] = input "x"
        %1: float32[2*N,2] = reshape(%0)
        %2: float32[4*N] = reshape(%1)
        %3: float32[] = sum(%2) axes=[0]
        return %2, %3
        """,
        """
        %0: float32[N,4] = input "x"
        %1: float32[4*N] = reshape(%0)
        %2: float32[] = sum(%0) axes=[0, 1]
        return %1, %2
        """,
    )


def test_reductions_over_axes_of_size_one_but_argmax() -> None:
    check(
        simplify,
        """
        %0: float32[4,1,N] = input "x"
        %1: float32[4,N] = sum(%0) axes=[1]
        %2: float32[N] = max(%0) axes=[0, 1]
        %3: int64[4,N] = argmax(%0) axes=[1]
        return %1, %2, %3
        """,
        """
        %0: float32[4,1,N] = input "x"
        %1: float32[4,N] = view(%0)[i0, 0, i1]
        %2: float32[N] = max(%0) axes=[0, 1]
        %3: int64[4,N] = argmax(%0) axes=[1]
        return %1, %2, %3
        """,
    )


def test_reductions_merge_where_order_does_not_count() -> None:
    text = """
        %0: float32[4,5] = input "x"
        %1: float32[4] = {op}(%0) axes=[1]
        %2: float32[] = {op}(%1) axes=[0]
        return %2
    """
    merged = """
        %0: float32[4,5] = input "x"
        %1: float32[] = {op}(%0) axes=[0, 1]
        return %1
    """
    check(simplify, text.format(op="max"), merged.format(op="max"))
    check_kept(simplify, text.format(op="sum"))
    check(partial(simplify, fast_math=True), text.format(op="sum"), merged.format(op="sum"))


def test_max_of_repeated_elements_but_not_their_sum_nor_of_a_size_that_may_be_zero() -> None:
    check(
        simplify,
        """
        %0: float32[4] = input "x"
        %1: float32[4,3] = view(%0)[i0]
        %2: float32[4] = max(%1) axes=[1]
        %3: float32[4] = sum(%1) axes=[1]
        %4: bool[4] = input "m"
        %5: bool[4,N] = view(%4)[i0]
        %6: bool[4] = any(%5) axes=[1]
        return %2, %3, %6
        """,
        """
        %0: float32[4] = input "x"
        %1: bool[4] = input "m"
        %2: float32[4,3] = view(%0)[i0]
        %3: float32[4] = sum(%2) axes=[1]
        %4: bool[4,N] = view(%1)[i0]
        %5: bool[4] = any(%4) axes=[1]
        return %0, %3, %5
        """,
    )


def test_permuted_operands_and_results_of_a_product_are_letters() -> None:
    check(
        simplify,
        """
        %0: float32[4,N] = input "a"
        %1: float32[4,5] = parameter "b"
        %2: float32[N,4] = view(%0)[i1, i0]
        %3: float32[N,5] = contract(%2, %1)[ij,jk->ik]
        %4: float32[5,N] = view(%3)[i1, i0]
        return %4
        """,
        """
        %0: float32[4,N] = input "a"
        %1: float32[4,5] = parameter "b"
        %2: float32[5,N] = contract(%0, %1)[ji,jk->ki]
        return %2
        """,
    )


def test_a_fold_that_permutes_is_a_view_and_one_that_overlaps_is_not() -> None:
    check(
        simplify,
        """
        %0: float32[3,4] = input "x"
        %1: float32[4,3] = fold(%0)[i1, i0]
        return %1
        """,
        """
        %0: float32[3,4] = input "x"
        %1: float32[4,3] = view(%0)[i1, i0]
        return %1
        """,
    )
    check_kept(
        simplify,
        """
        %0: float32[3,4] = input "x"
        %1: float32[6] = fold(%0)[i0+i1]
        return %1
        """,
    )
