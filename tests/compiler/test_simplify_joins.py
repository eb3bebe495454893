"""simplify, text to text: joins, their parts, and sums of parts that are joins."""

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
