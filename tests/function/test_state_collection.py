"""Next values of states: collected by compile, simultaneous, overruled by updates, advanced by calls alone."""

from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad import nn, optim

TARGETS = pytest.mark.parametrize("target", ["cpu", "numpy"])


def counter(name: str = "n", value: int = 0, step: int = 1) -> ga.State:
    state = ga.state(name, value)
    state.next = state + step
    return state


@TARGETS
def test_a_state_that_is_read_moves_on(target: str) -> None:
    n, x = counter(), ga.input("x", ("N",))
    f = ga.compile([x], x + n, target=target)
    assert [f([1.0]).item() for _ in range(3)] == [1, 2, 3]
    assert n.value == 3


@TARGETS
def test_states_move_at_once_and_what_next_values_read_moves_too(target: str) -> None:
    a, b, unread = ga.state("a", 1.0), ga.state("b", 2.0), counter("unread")
    a.next, b.next = b + 0, a + 0
    f = ga.compile([], a * 1, target=target)  # reads a, whose next value reads b
    f()
    assert (a.value, b.value) == (2, 1)
    f()
    assert (a.value, b.value) == (1, 2)
    assert unread.value == 0


@TARGETS
def test_a_step_returns_the_loss_before_all_its_updates(target: str) -> None:
    n, w = counter(value=1), ga.parameter("w", [2.0])
    loss = ga.sum(w * w) * n
    step = ga.compile([], loss, updates=optim.SGD(lr=0.25).minimize(loss, [w]), target=target)
    assert step() == 4
    assert (n.value, w.value.item()) == (2, 1.0)
    assert step() == 2


@TARGETS
def test_updates_of_ones_own_win(target: str) -> None:
    n = counter()
    ga.compile([], n * 2, updates={n: n + 10}, target=target)()
    assert n.value == 10
    ga.compile([], n * 2, updates={n: n}, target=target)()
    assert n.value == 10


def test_an_update_reads_too() -> None:
    n, w = counter(), ga.parameter("w", 0.0)
    ga.compile([], [], updates={w: w + n.astype("float32")}, target="numpy")()
    assert n.value == 1


def test_an_updated_state_that_nobody_reads_is_not_read() -> None:
    n = counter()
    ga.compile([], [], updates={n: ga.constant(5)}, target="numpy")()
    assert n.value == 5


def test_evaluate_and_probe_advance_nothing() -> None:
    n = counter()
    y = (n * 2).named("y")
    assert ga.evaluate(y) == ga.evaluate(y) == 0
    f = ga.compile([], y + 1, target="numpy")
    f.probe("y")()
    f.cost_at()
    assert n.value == 0
    f()
    assert n.value == 1


def test_profiling_advances_nothing() -> None:
    n = counter()
    ga.compile([], n * 2).profile(repeats=2)
    assert n.value == 0


@TARGETS
def test_what_is_computed_can_advance_a_state_it_does_not_read(target: str) -> None:
    x, mean = ga.input("x", ("N", 2)), ga.state("mean", np.zeros(2, np.float32))
    batch = ga.mean(x, axis=0)
    y = mean.advance(0.5 * mean + 0.5 * batch, x - batch)
    loss = ga.sum(y * y)
    f = ga.compile([x], [loss, ga.grad(loss, x)], target=target)
    value = np.array([[1, 2], [3, 6]], np.float32)
    before = np.zeros(2, np.float32)
    for _ in range(2):
        found, gradient = f(value)
        assert found == 10
        np.testing.assert_allclose(gradient, 2 * (value - value.mean(0)))
        before = 0.5 * before + 0.5 * value.mean(0)
        np.testing.assert_array_equal(mean.value, before)
    ga.compile([x], x - mean, target=target)(value)  # reads it, moves nothing
    np.testing.assert_array_equal(mean.value, before)


def test_each_function_advances_by_what_it_computes() -> None:
    """One layer in two functions: neither takes the other's next value."""
    last = ga.state("last", 0.0)

    def keep(x: ga.Tensor) -> ga.Tensor:
        return last.advance(ga.sum(x), 2 * x)

    x, z = ga.input("x", (2,)), ga.input("z", (1,))
    f, g = ga.compile([x], keep(x), target="numpy"), ga.compile([z], keep(z), target="numpy")
    f([1.0, 2.0])
    assert last.value == 3
    g([7.0])
    assert last.value == 7


def test_two_next_values_are_a_conflict() -> None:
    n, x = ga.state("n", 0.0), ga.input("x", ())
    y = n.advance(x, x + 1) * n.advance(x * 2, x + 2)
    with pytest.raises(ga.GraphError, match=r"state 'n' has two next values, of .* say which with updates=\{n: ...\}"):
        ga.compile([x], y)
    ga.compile([x], y, updates={n: x * 3}, target="numpy")(1.0)
    assert n.value == 3


def test_a_next_value_with_an_input_that_is_missing() -> None:
    n, x = ga.state("n", 0.0), ga.input("x", ())
    n.next = n + x
    with pytest.raises(ga.GraphError) as caught:
        ga.compile([], n * 2)
    assert f"the next value of state 'n' ({__file__}:" in str(caught.value)
    assert (
        "needs input 'x', which is not among the inputs; add it, or leave the state as it is, updates={n: ...}"
        in str(caught.value)
    )
    assert ga.compile([], n * 2, updates={n: n}, target="numpy")() == 0


@pytest.mark.parametrize(
    ("new", "error", "text"),
    [
        (3, ga.GraphError, "the new value of 'n' is a tensor, got 3"),
        (ga.constant([1, 2]), ga.ShapeError, "the new value of <state 'n': int64[]> has another shape: int64[2]"),
        (ga.constant(1.0), ga.DTypeError, "has dtype float32; write .astype('int64')"),
    ],
)
def test_a_next_value_that_does_not_fit(new: Any, error: type[Exception], text: str) -> None:
    n = ga.state("n", 0)
    with pytest.raises(error) as caught:
        n.next = new
    assert text in str(caught.value)
    assert f"[{__file__}:" in str(caught.value)
    with pytest.raises(error):
        n.advance(new, ga.constant(1.0))
    n.next = n + 1
    n.next = None
    ga.compile([], n * 1, target="numpy")()
    assert n.value == 0


def test_vectorize_does_not_choose_among_many_next_values() -> None:
    n, x = ga.state("n", 0.0), ga.input("x", ())
    with pytest.raises(ga.GraphError, match="it advances state 'n', which has one next value"):
        ga.vectorize(n.advance(x, x * 2), {x: ga.input("xs", ("B",))})


def test_a_layers_states_go_out_and_in_as_torchs_buffers() -> None:
    class Normal(nn.Module):
        def __init__(self) -> None:
            self.running_mean = ga.state("running_mean", np.zeros(2, np.float32))
            self.weight = ga.parameter("weight", np.ones(2, np.float32))

        def forward(self, x: ga.Tensor) -> ga.Tensor:
            mean = ga.mean(x, axis=0)
            return self.running_mean.advance(0.9 * self.running_mean + 0.1 * mean, (x - mean) * self.weight)

    def model() -> nn.Sequential:
        return nn.Sequential(nn.Linear(2, 2, bias=False), Normal(), seed=0)

    first, x = model(), ga.input("x", ("N", 2))
    assert list(first.state_dict()) == ["0.weight", "1.weight", "1.running_mean"]
    assert list(first.named_parameters()) == ["0.weight", "1.weight"]
    assert [s.name for s in first.states()] == ["running_mean"]
    ga.compile([x], first(x), target="numpy")([[1.0, 2.0]])
    assert first.state_dict()["1.running_mean"].any()
    second = model()
    second.load_state_dict(first.state_dict())
    np.testing.assert_array_equal(second.state_dict()["1.running_mean"], first.state_dict()["1.running_mean"])
    with pytest.raises(nn.StateError, match=r"missing '1.running_mean'"):
        second.load_state_dict({k: v for k, v in first.state_dict().items() if "running" not in k})
