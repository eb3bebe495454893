"""Updates are simultaneous, and outputs may be anything: inputs, states, constants, one tensor twice."""

from collections.abc import Callable

import numpy as np
import pytest

import graphad as ga
from tests.cpu.oracle import same


class Model:
    """States whose new values need each other's old ones."""

    def __init__(self, target: str, threads: int = 1) -> None:
        self.a = ga.parameter("a", np.arange(4, dtype=np.float32))
        self.b = ga.parameter("b", 10 + np.arange(4, dtype=np.float32))
        self.m = ga.parameter("m", np.arange(9, dtype=np.float32).reshape(3, 3))
        self.s = ga.state("s", np.zeros((), np.float32))
        x = ga.input("x", (4,))
        outputs = [self.a, self.b * 2, self.m @ self.m, self.s, self.a + x, ga.sum(self.m), self.m.T]
        updates = {self.a: self.b, self.b: self.a, self.m: self.m.T, self.s: self.s + ga.sum(x * self.a)}
        self.step = ga.compile([x], outputs, updates=updates, target=target, threads=threads)

    def values(self) -> list[np.ndarray]:
        return [s.value for s in (self.a, self.b, self.m, self.s)]


@pytest.mark.parametrize("threads", [1, 2])
def test_updates_that_need_each_others_old_values(threads: int) -> None:
    found, wanted = Model("cpu", threads), Model("numpy")
    for i in range(3):
        x = np.full(4, i, np.float32)
        same(found.step(x), wanted.step(x), [f"output {k}" for k in range(7)])
        same(found.values(), wanted.values(), "abms")


def test_a_swap_swaps_on_both_targets() -> None:
    for target in ("cpu", "numpy"):
        model = Model(target)
        model.step(np.zeros(4, np.float32))
        assert model.a.value[0] == 10
        assert model.b.value[0] == 0


UPDATES: dict[str, tuple[Callable[[ga.Tensor], ga.Tensor], Callable[[np.ndarray], np.ndarray]]] = {
    "in place": (lambda m: m * 0.5 + 1, lambda m: m * np.float32(0.5) + 1),
    "transposed": (lambda m: m.T + 0, lambda m: m.T),
    "flipped, with a sum of itself": (lambda m: m[::-1] + ga.sum(m), lambda m: m[::-1] + m.sum()),
    "scanned": (lambda m: ga.cumulative_sum(m, axis=0), lambda m: m.cumsum(0)),
    "squared as a matrix": (lambda m: m @ m, lambda m: m @ m),
    "epilogue of its own product": (lambda m: m - m @ m, lambda m: m - m @ m),
    "centred": (lambda m: m - ga.mean(m, axis=0), lambda m: m - m.mean(0)),
}


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_by_any_kind_of_kernel(name: str) -> None:
    new, meaning = UPDATES[name]
    m = ga.parameter("m", np.random.default_rng(0).normal(size=(40, 40)).astype(np.float32))
    f = ga.compile([], {"old": m, "new": new(m)}, updates={m: new(m)}, threads=2)
    before = m.value
    result = f()
    np.testing.assert_array_equal(result["old"], before)
    np.testing.assert_allclose(m.value, meaning(before), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(result["new"], m.value)


def test_outputs_may_be_leaves_constants_and_one_tensor_twice() -> None:
    x, p = ga.input("x", (4, 3)), ga.parameter("p", np.ones((4, 3), np.float32))
    c = ga.constant(np.arange(12, dtype=np.float32).reshape(4, 3))
    y = x + 1
    outputs = [x, p, c, y, y, y * 2, x, ga.constant(3.0), c.T, c @ x.T]
    value = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    found = ga.compile([x], outputs)(value)
    same(found, ga.compile([x], outputs, target="numpy")(value), [str(i) for i in range(10)])
    found[0][...] = 0
    found[1][...] = 7
    assert p.value[0, 0] == 1
    assert value.any()
