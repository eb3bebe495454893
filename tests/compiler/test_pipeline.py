"""The pipeline: its stages, its checks, and the options that steer it."""

import pytest

from graphad.compiler import pipeline
from graphad.compiler.errors import GraphError, VerifyError
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.text import parse, to_text
from graphad.compiler.ir.types import TensorType
from graphad.compiler.options import Options
from tests.compiler.texts import lines

TEXT = """
    %0: float32[N] = input "x"
    %1: float32[] = constant 0.0
    %2: float32[N] = view(%1)[]
    %3: float32[N] = multiply(%0, %2)
    return %3
"""


def break_types(graph: Graph) -> Graph:
    """A pass that lies about a type."""
    (y,) = graph.outputs
    return Graph(graph.inputs, (Node(y.op, y.kind, y.operands, TensorType("float64", y.type.shape)),))


def test_stages_are_the_passes_in_order_after_what_was_written() -> None:
    graph = parse(TEXT)
    stages = pipeline.run(graph)
    assert stages[0].graph is graph
    assert [s.name for s in stages] == ["graph", *(step.name for step in pipeline.PASSES)]
    assert all(s.seconds >= 0 for s in stages)
    assert all(step.reason for step in pipeline.PASSES)


def test_options_reach_the_passes() -> None:
    kept = pipeline.run(parse(TEXT))[-1].graph
    fast = pipeline.run(parse(TEXT), Options(fast_math=True))[-1].graph
    assert "multiply" in lines(to_text(kept))
    assert "multiply" not in lines(to_text(fast))


def test_a_pass_can_be_left_out() -> None:
    names = [s.name for s in pipeline.run(parse(TEXT), Options(disable=("simplify",)))]
    assert "simplify" not in names
    with pytest.raises(GraphError, match="'simplfy' cannot be left out; fold_constants, simplify,"):
        pipeline.run(parse(TEXT), Options(disable=("simplfy",)))


def test_a_pass_that_breaks_the_graph_is_named() -> None:
    with pytest.raises(VerifyError, match=r"after pass break_types: <multiply: float64\[N\]> has type float64"):
        pipeline.run(parse(TEXT), passes=(pipeline.Step(break_types, "to be caught"),))


def test_options_say_what_to_write_instead() -> None:
    with pytest.raises(GraphError, match="write precision='default' or precision='strict'"):
        Options(precision="high")  # type: ignore[arg-type]
    with pytest.raises(GraphError, match="write fast_math=True or fast_math=False"):
        Options(fast_math=1)  # type: ignore[arg-type]
    with pytest.raises(GraphError, match=r"such as disable=\('simplify',\)"):
        Options(disable="simplify")  # type: ignore[arg-type]


def test_the_key_of_options_is_the_whole_of_them() -> None:
    assert Options().key() == Options(precision="default").key()
    assert Options().key() != Options(fast_math=True).key()
    assert "convolution='auto'" in Options().key()
