"""fuse: which nodes share a kernel, and what is stored."""

import pytest

from graphad.compiler.ir.text import parse
from graphad.compiler.passes.fuse import fuse
from graphad.compiler.passes.kernels.stored import LARGE
from tests.compiler.texts import after

PRODUCT = """
    %0: float32[N,8] = input "x"
    %1: float32[8,4] = parameter "w"
    %2: float32[4] = parameter "b"
    %3: float32[N,4] = contract(%0, %1) [ab,bc->ac]
    %4: float32[N,4] = view(%2)[i1]
    %5: float32[N,4] = add(%3, %4)
    %6: float32[N,4] = tanh(%5)
    return %6"""
TWICE = """
    %0: float32[8] = input "x"
    %1: float32[8] = {op}
    %2: float32[] = sum(%1) axes=[0]
    %3: float32[8] = view(%1)[7-i0]
    return %2, %3"""
SOFTMAX = """
        %0: float32[N,{width}] = input "x"
        %1: float32[N] = max(%0) axes=[1]
        %2: float32[N,{width}] = view(%1)[i0]
        %3: float32[N,{width}] = subtract(%0, %2)
        %4: float32[N,{width}] = exp(%3)
        %5: float32[N] = sum(%4) axes=[1]
        %6: float32[N,{width}] = view(%5)[i0]
        %7: float32[N,{width}] = divide(%4, %6)
        return %7"""

CASES = {
    "maps are one kernel": (
        """
        %0: float32[N,4] = input "x"
        %1: float32[N,4] = exp(%0)
        %2: float32[N,4] = add(%1, %0)
        %3: float32[N,4] = tanh(%2)
        return %3""",
        ["%1, %2, %3 -> %3"],
    ),
    "maps behind a product are its epilogue": (PRODUCT, ["%2, %4, %5, %6 -> %6"]),
    "reductions of one operand are one loop": (
        """
        %0: float32[N,40] = input "x"
        %1: float32[N] = sum(%0) axes=[1]
        %2: float32[N] = max(%0) axes=[1]
        %3: float32[N] = add(%1, %2)
        return %3""",
        ["%1, %2 -> %1, %2", "%3 -> %3"],
    ),
    "softmax": (SOFTMAX.format(width=40), ["%1 -> %1", "%2, %3, %4 -> %4", "%5 -> %5", "%6, %7 -> %7"]),
    "softmax of tiny rows": (SOFTMAX.format(width=8), ["%1, %2, %3, %4, %5, %6, %7 -> %7"]),
    "what is cheap is computed again": (TWICE.format(op="add(%0, %0)"), ["%1, %2 -> %2", "%1, %3 -> %3"]),
    "what is not is stored": (TWICE.format(op="exp(%0)"), ["%1 -> %1", "%2 -> %2", "%3 -> %3"]),
    "what an index reads as often as it has elements is stored": (
        """
        %0: float32[8] = input "x"
        %1: int64[6] = input "i"
        %2: float32[8] = exp(%0)
        %3: float32[2,4] = reshape(%2)
        %4: float32[8] = reshape(%3)
        %5: float32[6] = gather(%4, %1) axis=0
        return %5""",
        ["%2 -> %2", "%3, %4, %5 -> %5"],
    ),
    "what an index reads a little of is computed there": (
        """
        %0: float32[8] = input "x"
        %1: int64[2] = input "i"
        %2: float32[8] = exp(%0)
        %3: float32[2] = gather(%2, %1) axis=0
        return %3""",
        ["%2, %3 -> %3"],
    ),
    "what a broadcast repeats is stored": (
        """
        %0: float32[8] = input "x"
        %1: float32[8] = exp(%0)
        %2: float32[4,8] = view(%1)[i1]
        %3: float32[4,8] = tanh(%2)
        return %3""",
        ["%1 -> %1", "%2, %3 -> %3"],
    ),
    "a product that a fold alone reads is folded as it is made": (
        """
        %0: float32[N,3,6] = input "g"
        %1: float32[3,2] = parameter "w"
        %2: float32[N,6,2] = contract(%0, %1) [abc,bd->acd]
        %3: float32[N,7] = fold(%2)[i0, i1+i2]
        return %3""",
        ["%2, %3 -> %3"],
    ),
    "a leaf that leaves, and what leaves twice, are copied": (
        """
        %0: float32[2] = input "x"
        %1: float32[2] = exp(%0)
        return %0, %1, %1""",
        ["%1, %2, %3 -> %1, %2, %3"],
    ),
    "an update comes after all who read the state": (
        """
        %0: float32[2] = parameter "p"
        %1: float32[2] = input "x"
        %2: float32[2] = subtract(%0, %1)
        %3: float32[] = sum(%0) axes=[0]
        return %3
        update %0 = %2""",
        ["%2 -> %2", "%3 -> %3"],
    ),
    "results of one straight-line code leave one kernel": (
        """
        %0: float64[N,3] = input "x"
        %1: float64[N] = view(%0)[i0, 0]
        %2: float64[N] = sin(%1)
        %3: float64[N] = cos(%1)
        %4: float64[N,1] = view(%2)[i0]
        %5: float64[N,1] = view(%3)[i0]
        %6: float64[N,2] = join(%4, %5) axis=1
        %7: float64[N] = multiply(%2, %3)
        return %6, %7""",
        ["%1, %2, %3, %4, %5, %6, %7 -> %6, %7"],
    ),
    "a join that a join alone reads, or a root that reshapes it, has no memory": (
        """
        %0: float64[N,2] = input "x"
        %1: float64[N,4] = join(%0, %0) axis=1
        %2: float64[N,6] = join(%1, %0) axis=1
        %3: float64[N,2,3] = reshape(%2)
        return %3""",
        ["%1, %2, %3 -> %3"],
    ),
    "a join that others read has": (
        """
        %0: float64[N,2] = input "x"
        %1: float64[N,4] = join(%0, %0) axis=1
        %2: float64[N,6] = join(%1, %0) axis=1
        %3: float64[N] = sum(%1) axes=[1]
        return %2, %3""",
        ["%1 -> %1", "%2 -> %2", "%3 -> %3"],
    ),
    "a join is not computed element by element": (
        """
        %0: float64[N,2] = input "x"
        %1: float64[N,4] = join(%0, %0) axis=1
        %2: float64[N,4] = exp(%1)
        return %2""",
        ["%1 -> %1", "%2 -> %2"],
    ),
    "maps do not meet across a kernel between them": (
        """
        %0: float32[4] = input "x"
        %1: float32[4] = exp(%0)
        %2: float32[] = sum(%1) axes=[0]
        %3: float32[4] = view(%2)[]
        %4: float32[4] = divide(%1, %3)
        return %1, %4""",
        ["%1 -> %1", "%2 -> %2", "%3, %4 -> %4"],
    ),
}


def kernels(text: str) -> list[str]:
    return [line.partition(": ")[2] for line in text.splitlines() if line.startswith("kernel ")]


@pytest.mark.parametrize("name", CASES)
def test_kernels(name: str) -> None:
    before, expected = CASES[name]
    assert kernels(after(fuse, before)) == expected


def test_straight_line_code_is_one_kernel_however_long() -> None:
    lines = ['%0: float32[N] = input "x"', *(f"%{i + 1}: float32[N] = sin(%{i})" for i in range(500)), "return %500"]
    graph = fuse(parse("\n".join(lines)))
    assert graph.kernels is not None
    assert [len(k.nodes) for k in graph.kernels] == [500]


def test_what_is_read_from_other_points_is_not_computed_there_without_end() -> None:
    lines = ['%0: float32[4,4] = input "x"']
    for i in range(0, 300, 3):
        lines += [
            f"%{i + 1}: float32[4,4] = sin(%{i})",
            f"%{i + 2}: float32[4,4] = view(%{i + 1})[i1, i0]",
            f"%{i + 3}: float32[4,4] = add(%{i + 1}, %{i + 2})",
        ]
    graph = fuse(parse("\n".join([*lines, "return %300"])))
    assert graph.kernels is not None
    assert all(sum(n.op.name == "sin" for n in k.nodes) * 20 <= LARGE + 20 for k in graph.kernels)
    assert len(graph.kernels) < 60
