"""The stages of a compilation as text."""

import re

import numpy as np
import pytest

import graphad as ga
from graphad.compiler.ir.text import parse

STAGES = ("graph", "fold_constants", "simplify", "stabilise", "cse", "dce", "fuse")


@pytest.mark.parametrize("stage", STAGES)
def test_a_graph_stage_names_the_users_lines_and_layers(dense: ga.Function, stage: str) -> None:
    shown = dense.show(stage)
    assert repr(shown) == str(shown)
    assert "conftest.py:" in shown
    assert "(layer '0')" in shown
    assert ("kernel 0:" in shown) == (stage == "fuse")
    assert len(parse(shown).outputs) == 1


def test_without_a_stage_the_kernels_are_shown(dense: ga.Function) -> None:
    shown = dense.show()
    assert "@kernel" in shown
    assert "@entry" in shown
    assert re.search(r"^# .*conftest.py:\d+", shown, re.MULTILINE)
    assert dense.show("lower") == shown


def test_an_unknown_stage_lists_the_stages(dense: ga.Function) -> None:
    text = "no stage is named 'fold'; the stages are graph, fold_constants, simplify, stabilise, cse, dce, fuse, lower"
    for ask in (lambda: dense.show("fold"), lambda: dense.diff("fold", "dce")):
        with pytest.raises(ga.GraphError, match=text):
            ask()


def test_before_the_first_call_the_graph_is_there_and_kernels_ask_for_sizes() -> None:
    x = ga.input("x", ("N", "H"))
    f = ga.compile([x], ga.sum(x, axis=1))
    assert "float32[N,H]" in f.show("fuse")
    text = r"the kernels depend on H; call the function, or \.specialize\(H=28, N=28\), first; a graph stage"
    with pytest.raises(ga.GraphError, match=text):
        f.show()
    f.specialize(N=2, H=3)
    assert "@kernel" in f.show()
    assert "float32[N,3]" in f.show("fuse")


def test_the_numpy_target_has_a_graph_and_no_kernels() -> None:
    f = ga.compile([x := ga.input("x", ("N",))], x + 1, target="numpy")
    assert "add" in f.show("fuse")
    with pytest.raises(ga.TargetError, match=r"target 'numpy' has no kernels.*show\('graph'\)"):
        f.show()
    assert "node by node" in f.explain()


DIFF = """\
--- graph
+++ cse
@@ -3,10 +3,6 @@
   %1: float32[N] = sin(%0)
   %2: float32[N] = sin(%1)
-  %3: float32[] = constant 1.0
-  %4: float32[N] = view(%3)[]
-  %5: float32[N] = multiply(%2, %4)
   %6: float32[N] = exp(%0)
-  %7: float32[N] = exp(%0)
-  %8: float32[N] = add(%6, %7)
-  return %5, %8
+  %8: float32[N] = add(%6, %6)
+  return %2, %8
 }"""


def test_a_diff_shows_what_changed_and_nodes_keep_their_numbers() -> None:
    x = ga.input("x", ("N",))
    f = ga.compile([x], (ga.sin(ga.sin(x)) * 1, ga.exp(x) + ga.exp(x)))
    assert f.diff("graph", "cse") == DIFF
    assert f.diff("cse", "cse") == "cse and cse are the same"


def test_a_diff_with_the_kernels_is_of_plain_text(dense: ga.Function) -> None:
    assert "+@entry" in dense.diff("fuse", "lower")


def test_explain_says_what_was_done_and_why(dense: ga.Function) -> None:
    dense(np.ones((2, 4), np.float32))
    told = dense.explain()
    assert repr(told) == str(told)
    for stage in (*STAGES, "lower"):
        assert re.search(rf"^{stage} +\d+ +\d+ +\d+\.\d", told, re.MULTILINE)
    for part in ("target cpu, 1 thread for N=2", "float32[N,3]", "memory: arena", "machine code: ", "gad_step_"):
        assert part in told


def test_explain_names_how_convolutions_are_done(lenet: "object") -> None:
    step = lenet.step.specialize(N=8)  # type: ignore[attr-defined]
    told = step.explain()
    assert "sums in registers, one example a lane" in told
    assert "im2col" in step.specialize(N=2).explain()
    assert "20 updates, 0 by a copy at the end" in told


def test_questions_that_need_sizes_say_so() -> None:
    f = ga.compile([x := ga.input("x", ("N",))], x + 1)
    with pytest.raises(ga.GraphError, match=r"explain: N is not known yet; call .*\.specialize\(N=64\), first"):
        f.explain()
    with pytest.raises(ga.GraphError, match=r"cost: N is not known yet; .* write \.cost_at\(N=64\)"):
        _ = f.cost
