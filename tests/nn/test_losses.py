"""Losses at the edges: huge logits, labels out of range, what the gradient is made of, and what is refused."""

from typing import Any

import numpy as np
import pytest
from scipy import special

import graphad as ga
from graphad.compiler.ir.graph import topological
from graphad.compiler.ir.kinds import Gather, Scatter
from graphad.nn import functional as F  # noqa: N812 (the name everybody knows)

DRAW = np.random.default_rng(2)
LOGITS = DRAW.normal(size=(6, 4))
LABELS = DRAW.integers(0, 4, 6)


def test_cross_entropys_gradient_is_softmax_less_onehot() -> None:
    x = ga.input("x", LOGITS.shape, "float64")
    gradient = ga.grad(F.cross_entropy(x, LABELS), x)
    expected = (special.softmax(LOGITS, 1) - np.eye(4)[LABELS]) / 6
    np.testing.assert_allclose(ga.evaluate(gradient, {x: LOGITS}), expected, atol=1e-14)
    assert not any(isinstance(node.kind, Gather | Scatter) for node in topological([gradient]))


def test_cross_entropy_differentiates_twice() -> None:
    """The Hessian by the logits is diag(s) - s s^T with s = softmax, whatever the label."""
    x = ga.input("x", (4,), "float64")
    s = special.softmax(LOGITS[0])
    found = ga.evaluate(ga.hessian(F.cross_entropy(x, np.array(2)), x), {x: LOGITS[0]})
    np.testing.assert_allclose(found, np.diag(s) - np.outer(s, s), atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cross_entropy_of_huge_logits(dtype: str) -> None:
    huge = np.array([[0.0, 1e4, -1e4], [3e38, -3e38, 0.0]], dtype)
    x = ga.input("x", huge.shape, dtype)
    loss = F.cross_entropy(x, [0, 0], reduction="none")
    value, gradient = ga.evaluate([loss, ga.grad(ga.sum(loss), x)], {x: huge})
    np.testing.assert_array_equal(value, np.array([1e4, 0.0], dtype))
    np.testing.assert_array_equal(gradient, [[-1, 1, 0], [0, 0, 0]])


def test_cross_entropy_keeps_small_losses() -> None:
    """log(1 + exp(-20)) is 2e-9: the greatest logit is taken off before the sum, and nothing is added back."""
    value = ga.evaluate(F.cross_entropy(np.array([20.0, 0.0], np.float64), np.array(0)))
    np.testing.assert_allclose(value, np.log1p(np.exp(-20.0)), rtol=1e-6)


@pytest.mark.parametrize("label", [-1, 4])
def test_a_label_out_of_range_stops_the_run(label: int) -> None:
    with pytest.raises(Exception, match="out of range"):
        ga.evaluate(F.cross_entropy(LOGITS, np.full(6, label)))
    with pytest.raises(Exception, match="out of range"):
        ga.evaluate(F.multi_margin_loss(LOGITS, np.full(6, label)))


def test_an_ignored_label_may_lie_out_of_range() -> None:
    labels = np.where(LABELS[0] == LABELS, -100, LABELS)
    found = ga.evaluate(F.cross_entropy(LOGITS, labels, ignore_index=-100))
    kept = labels != -100
    np.testing.assert_allclose(found, ga.evaluate(F.cross_entropy(LOGITS[kept], labels[kept])))


def test_binary_cross_entropy_of_huge_logits() -> None:
    x = np.array([1e4, -1e4, 1e4], np.float32)
    target = np.array([1, 1, 0], np.float32)
    found = ga.evaluate(F.binary_cross_entropy_with_logits(x, target, reduction="none"))
    np.testing.assert_array_equal(found, np.array([0, 1e4, 1e4], np.float32))


def test_hinge_loss() -> None:
    x, target = np.array([2.0, 0.5, -1.0]), np.array([1.0, 1.0, 1.0])
    np.testing.assert_allclose(ga.evaluate(F.hinge_loss(x, target, reduction="none")), [0, 0.5, 2])


def test_int32_labels_and_a_batch_of_any_size() -> None:
    x, t = ga.input("x", ("N", 4)), ga.input("t", ("N",), "int32")
    loss = F.cross_entropy(x, t)
    for n in (1, 5):
        values = LOGITS[:n].astype(np.float32)
        found = ga.evaluate(loss, {x: values, t: LABELS[:n].astype(np.int32)})
        expected = -special.log_softmax(values, 1)[np.arange(n), LABELS[:n]].mean()
        np.testing.assert_allclose(found, expected, rtol=1e-6)


X = ga.input("x", ("N", 4))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: F.cross_entropy(X, ga.input("t", ("N",))),
            "labels are int32 or int64, got float32; write labels.astype('int64')",
        ),
        (
            lambda: F.cross_entropy(X, ga.input("t", ("N", 1), "int64")),
            "labels expect shape [N], that of x without its class axis 1, got [N, 1]; squeeze(labels, 1)?",
        ),
        (
            lambda: F.cross_entropy(X, ga.input("t", ("N", 4), "int64")),
            "that of x without its class axis 1, got [N, 4]; argmax(labels, axis=1)?",
        ),
        (lambda: F.cross_entropy(X, [0], "average"), "reduction is 'mean', 'sum' or 'none', got 'average'"),
        (lambda: F.cross_entropy(X, [0], label_smoothing=2), "label_smoothing is in [0, 1], got 2"),
        (
            lambda: F.cross_entropy(X, ga.input("t", ("N",), "int64"), weight=np.ones(3, np.float32)),
            "weight expects float32[4], one number for each class, got float32[3]",
        ),
        (lambda: F.cross_entropy(X, X, ignore_index=1), "ignore_index needs integer labels, got probabilities"),
        (lambda: F.cross_entropy(ga.input("x", ("N", "C")), [0]), "the number of classes (axis 1) is a number, got C"),
        (
            lambda: F.mse_loss(ga.input("x", ("N", 1)), ga.input("t", ("N",))),
            "target expects shape [N, 1], got [N]; reshape one?",
        ),
        (
            lambda: F.mse_loss(X, ga.input("t", ("N", 4), "float64")),
            "target expects float32, got float64; write target.astype('float32')",
        ),
        (lambda: F.multi_margin_loss(X, ga.input("t", ("N",), "int64"), p=3), "p is 1 or 2, got 3"),
    ],
)
def test_what_is_refused(call: Any, text: str) -> None:
    with pytest.raises(ga.GraphadError) as caught:
        call()
    assert text in str(caught.value)
    assert __file__ in str(caught.value)
