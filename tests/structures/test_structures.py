"""Local Jacobians: which structure they have, and that products and sums keep the numbers and the structure."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphad as ga
from graphad.autodiff.modes import active, order
from graphad.structures import (
    Edges,
    Einsum,
    Local,
    Nodes,
    Prices,
    Structured,
    after,
    dense,
    forward,
    identity,
    local_jacobians,
    materialise,
    plus,
)
from tests.planning.cases import CASES

RNG = np.random.default_rng(6)


def structure(y: ga.Tensor, x: ga.Tensor) -> Structured:
    """The Jacobian of ``y`` by ``x``, forward."""
    nodes = order([y])
    edges = Edges(active(nodes, [x]))
    return forward(Nodes(), edges, nodes, {x: identity(x.shape, x.dtype)})[y]


def x23() -> ga.Tensor:
    return ga.input("x", (2, 3), "float64")


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: -x, "-identity[2,3]"),
        (lambda x: x * 3, "scaled[2,3]"),
        (lambda x: ga.exp(x), "diagonal[2,3]"),
        (lambda x: ga.sum(x, 0), "sum and broadcast[3] by [2,3]"),
        (lambda x: ga.broadcast_to(x, (4, 2, 3)), "sum and broadcast[4,2,3] by [2,3]"),
        (lambda x: x.T, "sum and broadcast[3,2] by [2,3]"),
        (lambda x: x @ ga.constant(RNG.normal(size=(3, 5))), "Kronecker[2,5] by [2,3]"),
        (lambda x: ga.exp(x) @ ga.constant(RNG.normal(size=(3, 5))), "Kronecker[2,5] by [2,3]"),
        (lambda x: ga.tanh(ga.mean(x, 0)) * 2, "Kronecker[3] by [2,3]"),
        (lambda x: ga.reshape(x, (6,)) @ ga.constant(RNG.normal(size=(6, 2))), "dense[2] by [2,3]"),
    ],
    ids=range(10),
)
def test_structure_of_a_derivative(function: Callable[[ga.Tensor], ga.Tensor], expected: str) -> None:
    x = x23()
    y = function(x)
    found: Any = materialise(Nodes(), structure(y, x))
    assert str(found) == expected
    value = {x: RNG.normal(size=(2, 3))}
    for column in np.eye(6).reshape(6, 2, 3):
        tangent = ga.evaluate(ga.jvp(y, x, ga.constant(column)), value)
        whole: Any = dense(Nodes(), found)
        np.testing.assert_allclose(np.tensordot(ga.evaluate(whole, value), column, 2), tangent, rtol=1e-12)


def test_a_constant_matrix_is_its_own_jacobian() -> None:
    x, a = ga.input("x", (4,), "float64"), ga.constant(RNG.normal(size=(3, 4)))
    assert ga.jacobian(ga.tensordot(a, x, 1), x, "forward") is a


def test_products_cost_what_their_letters_say() -> None:
    x, a, b = ga.input("x", (4,)), ga.constant(np.ones((5, 4), np.float32)), ga.constant(np.ones((3, 5), np.float32))
    y = ga.tensordot(b, ga.tanh(ga.tensordot(a, x, 1)), 1)
    counts = {mode: ga.plan_jacobian(y, x).cost[mode].multiplications for mode in ("forward", "reverse")}
    assert counts == {"forward": 5 * 4 + 3 * 5 * 4, "reverse": 3 * 5 + 3 * 5 * 4}


def test_a_choice_selects_and_does_not_multiply() -> None:
    """0 * inf is NaN: where a branch is not taken, its infinite slope must not be multiplied."""
    x = ga.input("x", (2,), "float64")
    y = ga.where(x > 0, ga.sqrt(x), 0) * 2
    np.testing.assert_array_equal(ga.evaluate(ga.jacobian(y, x, "forward"), {x: [0.0, 4.0]}), np.diag([0.0, 0.5]))


def test_pricing_counts_what_building_multiplies() -> None:
    for make in CASES:
        outputs, inputs, _ = make()
        nodes = order(outputs)
        edges = Edges(active(nodes, inputs))
        for x in inputs:
            built, priced = Nodes(), Prices()
            forward(built, edges, nodes, {x: identity(x.shape, x.dtype)})
            forward(priced, edges, nodes, {x: identity(x.shape, x.dtype)})
            assert built.multiplications == priced.multiplications, make.__name__


@st.composite
def einsums(draw: st.DrawFn, target: tuple[int, ...], source: tuple[int, ...]) -> Einsum:
    """An einsum between two shapes, with some deltas where extents agree."""
    j = identity((*target, *source), "float64")
    names: dict[int, int] = {}
    free = list(range(len(target)))
    for k, extent in enumerate(source):
        same = [i for i in free if target[i] == extent]
        if same and draw(st.booleans()):
            i = draw(st.sampled_from(same))
            free.remove(i)
            names[j.target[len(target) + k]] = j.target[i]
    ends = j.target[: len(target)], tuple(names.get(a, a) for a in j.target[len(target) :])
    extents = {a: j.extents[a] for end in ends for a in end}
    letters = tuple(a for a in extents if draw(st.booleans()))
    weight = draw(st.sampled_from(["none", "some"]))
    if weight == "none":
        return Einsum(*ends, extents, "float64", negative=draw(st.booleans()))
    value = np.random.default_rng(draw(st.integers(0, 99))).normal(size=[extents[a] for a in letters])
    return Einsum(*ends, extents, "float64", letters, ga.constant(value), draw(st.booleans()))


def matrix(j: Structured) -> np.ndarray:
    found: Any = dense(Nodes(), j)
    return np.asarray(ga.evaluate(found, {}))


@given(st.data())
def test_products_and_sums_of_einsums(data: st.DataObject) -> None:
    shape = st.lists(st.sampled_from([1, 2, 3]), max_size=3).map(tuple)
    a, b, c = data.draw(shape), data.draw(shape), data.draw(shape)
    outer, inner, other = data.draw(einsums(a, b)), data.draw(einsums(b, c)), data.draw(einsums(b, c))
    product = np.tensordot(matrix(outer), matrix(inner), len(b))
    np.testing.assert_allclose(matrix(after(Nodes(), outer, inner)), product, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(matrix(plus(Nodes(), inner, other)), matrix(inner) + matrix(other), 1e-12, 1e-12)
    np.testing.assert_allclose(matrix(plus(Nodes(), inner, inner)), 2 * matrix(inner), 1e-12)


def test_programs_pass_the_axes_that_they_do_not_touch() -> None:
    x = ga.input("x", (2, 3, 5), "float64")
    for node, kept in (
        (x[:, :, 1:4], {0: 0, 1: 1}),
        (ga.reshape(x, (2, 15)), {0: 0}),
        (ga.reshape(x, (6, 5)), {1: 2}),
        (ga.cumulative_sum(x, 1), {0: 0, 2: 2}),
        (ga.take(x, ga.constant([[0, 1], [1, 0]]), 1), {0: 0, 3: 2}),
    ):
        (edge, *_) = local_jacobians(node, [True] * len(node.operands))
        assert isinstance(edge, Local)
        assert dict(edge.passes) == kept
