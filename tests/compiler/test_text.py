"""The text form prints and parses to itself; the verifier says what is broken."""

import re

import numpy as np
import pytest
from hypothesis import given

from graphad.compiler.errors import ParseError, VerifyError
from graphad.compiler.interpret import interpret
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.text import large_constants, parse, to_text
from graphad.compiler.ir.types import TensorType
from graphad.compiler.ir.verify import verify
from tests.compiler.test_numbers import graph_of, same_bits
from tests.compiler.texts import lines
from tests.strategies import RandomGraph, random_graph

EVERY_KIND = """
    %0: float32[N,4] = input "x"
    %1: float32[4] = parameter "layers.0 \\"w\\""
    %2: int64[] = state "counter"
    %3: float32[] = constant -inf
    %4: float64[2,2] = constant [[0.0, -0.0], [1e-300, 2.5]]
    %5: int64[] = size 2*N+1
    %6: int64[N,4] = index axis=0
    %7: float32[N,4] = view(%1)[i1]
    %8: float32[N,4] = add(%0, %7) as "pre activation"
    %9: float32[N,6,2] = view(%8)[i0, 2*i1+i2-1?] fill=-inf
    %10: float32[N,4] = fold(%9)[i0, 2*i1+i2-1?] fill=-inf
    %11: float32[4,7] = view(%1)[(i1-1)/2?] fill=0.0
    %12: float32[4*N] = reshape(%10)
    %13: float32[N] = max(%10) axes=[1]
    %14: float32[N,4] = cumulative_sum(%10) axis=1 reverse
    %15: float32[N,N] = contract(%10, %14)[ij,kj->ik]
    %16: int64[3] = constant [0, 1, 0]
    %23: float32[] = constant 64.0 counts
    %17: float32[N,3] = gather(%0, %16) axis=1
    %18: float32[N,4] = scatter(%16, %17) axis=1
    %19: float32[N,4] = view(%0)[-i0+{N-1}, i1]
    %20: float32[((N+1)//2),4] = view(%0)[2*i0, i1]
    %21: float32[-((N+1)//2)+N] = view(%12)[i0+{((N+1)//2)}]
    %22: float32[2*N,4] = join(%18, %19) axis=0
    update %2 = %2
    return %3, %4, %5, %6, %11, %12, %13, %15, %20, %21, %22, %23
"""


def test_every_kind_prints_and_parses() -> None:
    text = to_text(parse(EVERY_KIND))
    assert to_text(parse(text)) == text
    written = {re.sub(r"%\d+", "%", line.strip()) for line in EVERY_KIND.strip().splitlines()}
    printed = {re.sub(r"%\d+", "%", line) for line in lines(text).splitlines()}
    assert {line for line in written if "return" not in line} == {line for line in printed if "return" not in line}


def test_kernels_print_and_parse() -> None:
    text = """
        %0: float32[4] = input "x"
        %1: float32[4] = sin(%0)
        %2: float32[4] = cos(%1)
        kernel 0: %1 -> %1
        kernel 1: %2 -> %2
        return %2
    """
    assert lines(to_text(parse(text))) == lines(text)


@given(made=random_graph())
def test_random_graphs_print_and_parse(made: RandomGraph) -> None:
    graph = graph_of(made)
    again = verify(parse(to_text(graph), large_constants(graph)))
    assert to_text(again) == to_text(graph)
    values = {n: made[1][m] for n, m in zip(again.inputs, graph.nodes, strict=False)}
    for a, b in zip(interpret(graph.outputs, made[1], {}), interpret(again.outputs, values, {}), strict=True):
        assert same_bits(a, b)


def test_large_constants_stand_beside_the_text() -> None:
    text = "%0: float32[20] = constant #table\nreturn %0"
    graph = parse(text, {"table": np.arange(20)})
    (name,) = large_constants(graph)
    assert f"constant #{name}" in to_text(graph)
    assert to_text(parse(to_text(graph), large_constants(graph))) == to_text(graph)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%1: float32[4] = sinus(%0)", r"line 2, .*no op is named 'sinus'"),
        ("%1: float32[5] = sin(%0)", r"declared float32\[5\], but the operation gives float32\[4\]"),
        ("%1: float32[4] = sin(%7)", r"line 2, .*%7 is not defined above"),
        ("%1 = sin(%0)", r"expected '%name: dtype\[shape\] = op\(operands\) attributes'"),
        ("%1: float32[] = sum(%0)", r"expected axes="),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(line: str, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        parse(f'%0: float32[4] = input "x"\n{line}\nreturn %1')


def test_the_verifier_names_the_node() -> None:
    graph = parse('%0: float32[4] = input "x"\n%1: float32[4] = sin(%0)\nreturn %1')
    (y,) = graph.outputs
    wrong = Node(y.op, y.kind, y.operands, TensorType("float32", (5,)))
    with pytest.raises(
        VerifyError, match=r"<sin: float32\[5\]> has type float32\[5\], but its operands give float32\[4\]"
    ):
        verify(Graph(graph.inputs, (wrong,)))


def test_the_verifier_checks_updates() -> None:
    graph = parse(
        '%0: float32[4] = input "x"\n%1: float32[4] = state "s"\n%2: float32[] = sum(%0) axes=[0]\nreturn %1, %2'
    )
    (x,), (s, total) = graph.inputs, graph.outputs
    with pytest.raises(VerifyError, match="is updated, but is no parameter or state"):
        verify(Graph((x,), (), ((x, s),)))
    with pytest.raises(VerifyError, match=r"has type float32\[\], but updates 's': float32\[4\]"):
        verify(Graph((x,), (), ((s, total),)))
    with pytest.raises(VerifyError, match="is updated twice"):
        verify(Graph((x,), (), ((s, x), (s, x))))


def test_a_node_known_to_be_right_is_not_looked_at_again() -> None:
    graph = parse('%0: float32[4] = input "x"\n%1: float32[4] = sin(%0)\nreturn %1')
    known: set[Node] = set()
    verify(graph, known=known)
    assert known == set(graph.nodes)
