"""What all optimisers share: run-time rates, states by name, simultaneous updates, and what they refuse."""

from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad import nn, optim


def quadratic(value: Any) -> tuple[ga.Parameter, ga.Tensor]:
    w = ga.parameter("w", np.asarray(value, np.float32))
    return w, ga.sum(w * w) / 2


def test_the_rate_changes_without_compiling() -> None:
    w, loss = quadratic([8.0])
    optimizer = optim.SGD(lr=0.5)
    step = ga.compile([], loss, updates=optimizer.minimize(loss, [w]), target="numpy")
    assert step() == 32  # the loss before the update
    assert w.value == 4
    optimizer.lr = 0.25
    step()
    assert w.value == 3
    optimizer.lr.value = np.float64(1.0)
    step()
    assert w.value == 0
    assert float(optimizer.lr.value) == 1.0


def test_a_float64_parameter_sees_a_float64_rate() -> None:
    w = ga.parameter("w", np.array([1.0]))
    updates = optim.SGD(lr=0.1).minimize(ga.sum(w), [w])
    assert ga.evaluate(updates[w]) == 1.0 - 0.1


def test_states_have_the_parameters_names() -> None:
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False))
    loss = ga.sum(model(ga.input("x", ("N", 2))))
    adam = optim.Adam()
    adam.minimize(loss, model.parameters())
    assert list(adam.state_dict()) == [
        "lr", "steps", "mean.0.weight", "variance.0.weight", "mean.1.weight", "variance.1.weight",
    ]  # fmt: skip


def test_two_parameters_of_one_name_are_told_apart() -> None:
    a, b = ga.parameter("w", [1.0]), ga.parameter("w", [2.0])
    sgd = optim.SGD(lr=1.0, momentum=0.5)
    sgd.minimize(ga.sum(a * b), [a, b])
    assert list(sgd.state_dict()) == ["lr", "momentum.w", "momentum.w~2"]


def test_plain_descent_keeps_no_state() -> None:
    w, loss = quadratic([1.0])
    assert list(optim.SGD(lr=0.1).minimize(loss, [w])) == [w]


def test_a_loaded_optimiser_goes_on_as_the_saved_one() -> None:
    def run(optimizer: optim.Optimizer, w: ga.Parameter, loss: ga.Tensor, steps: int) -> None:
        step = ga.compile([], loss, updates=optimizer.minimize(loss, [w]), target="numpy")
        for _ in range(steps):
            step()

    w, loss = quadratic([3.0, -1.0])
    adam = optim.Adam(lr=0.1)
    run(adam, w, loss, 3)
    copy, copys_loss = quadratic(w.value)
    other = optim.Adam(lr=9.0)
    other.minimize(copys_loss, [copy])
    other.load_state_dict(adam.state_dict())
    run(adam, w, loss, 3)
    run(other, copy, copys_loss, 3)
    np.testing.assert_array_equal(copy.value, w.value)


def test_nothing_is_loaded_unless_all_fits() -> None:
    w, loss = quadratic([1.0])
    sgd = optim.SGD(lr=0.1, momentum=0.9)
    with pytest.raises(nn.StateError, match=r"^SGD.load_state_dict: unexpected 'momentum.w'; nothing was loaded$"):
        sgd.load_state_dict({"lr": 5.0, "momentum.w": np.ones(1)})  # before minimize has made it
    assert sgd.lr.value == 0.1
    sgd.minimize(loss, [w])
    sgd.load_state_dict({"lr": 5.0, "momentum.w": np.ones(1)})
    assert sgd.lr.value == 5


def test_gradients_of_ones_own() -> None:
    w, loss = quadratic([3.0, 4.0])
    clipped = optim.clip_by_global_norm({w: ga.grad(loss, w)}, 2.5)
    np.testing.assert_allclose(ga.evaluate(optim.SGD(lr=1.0).updates(clipped)[w]), [1.5, 2.0], rtol=1e-6)


def test_a_short_gradient_is_not_clipped() -> None:
    a, b = ga.parameter("a", [0.3]), ga.parameter("b", [[0.4]])
    gradients = ga.grad(ga.sum(a * a) + ga.sum(b * b), {"a": a, "b": b})
    found = optim.clip_by_global_norm({a: gradients["a"], b: gradients["b"]}, 5.0)
    assert ga.evaluate(found[a]) == np.float32(0.6)
    norm = ga.evaluate(optim.global_norm({a: gradients["a"], b: gradients["b"]}))
    np.testing.assert_allclose(norm, 1.0, rtol=1e-6)


W = ga.parameter("w", [1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: optim.SGD(lr=-1), "SGD(): lr is in [0, inf), got -1"),
        (lambda: optim.SGD(lr=float("nan")), "SGD(): lr is in [0, inf), got nan"),
        (lambda: optim.SGD(lr="a"), "SGD(): lr is in [0, inf), got 'a'"),  # type: ignore[arg-type]
        (lambda: optim.SGD(lr=None), "SGD(): lr is in [0, inf), got None"),  # type: ignore[arg-type]
        (lambda: optim.SGD(lr=10**400), "SGD(): lr is in [0, inf), got 1000"),
        (lambda: optim.Adam(betas=0.9), "Adam(): betas is a pair of numbers in [0, 1), got 0.9; write (0.9, 0.999)"),  # type: ignore[arg-type]
        (lambda: optim.StepLR(optim.SGD(lr=1), step="a"), "step is above 0, got 'a'"),  # type: ignore[arg-type]
        (lambda: optim.CosineLR(optim.SGD(lr=1), steps="a"), "steps is above 0, got 'a'"),  # type: ignore[arg-type]
        (lambda: optim.clip_by_global_norm({W: W}, "a"), "limit is above 0, got 'a'"),  # type: ignore[arg-type]
        (lambda: optim.SGD(lr=0.1, momentum=-0.5), "SGD(): momentum is in [0, 1), got -0.5"),
        (lambda: optim.SGD(lr=0.1, nesterov=True), "SGD(): nesterov takes a momentum and no dampening"),
        (lambda: optim.Adam(betas=(0.9, 1.0)), "Adam(): betas[1] is in [0, 1), got 1.0"),
        (lambda: optim.AdamW(eps=-1), "AdamW(): eps is in [0, inf), got -1"),
        (lambda: optim.SGD(lr=0.1).minimize(ga.sum(W), []), "SGD(): there are no parameters to update"),
        (
            lambda: optim.SGD(lr=0.1).updates({ga.input("x", (2,)): W}),  # type: ignore[dict-item]
            "updates parameters only; make one with ga.parameter",
        ),
        (lambda: optim.SGD(lr=0.1).updates({W: ga.sum(W)}), "the gradient of 'w' has shape [], expected [2]"),
        (lambda: optim.clip_by_global_norm({W: W}, 0), "limit is above 0, got 0"),
        (lambda: optim.global_norm({}), "there are no gradients"),
        (lambda: optim.StepLR(optim.SGD(lr=1), step=0), "step is above 0, got 0"),
        (lambda: optim.CosineLR(optim.SGD(lr=1), steps=-1), "steps is above 0, got -1"),
    ],
)
def test_what_is_refused(call: Any, text: str) -> None:
    with pytest.raises(ga.GraphadError) as caught:
        call()
    assert text in str(caught.value)
    assert f"[{__file__}:" in str(caught.value)


def test_a_refused_rate_changes_nothing() -> None:
    sgd = optim.SGD(lr=0.5)
    with pytest.raises(ga.GraphError, match="lr is in"):
        sgd.lr = -1.0
    assert sgd.lr.value == 0.5


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1.0])
def test_a_rate_is_finite_however_it_is_set(rate: float) -> None:
    sgd = optim.SGD(lr=0.5)
    with pytest.raises(ga.GraphError) as caught:
        sgd.lr.value = rate
    assert str(caught.value).startswith(f"<state 'lr': float64[]>: lr is in [0, inf), got {rate} [{__file__}:")
    with pytest.raises(nn.StateError) as loading:
        sgd.load_state_dict({"lr": rate})
    expected = f"SGD.load_state_dict: 'lr': lr is in [0, inf), got {rate}; nothing was loaded"
    assert str(loading.value) == expected
    assert sgd.lr.value == 0.5
    sgd.lr.value = 0.25
    assert sgd.lr.value == 0.25


def test_schedules_set_the_rate_and_can_be_asked_for_any_time() -> None:
    sgd = optim.SGD(lr=1.0)
    cosine = optim.CosineLR(sgd, steps=4, minimum=0.2)
    assert [cosine.set(t) for t in (0, 2, 4, 5)] == pytest.approx([1.0, 0.6, 0.2, 0.2])
    assert sgd.lr.value == pytest.approx(0.2)
    assert cosine.rate(0) == 1.0  # the base is the rate when the schedule was made
    step = optim.StepLR(optim.SGD(lr=1.0), step=2.5)
    assert [step.rate(t) for t in (0, 2.4, 2.5, 5)] == pytest.approx([1, 1, 0.1, 0.01])
