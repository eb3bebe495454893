"""Networks, chains and sparse systems, at small sizes, against NumPy."""

from typing import Any

import numpy as np
import pytest
from scipy import special

import graphad as ga
from graphad.compiler.ir.graph import topological
from graphad.tensor import Parameter


def weights(problem: ga.modes.Problem) -> dict[str, np.ndarray]:
    return {node.name: node.value for node in topological([problem.y]) if isinstance(node, Parameter)}


def normed(x: np.ndarray, gain: Any, shift: Any) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    return gain * centred / np.sqrt(x.var(-1, keepdims=True) + 1e-5) + shift


def test_perceptron() -> None:
    problem = ga.modes.find("Perceptron").build(inputs=3, hidden=4, classes=3, batch=5)
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(5, 3)).astype("float32"), rng.integers(3, size=5)
    values = problem.draw(1)
    w1, b1, gain, shift, w2, b2 = values.values()
    logits = np.tanh(normed(images @ w1 + b1, gain, shift)) @ w2 + b2
    loss = -special.log_softmax(logits, axis=1)[np.arange(5), labels].mean()
    assert ga.evaluate(problem.y, values) == pytest.approx(loss, rel=1e-5)
    ga.check_grads(problem.y, values, order=1)


def test_transformer_block() -> None:
    problem = ga.modes.find("TransformerBlock").build(tokens=3, width=4, heads=2, hidden=5)
    (x,) = problem.draw(1).values()
    w = weights(problem)
    heads = []
    for h in range(2):
        query, key, value = (x @ w[name][:, 2 * h : 2 * h + 2] for name in ("query", "key", "value"))
        heads.append(special.softmax(query @ key.T / np.sqrt(2), axis=1) @ value)
    attended = normed(x + np.concatenate(heads, 1) @ w["out"], w["norm1.gain"], w["norm1.shift"])
    expected = attended + np.maximum(attended @ w["up"], 0) @ w["down"]
    expected = normed(expected, w["norm2.gain"], w["norm2.shift"])
    np.testing.assert_allclose(ga.evaluate(problem.y, {problem.x: x}), expected, atol=1e-5)
    ga.check_grads(problem.y, {problem.x: x}, order=1)


@pytest.mark.parametrize("widths", [(2, 3, 5), (5, 3, 2), (4, 2, 4)])
def test_chain_jacobian_is_the_product_of_its_factors(widths: tuple[int, ...]) -> None:
    problem = ga.modes.find("MixedChain").build(widths=widths)
    (x,) = problem.draw(1).values()
    y, product = x, np.eye(widths[0])
    for w in weights(problem).values():
        y = np.tanh(y @ w)
        product = np.diag(1 - y**2) @ w.T @ product
    value, jacobian = ga.evaluate([problem.y, ga.jacobian(problem.y, problem.x, mode="forward")], {problem.x: x})
    np.testing.assert_allclose(value, y, rtol=1e-5)
    np.testing.assert_allclose(jacobian, product, rtol=1e-4, atol=1e-6)


def test_widths_grow_shrink_and_tie_a_bow() -> None:
    def widths(name: str) -> list[int]:
        problem = ga.modes.find(name).build()
        return [int(problem.x.shape[0]), *(w.shape[1] for w in weights(problem).values())]

    assert widths("GrowingChain") == sorted(widths("GrowingChain"))
    assert widths("ShrinkingChain") == sorted(widths("ShrinkingChain"), reverse=True)
    assert widths("BowTie") == [400, 8, 400, 8, 400]


def test_lenet_has_ten_logits_of_1024_pixels() -> None:
    problem = ga.modes.find("LeNet5").build()
    assert (problem.y.shape, problem.inputs[0].shape) == ((10,), (1, 32, 32))


def test_tridiagonal_system() -> None:
    problem = ga.modes.find("Tridiagonal").build(unknowns=5)
    (x,) = problem.draw(1).values()
    padded = np.pad(x, 1)
    expected = (3 - 2 * x) * x - padded[:-2] - 2 * padded[2:] + 1
    value, jacobian = ga.evaluate([problem.y, ga.jacobian(problem.y, problem.x, mode="forward")], {problem.x: x})
    np.testing.assert_allclose(value, expected)
    np.testing.assert_allclose(jacobian, np.diag(3 - 4 * x) - np.eye(5, k=-1) - 2 * np.eye(5, k=1))


def test_arrowhead_system() -> None:
    problem = ga.modes.find("Arrowhead").build(unknowns=5)
    (x,) = problem.draw(1).values()
    expected = np.diag(3 * x**2 + x[0])
    expected[0, 0] = 3 * x[0] ** 2
    expected[0, 1:], expected[1:, 0] = 2 * x[1:], x[1:]
    jacobian = ga.evaluate(ga.jacobian(problem.y, problem.x), {problem.x: x})
    np.testing.assert_allclose(jacobian, expected)


@pytest.mark.parametrize("name", ["Tridiagonal", "Arrowhead"])
def test_sparse_systems_have_100_000_unknowns(name: str) -> None:
    problem = ga.modes.find(name).build()
    assert problem.y.shape == problem.inputs[0].shape == (100_000,)
