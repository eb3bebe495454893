"""The worked examples' tables, against numbers computed by hand."""

from math import cosh, exp, log, sin, sqrt, tanh

import pytest

import graphad as ga
from graphad.compiler.errors import GraphError, ShapeError
from graphad.modes import trace_table


def rows(text: str) -> tuple[list[list[str]], list[list[str]]]:
    """The cells of both tables, split at two blanks or more, without their heads."""
    halves = [[line.split("  ") for line in half.splitlines()[1:]] for half in text.split("\n\n")]
    forward, reverse = [[[c.strip() for c in line if c.strip()] for line in half] for half in halves]
    return forward, reverse


def example(number: int) -> str:
    graph = ga.modes.find(f"WorkedExample_{number}")
    problem = graph.build()
    return trace_table(problem.y, dict(zip(problem.inputs, graph.worked, strict=True)))


def test_first_example_as_text() -> None:
    expected = """\
forward  operation      value      d/dx      d/dy
x        = input            2         1         0
y        = input            1         0         1
v1       = log(x)    0.693147       0.5         0
v2       = y * v1    0.693147       0.5  0.693147
v3       = sqrt(v2)  0.832555  0.300281  0.416277
v4       = v2 + v3     1.5257  0.800281   1.10942

reverse   adjoint  through
v4              1  seed
v3              1  v4
v2        1.60056  v3, v4
v1        1.60056  v2
y         1.10942  v2
x        0.800281  v1"""
    assert example(1) == expected


def test_first_example_by_hand() -> None:
    """At x = 2, y = 1: v1 = log 2, v2 = y v1, v3 = sqrt(v2), v4 = v2 + v3."""
    forward, reverse = rows(example(1))
    v1, v2, v3 = log(2), log(2), sqrt(log(2))
    by_x, by_y = 1 / 2 / (2 * v3), v1 / (2 * v3)
    values = [[v1, 0.5, 0], [v2, 0.5, v1], [v3, by_x, by_y], [v2 + v3, 0.5 + by_x, v1 + by_y]]
    assert [list(map(float, row[2:])) for row in forward[2:]] == [pytest.approx(row, rel=1e-5) for row in values]
    slope = 1 + 1 / (2 * v3)
    adjoints = [1, 1, slope, slope, v1 * slope, slope / 2]
    assert [float(row[1]) for row in reverse] == pytest.approx(adjoints, rel=1e-5)


def test_second_example_by_hand() -> None:
    """At x = 2, y = z = 1: sin(n / m) with n = cosh(3) + tanh(2) and m = log(1 + e^2)."""
    forward, reverse = rows(example(2))
    numerator, denominator = cosh(3) + tanh(2), log(1 + exp(2))
    assert float(forward[-1][2]) == pytest.approx(sin(numerator / denominator), rel=1e-5)
    assert [row[1] for row in forward] == [
        "= input", "= input", "= input", "= y ^ 2", "= x / z", "= v1 + v2", "= cosh(v3)", "= x * y", "= v5 * z",
        "= tanh(v6)", "= v4 + v7", "= exp(x)", "= 1 + v9", "= log(v10)", "= v8 / v11", "= sin(v12)",
    ]  # fmt: skip
    quotient = numerator / denominator
    outer = sqrt(1 - sin(quotient) ** 2)  # cos of a quotient between 3/2 pi and 2 pi
    sinh, sech = sqrt(cosh(3) ** 2 - 1), 1 - tanh(2) ** 2
    by_x = outer * ((sinh + sech) / denominator - quotient / denominator * exp(2) / (1 + exp(2)))
    by_y = outer * (2 * sinh + 2 * sech) / denominator
    by_z = outer * (-2 * sinh + 2 * sech) / denominator
    assert list(map(float, forward[-1][3:])) == pytest.approx([by_x, by_y, by_z], rel=1e-5)
    assert [float(row[1]) for row in reverse[:-4:-1]] == pytest.approx([by_x, by_y, by_z], rel=1e-5)
    assert [row[2] for row in reverse[:-4:-1]] == ["v2, v5, v9", "v1, v5", "v2, v6"]


def test_tangents_of_the_output_are_the_adjoints_of_the_inputs() -> None:
    x, y, z = (ga.input(name, (), "float64") for name in "xyz")
    shared = x * y
    forward, reverse = rows(trace_table(shared / z + ga.exp(-shared) * x**3, {x: 1.25, y: 0.5, z: 2.0}))
    assert forward[-1][3:] == [row[1] for row in reverse[:-4:-1]]
    assert "= -v1" in [row[1] for row in forward]
    assert "= x ^ 3" in [row[1] for row in forward]


def test_what_cannot_be_traced() -> None:
    x, y = ga.input("x", (), "float64"), ga.input("y", (2,), "float64")
    with pytest.raises(
        ShapeError, match=r"trace_table\(float64\[\]\): takes scalars, .*'y'.* has axes; use ga.unstack"
    ):
        trace_table(x * ga.sum(y), {x: 1.0, y: [1.0, 2.0]})
    with pytest.raises(GraphError, match="does not depend on"):
        trace_table(x * x, {ga.input("z", ()): 1.0})
    with pytest.raises(GraphError, match="the first argument is a scalar tensor"):
        trace_table(3, {x: 1.0})  # type: ignore[arg-type]
    with pytest.raises(GraphError, match="needs a value for input 'u'"):
        trace_table(x * ga.input("u", (), "float64"), {x: 1.0})
