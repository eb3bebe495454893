"""A chain of 20,000 nodes passes through the whole compiler, without recursion."""

import numpy as np

import graphad as ga
from graphad.compiler.build import build
from tests.cpu.oracle import plain


def chain(x: ga.Tensor, length: int) -> ga.Tensor:
    y = x
    for i in range(length):
        y = ga.sin(y) if i % 2 else y + x
    return y


def test_twenty_thousand_nodes_are_lowered() -> None:
    x = ga.input("x", ("N", 8))
    graph = plain([x], [chain(x, 20_000)])
    built = build(graph, ga.Options())
    longest = max(len(launch.nodes) for launch in built.lowered.launches)
    assert longest < 100
    assert built.program.source.count("@kernel") < 10


def test_a_long_chain_is_right() -> None:
    x = ga.input("x", ("N", 8))
    y = chain(x, 1_000)
    value = np.random.default_rng(0).random((4, 8), np.float32)
    np.testing.assert_allclose(ga.compile([x], y)(value), ga.compile([x], y, target="numpy")(value), rtol=1e-4)
