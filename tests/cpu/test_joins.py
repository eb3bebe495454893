"""Joins on the cpu: every dtype, uneven and empty operands, symbolic sizes, joins of joins, and their readers."""

import numpy as np
import pytest

import graphad as ga
from graphad.compiler.build import build
from tests.cpu.oracle import agree, plain

RNG = np.random.default_rng(4)


def launches(inputs: list[ga.Tensor], outputs: list[ga.Tensor]) -> int:
    return len(build(plain(inputs, outputs), ga.Options()).lowered.launches)


def test_of_every_dtype() -> None:
    for dtype in ("float32", "float64", "int32", "int64", "bool"):
        x, y = ga.input("x", (3, 4), dtype), ga.input("y", (3, 2), dtype)
        found = {
            "uneven": ga.concat([x, y, x], 1),
            "negative axis": ga.concat([y, x], -1),
            "one": ga.concat([x]),
            "stacked": ga.stack([x, x[::-1], x], 1),
            "stacked last": ga.stack([y, y], -1),
            "flat": ga.concat([ga.reshape(x, (-1,)), ga.reshape(y, (-1,))]),
            "empty operand": ga.concat([x[:, :0], y, x[:, 4:]], 1),
            "all empty": ga.concat([x[:0], x[3:]], 0),
            "nothing along others": ga.concat([x[:0], y[:0]], 1),
        }
        values = [(RNG.normal(size=s) * 3).astype(dtype) for s in ((3, 4), (3, 2))]
        agree([x, y], found, values)


def test_of_computed_operands() -> None:
    x = ga.input("x", (6, 4), "float64")
    rows, columns = ga.unstack(x, 0), ga.unstack(x, 1)
    s = ga.sin(columns[0]) * columns[1]
    square = ga.stack([ga.stack([s * c, c, -s], 1) for c in columns[:3]], 1)
    found = {
        "stack of stacks": square,
        "its reshape": ga.reshape(square, (6, 9)),
        "turned": ga.permute_dims(square, (2, 0, 1)),
        "turned between": ga.concat([ga.permute_dims(square, (0, 2, 1)), square[:, :2]], 1),
        "reshaped between": ga.concat([ga.reshape(ga.stack([s, s * s], 1), (3, 4)), x[:3] * 2], 0),
        "used twice": (lambda y: ga.concat([y, y * y, ga.sum(y, 0, keepdims=True)]))(ga.stack(rows[:3])),
        "sums": ga.stack([ga.sum(x, 1), ga.max(x, 1), s], 1),
        "products": ga.concat([x @ ga.matrix_transpose(x), x], 1),
        "read backwards": ga.stack(rows)[::-1] * ga.concat([x[3:], x[:3]]),
        "read across": ga.concat([x, x + 1], 1)[:, 2:6],
        "scalars": ga.stack([ga.sum(x), ga.constant(2.0, "float64"), x[0, 0] * x[1, 1]]),
        "scalars and rows": ga.concat([ga.reshape(ga.sum(x), (1,)), rows[0], ga.sum(x, 1)]),
        "counted": ga.stack([ga.arange(6).astype("float64") * s, s], 1),
        "repeated": ga.concat([ga.broadcast_to(x[:1], (6, 4)), x], 1),
        "padded": ga.pad(ga.concat([x, x]), ((1, 1), (0, 2))),
        "taken": ga.take(ga.concat([x, x * 3]), [0, 11, 6], 0),
        "running": ga.cumulative_sum(ga.concat([x, x]), axis=0),
    }
    gradients = {f"gradient of {n}": ga.grad(ga.sum(ga.sin(y) * y), x) for n, y in found.items()}
    agree([x], found | gradients, [RNG.normal(size=(6, 4))], atol=1e-10)


def test_of_a_symbolic_size() -> None:
    x, y = ga.input("x", ("N", 3)), ga.input("y", ("M", 3))
    agree(
        [x, y],
        {"first": ga.concat([x, y * 2, x]), "last": ga.concat([x, ga.sin(x)], 1), "stacked": ga.stack([x, -x])},
        *([RNG.normal(size=(n, 3)).astype(np.float32), RNG.normal(size=(m, 3)).astype(np.float32)]
          for n, m in ((5, 2), (1, 1), (0, 3), (0, 0), (129, 64))),
    )  # fmt: skip


def test_zeros_go_with_what_stands_beside_them() -> None:
    x = ga.input("x", ("N", 5), "float64")
    y = ga.exp(x)
    blocks = {
        "rows": ga.stack([y, ga.zeros_like(y), -y], 1),
        "wide": ga.concat([ga.sin(x[:, :1]), ga.zeros(("N", 7), "float64"), ga.sin(x[:, 1:2])], 1),
        "wider": ga.concat([ga.sin(x[:, :1]), ga.full(("N", 70), 2.0, "float64")], 1),
        "square": ga.concat([ga.expand_dims(y, 1), ga.full(("N", 2, 5), -1.5, "float64"), ga.expand_dims(y * y, 1)], 1),
        "numbers": ga.concat([ga.zeros((3,), "float64"), ga.ones((2,), "float64")]),
    }
    for name, joined in blocks.items():
        assert launches([x], [joined]) == 1, name
    agree([x], blocks, [RNG.normal(size=(9, 5))], [RNG.normal(size=(0, 5))])


def test_a_state_moves_along() -> None:
    last = ga.parameter("last", np.arange(4.0))
    x = ga.input("x", (1,), "float64")
    step = ga.compile([x], last[0] + 0.0, updates={last: ga.concat([last[1:], x])}, threads=1)
    for i in range(6):
        assert step(np.array([10.0 + i])) == (i if i < 4 else 10.0 + i - 4)
    np.testing.assert_array_equal(last.value, [12.0, 13.0, 14.0, 15.0])


def test_the_first_nan_is_named_behind_a_join() -> None:
    x = ga.input("x", (3,), "float64")
    guarded = ga.compile([x], ga.concat([x, ga.log(x)]), options=ga.Options(nan_guard=True), threads=1)
    np.testing.assert_allclose(guarded(np.ones(3)), [1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    with pytest.raises(ga.NanError, match="log"):
        guarded(np.array([1.0, -1.0, 1.0]))


def test_values_and_jacobian_of_scalar_code_are_one_kernel() -> None:
    x = ga.input("x", ("N", 3), "float64")
    a, b, c = ga.unstack(x, 1)
    y = ga.stack([ga.sin(a) * b, ga.cos(b * c) + a], 1)
    zero = ga.zeros_like(a)
    rows = [[ga.cos(a) * b, ga.sin(a), zero], [zero + 1, -ga.sin(b * c) * c, -ga.sin(b * c) * b]]
    jacobian = ga.reshape(ga.stack([e for row in rows for e in row], 1), ("N", 2, 3))
    nested = ga.stack([ga.stack(row, 1) for row in rows], 1)
    assert launches([x], [y, jacobian, nested]) == 1
    function = agree([x], {"y": y, "flat": jacobian, "nested": nested}, [RNG.normal(size=(100, 3))])
    assert str(function.show()).count("math.sin") == 2  # sin(a), sin(b c): shared


def test_the_gradient_of_scalar_code_is_stored_by_the_kernel_of_its_value() -> None:
    x = ga.input("x", ("N", 3, 3), "float64")
    a, b, c = x[:, 0, 1], x[:, 2, 2], x[:, 0, 0]
    y = ga.sin(a) * b + ga.exp(c) * x[:, 0, 1]
    gradient = ga.grad(ga.sum(y), x)
    assert launches([x], [y, gradient]) == 1
    agree([x], {"y": y, "gradient": gradient}, [RNG.normal(size=(70, 3, 3))])
