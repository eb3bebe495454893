"""simplify, text to text: what is rewritten, and what must not be."""

from functools import partial

import numpy as np
import pytest

import graphad as ga
from graphad.compiler.interpret import interpret
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Join, Leaf
from graphad.compiler.ir.make import mapped, viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import INPUT
from graphad.compiler.ir.types import TensorType
from graphad.compiler.ir.view import Affine, AxisMap
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


def test_a_part_of_a_joined_tensor_is_the_part() -> None:
    text = """
        %0: float32[N,2] = input "a"
        %1: float32[N,3] = input "b"
        %2: float32[N,5] = join(%0, %1) axis=1
        %3: float32[N,{n}] = view(%2)[i0, i1+{start}]
        return %3
    """
    check(
        simplify,
        text.format(n=3, start=2),
        """
        %0: float32[N,2] = input "a"
        %1: float32[N,3] = input "b"
        return %1
        """,
    )
    check_kept(simplify, text.format(n=3, start=1))  # has elements of both


def test_the_part_may_begin_at_a_symbolic_place() -> None:
    check(
        simplify,
        """
        %0: float32[N] = input "a"
        %1: float32[3] = input "b"
        %2: float32[N+3] = join(%0, %1) axis=0
        %3: float32[2] = view(%2)[-i0+N+2]
        return %3
        """,
        """
        %0: float32[N] = input "a"
        %1: float32[3] = input "b"
        %2: float32[2] = view(%1)[-i0+2]
        return %2
        """,
    )


def test_a_join_of_slices_is_a_slice() -> None:
    text = """
        %0: float32[N,5] = input "x"
        %1: float32[N,2] = view(%0)[i0, i1]
        %2: float32[N,1] = view(%0)[i0, {one}]
        %3: float32[N,2] = view(%0)[i0, i1+3]
        %4: float32[N,5] = join(%1, %2, %3) axis=1
        return %4
    """
    check(simplify, text.format(one=2), '%0: float32[N,5] = input "x"\nreturn %0')
    check_kept(simplify, text.format(one=1))


def test_a_join_of_single_columns_is_a_slice() -> None:
    check(
        simplify,
        """
        %0: float32[N,5] = input "x"
        %1: float32[N,1] = view(%0)[i0, 4]
        %2: float32[N,1] = view(%0)[i0, 2]
        %3: float32[N,1] = view(%0)[i0, 0]
        %4: float32[N,3] = join(%1, %2, %3) axis=1
        return %4
        """,
        """
        %0: float32[N,5] = input "x"
        %1: float32[N,3] = view(%0)[i0, -2*i1+4]
        return %1
        """,
    )


def test_a_join_drops_what_is_empty() -> None:
    check(
        simplify,
        """
        %0: float32[N,5] = input "x"
        %1: float32[N,0] = input "e"
        %2: float32[N,5] = join(%1, %0) axis=1
        %3: float32[N,10] = join(%0, %1, %0) axis=1
        return %2, %3
        """,
        """
        %0: float32[N,5] = input "x"
        %1: float32[N,0] = input "e"
        %2: float32[N,10] = join(%0, %0) axis=1
        return %0, %2
        """,
    )


def test_a_sum_of_parts_side_by_side_is_a_join() -> None:
    check(
        simplify,
        """
        %0: float32[N] = input "a"
        %1: float32[N,2] = input "b"
        %2: float32[N,4] = view(%0)[i0]
        %3: float32[N,1] = view(%0)[i0]
        %4: float32[N,4] = view(%3)[i0, i1-3?] fill=0.0
        %5: float32[N,4] = view(%1)[i0, i1?] fill=0.0
        %6: float32[N,4] = add(%4, %5)
        return %6
        """,
        """
        %0: float32[N] = input "a"
        %1: float32[N,2] = input "b"
        %2: float32[] = constant 0.0
        %3: float32[N,2] = view(%2)[]
        %4: float32[N,2] = add(%1, %3)
        %5: float32[] = constant 0.0
        %6: float32[N,1] = view(%5)[]
        %7: float32[N,1] = view(%0)[i0]
        %8: float32[] = constant 0.0
        %9: float32[N,1] = view(%8)[]
        %10: float32[N,1] = add(%7, %9)
        %11: float32[N,4] = join(%4, %6, %10) axis=1
        return %11
        """,
    )


@pytest.mark.parametrize("fill", [0.0, -0.0, 1.0])
def test_sums_of_parts_keep_every_bit(fill: float) -> None:
    special = np.array([-0.0, 0.0, np.nan, np.inf, -np.inf, 1.5])
    draw = np.random.default_rng(0)
    joined = 0
    for trial in range(200):
        leaves, values = [], {}
        total: Node | None = None
        for k in range(draw.integers(2, 6)):
            shape = tuple(int(n) for n in draw.integers(1, 4, 2))
            leaf = Node(INPUT, Leaf("input", f"x{k}"), (), TensorType("float64", shape))
            values[leaf] = draw.choice(special, shape)
            leaves.append(leaf)
            places = [int(draw.integers(0, 4 - n + 1)) for n in shape]
            guards = [(p, n) != (0, 4) for p, n in zip(places, shape, strict=True)]
            axes = tuple(AxisMap(-p, ((i, 1),), 1, g) for i, (p, g) in enumerate(zip(places, guards, strict=True)))
            part = viewed(leaf, Affine((4, 4), axes, fill if trial % 3 else 0.0))
            total = part if total is None else mapped(ga.add, *((total, part) if k % 2 else (part, total)))
        assert total is not None
        graph = Graph(tuple(leaves), (total,))
        simple = simplify(graph)
        joined += any(isinstance(n.kind, Join) for n in simple.nodes)
        (found,), (wanted,) = (interpret(g.outputs, values, {}) for g in (simple, graph))
        np.testing.assert_array_equal(found, wanted)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(wanted))
    assert joined > 20


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
