"""``nan_guard`` names what made a NaN that reaches a result, on both targets alike, and nothing else; states stay."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import graphad as ga
from graphad import nn, optim

HERE = Path(__file__).name
TARGETS = pytest.mark.parametrize("target", ["cpu", "numpy"])
GUARD = ga.Options(nan_guard=True)


@TARGETS
def test_the_first_node_with_a_nan_is_named(target: str) -> None:
    x, count = ga.input("x", (5, 3)), ga.state("count", np.zeros((), np.float32))
    y = ga.log(x)
    total = ga.sum(y * 2 - ga.sqrt(x))
    f = ga.compile([x], total, updates={count: count + 1}, target=target, options=GUARD)
    values = np.ones((5, 3), np.float32)
    assert f(values) == -15
    values[2, 1] = -1
    made = rf"^the first NaN is made by log\(float32\[5,3\]\), at element 7 of float32\[5,3\] \[.*{HERE}:{y.site.line}"
    with pytest.raises(ga.NanError, match=made):
        f(values)
    assert count.value == 1


@TARGETS
def test_an_argument_comes_before_what_is_made(target: str) -> None:
    x, k = ga.input("x", ("N",)), ga.input("k", ("N",))
    f = ga.compile([x, k], ga.log(x) + k, target=target, options=GUARD)
    given = (
        rf"^the first NaN is in 'k', an argument or parameter, at element 1 of float32\[N\] \[.*{HERE}:{k.site.line}"
    )
    with pytest.raises(ga.NanError, match=given):
        f([-1, 1], [0, np.nan])


@TARGETS
def test_a_state_that_is_nan_is_named(target: str) -> None:
    w = ga.parameter("w", [1.0, np.nan])
    f = ga.compile([], w + 1, target=target, options=GUARD)
    with pytest.raises(ga.NanError, match=r"^the first NaN is in 'w', an argument or parameter, at element 1 of"):
        f()


@TARGETS
def test_a_constant_that_is_not_chosen_is_no_failure(target: str) -> None:
    x = ga.input("x", (2,))
    f = ga.compile([x], ga.where(x > 0, x, np.array([0, np.nan], np.float32)), target=target, options=GUARD)
    np.testing.assert_array_equal(f([1, 2]), [1, 2])
    with pytest.raises(ga.NanError, match=r"^the first NaN is made by where\(.*\), at element 1 of"):
        f([1, -2])

    with pytest.raises(ga.NanError, match=r"at element 1 of float32\[2\], from a NaN written as a constant \["):
        f([1, -2])


X = ga.input("x", (4,))
Y = ga.input("y", (4,))
WIDE = ga.input("wide", ("N", 3), "float64")
IMAGE = ga.input("image", ("N", 1, 6, 6))
NONE = ga.input("none", ("N", 0))
HEALTHY: dict[str, tuple[ga.Tensor, ga.Tensor, Callable[[int], np.ndarray]]] = {
    "the gradient by an exponent": (X, ga.grad(ga.sum((X * X + 1) ** X), X), lambda n: np.arange(4, dtype=np.float32)),
    "a power's gradient by 0 to the 0": (
        X,
        ga.grad(ga.sum(ga.abs(X) ** ga.abs(X)), X),
        lambda n: np.ones(4, np.float32),
    ),
    "a NaN that a mask leaves out": (X, ga.where(X > -9, X, np.nan), lambda n: np.arange(4, dtype=np.float32)),
    "a logarithm that is not chosen": (X, ga.where(X > 0, ga.log(X), 0), lambda n: np.arange(4, dtype=np.float32) - 2),
    "a NaN fill that is cut off": (X, ga.pad(X, 2, np.nan)[2:-2], lambda n: np.ones(4, np.float32)),
    "a NaN that only a comparison reads": (X, (ga.sqrt(X) > 1).astype("float32"), lambda n: -np.ones(4, np.float32)),
    "a masked softmax": (
        WIDE,
        nn.functional.softmax(ga.where(WIDE > 0, WIDE, -np.inf), 1),
        lambda n: np.tile([1.0, -1.0, 2.0], (n, 1)),
    ),
    "a padded max-pool and its gradient": (
        IMAGE,
        ga.grad(ga.sum(nn.functional.max_pool2d(IMAGE, 3, 2, padding=1)), IMAGE),
        lambda n: np.ones((n, 1, 6, 6), np.float32),
    ),
    "infinities": (X, ga.exp(X * 1000) - ga.log(X * 0), lambda n: np.ones(4, np.float32)),
    "a sum of nothing": (NONE, ga.sum(NONE, axis=1), lambda n: np.ones((n, 0), np.float32)),
}


@TARGETS
@pytest.mark.parametrize("case", HEALTHY)
def test_healthy_programs_run(case: str, target: str) -> None:
    x, y, values = HEALTHY[case]
    guarded = ga.compile([x], y, target=target, options=GUARD)
    plain = ga.compile([x], y, target=target)
    for n in (3, 5, 2):  # batches, the last one smaller
        np.testing.assert_array_equal(guarded(values(n)), plain(values(n)))


SICK: dict[str, tuple[ga.Tensor, ga.Tensor, np.ndarray, str]] = {
    "through a view": (X, ga.flip(ga.log(X))[1:], np.float32([1, -1, 1, 1]), r"log\(.*\), at element 1 of"),
    "through a join": (X, ga.concat([X, ga.log(X)]), np.float32([1, 1, -1, 1]), r"log\(.*\), at element 2 of"),
    "through a scan": (X, ga.cumulative_sum(ga.log(X)), np.float32([1, -1, 1, 1]), r"log\(.*\), at element 1 of"),
    "through a backward scan": (
        X,
        ga.cumulative_sum(ga.log(X), reverse=True),
        np.float32([1, 1, -1, 1]),
        r"log\(.*\), at element 2 of",
    ),
    "through a product": (
        WIDE,
        ga.log(WIDE) @ np.ones((3, 2)),
        np.array([[1.0, 1, 1], [1, 1, -1]]),
        r"log\(.*\), at element 5 of",
    ),
    "through a gather": (X, ga.log(X)[np.array([3, 3, 0])], np.float32([1, 1, 1, -1]), r"log\(.*\), at element 3 of"),
    "through a scatter": (
        X,
        ga.vjp(X[np.array([3, 0, 0, 1])], X, ga.log(X)),
        np.float32([1, 1, -1, 1]),
        r"log\(.*\), at element 2 of",
    ),
    "through a fold": (
        X,
        ga.vjp(X[1:3], X, ga.log(X)[:2]),
        np.float32([1, -1, 1, 1]),
        r"log\(.*\), at element 1 of",
    ),
    "past one that is not chosen": (
        X,
        ga.where(X > 0, ga.sqrt(X - 2), ga.log(X)),
        np.float32([3, 3, 1, 3]),
        r"sqrt\(.*\), at element 2 of",
    ),
    "of infinities": (X, ga.exp(X) - ga.exp(X * 2), np.float32([1, 1, 1, 1000]), r"subtract\(.*\), at element 3 of"),
    "of nothing": (NONE, ga.mean(NONE, axis=1), np.ones((2, 0), np.float32), r"divide\(|multiply\("),
    "of a fill value": (X, ga.pad(X, 1, np.nan), np.ones(4, np.float32), r"view\(float32\[4\]\), at element 0 of"),
}


@TARGETS
@pytest.mark.parametrize("case", SICK)
def test_what_made_a_nan_is_named(case: str, target: str) -> None:
    x, y, values, made = SICK[case]
    with pytest.raises(ga.NanError, match=rf"^the first NaN is made by {made}.*{HERE}:"):
        ga.compile([x], y, target=target, options=GUARD)(values)


@TARGETS
def test_an_argument_that_no_result_reads_there_may_be_nan(target: str) -> None:
    f = ga.compile([X, Y], ga.where(X > 0, X, Y), target=target, options=GUARD)
    np.testing.assert_array_equal(f(np.float32([1, 2, 3, 4]), np.full(4, np.nan, np.float32)), [1, 2, 3, 4])
    with pytest.raises(ga.NanError, match=r"^the first NaN is in 'y', an argument or parameter, at element 1 of"):
        f(np.float32([1, -2, 3, 4]), np.full(4, np.nan, np.float32))


@TARGETS
def test_a_constant_result_is_named(target: str) -> None:
    f = ga.compile([X], X * np.nan, target=target, options=GUARD)
    with pytest.raises(
        ga.NanError, match=r"^the first NaN is made by multiply\(.*, from a NaN written as a constant \["
    ):
        f(np.ones(4, np.float32))


@TARGETS
@pytest.mark.parametrize("threads", [1, 2])
def test_a_net_trains_and_stops_before_its_weights_change(target: str, threads: int) -> None:
    """Also where a region of kernels goes through the batch, and its weights' sums end in the update."""
    x, t = ga.input("x", ("N", 1, 8, 8)), ga.input("t", ("N",), "int64")

    def made(options: ga.Options) -> tuple[nn.Module, ga.Function]:
        model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 4))
        loss = nn.functional.cross_entropy(model(x), t)
        updates = optim.SGD(lr=0.1, momentum=0.9).minimize(loss, model.parameters())
        return model, ga.compile([x, t], loss, updates=updates, target=target, threads=threads, options=options)

    model, step = made(GUARD)
    other, plain = made(ga.Options())
    rng = np.random.default_rng(0)
    for n in (16, 16, 5):
        images, labels = rng.normal(size=(n, 1, 8, 8)).astype(np.float32), rng.integers(0, 4, n)
        assert step(images, labels) == plain(images, labels)
    images[3, 0, 2, 2] = np.nan
    before = [p.value for p in model.parameters()]
    with pytest.raises(ga.NanError, match=r"^the first NaN is in 'x', an argument or parameter, at element 210 of"):
        step(images, labels)
    for p, q, old in zip(model.parameters(), other.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.value, old)
        np.testing.assert_array_equal(q.value, old)


def test_a_state_is_named_by_what_makes_its_new_value() -> None:
    count = ga.state("count", np.float32(1))
    f = ga.compile([], [], updates={count: ga.log(count - 2)}, options=GUARD)
    with pytest.raises(
        ga.NanError, match=r"^the first NaN is made by log\(float32\[\]\), at element 0 of float32\[\] \["
    ):
        f()
    assert count.value == 1


def test_the_guard_costs_a_look_at_each_result() -> None:
    """The kernels are those without it; each result is looked at once more."""
    y = ga.sum(ga.exp(X) * ga.log(X) + ga.sqrt(X))
    guarded, plain = (ga.compile([X], y, options=o).specialize() for o in (GUARD, ga.Options()))
    kernels = [str(f.show()).count("\n@kernel") for f in (guarded, plain)]
    assert kernels[0] == kernels[1] + 1
