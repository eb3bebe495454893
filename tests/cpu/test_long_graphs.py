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
    assert [len(launch.nodes) for launch in built.lowered.launches] == [20_000]


def test_a_long_chain_is_right() -> None:
    x = ga.input("x", ("N", 8))
    y = chain(x, 1_000)
    value = np.random.default_rng(0).random((4, 8), np.float32)
    np.testing.assert_allclose(ga.compile([x], y)(value), ga.compile([x], y, target="numpy")(value), rtol=1e-4)


def test_a_join_of_two_thousand_operands_is_one_kernel() -> None:
    x = ga.input("x", ("N", 8), "float64")
    columns = ga.unstack(x, 1)
    parts = [columns[i % 8] * float(i) for i in range(2_000)]
    y = ga.stack(parts, 1)
    built = build(plain([x], [y, ga.stack(ga.unstack(y, 1)[::-1], 1)]), ga.Options())
    assert len(built.lowered.launches) == 1
    value = np.random.default_rng(0).random((3, 8))
    np.testing.assert_array_equal(ga.evaluate(y, {x: value}), np.stack([value[:, i % 8] * i for i in range(2_000)], 1))


def test_joins_of_joins_may_be_deep() -> None:
    x = ga.input("x", ("N", 1), "float64")
    y = x
    for i in range(2_000):
        y = ga.concat([y, x + float(i)], 1)
    built = build(plain([x], [y]), ga.Options())
    assert len(built.lowered.launches) == 1
    assert ga.evaluate(y, {x: np.zeros((1, 1))})[0, -3:].tolist() == [1997.0, 1998.0, 1999.0]
