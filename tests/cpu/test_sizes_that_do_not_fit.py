"""Sizes known only at a call: what does not take them is refused by name and line, before memory is read."""

from collections.abc import Callable

import numpy as np
import pytest

import graphad as ga

HERE = "test_sizes_that_do_not_fit.py"
CASES: list[Callable[[ga.Tensor], ga.Tensor]] = [
    lambda a: a[5],
    lambda a: a[-4],
    lambda a: a[1:5],
    lambda a: a[4:],
    lambda a: ga.grad(a[5] * a[5], a),
    lambda a: ga.nn.functional.max_pool1d(ga.reshape(a, (1, 1, -1)), 5, 1),
]


@pytest.mark.parametrize("target", ["cpu", "numpy"])
@pytest.mark.parametrize("case", CASES)
def test_a_view_beyond_its_operand(case: Callable[[ga.Tensor], ga.Tensor], target: str) -> None:
    a = ga.input("a", ("N",))
    f = ga.compile([a], case(a), target=target)
    with pytest.raises(ga.ShapeError, match=rf"view\(.*{HERE}:\d+"):
        f(np.arange(100, dtype=np.float32)[:3])


@pytest.mark.parametrize("reduce", [ga.max, ga.min, ga.argmax])
def test_an_extreme_of_nothing(reduce: Callable[[ga.Tensor], ga.Tensor]) -> None:
    a = ga.input("a", ("N",))
    for target in ("cpu", "numpy"):
        f = ga.compile([a], reduce(a), target=target)
        with pytest.raises(ga.ShapeError, match="of no elements has no value"):
            f(np.zeros(0, np.float32))


def test_it_says_the_sizes_and_the_layer() -> None:
    image = ga.input("image", ("N", 1, "H", "W"))
    model = ga.nn.Sequential(ga.nn.Conv2d(1, 2, 5), ga.nn.MaxPool2d(2))
    f = ga.compile([image], model(image))
    with pytest.raises(ga.ShapeError, match=rf"in layer '0': does not take .*H=3, .*pass arguments .*{HERE}:\d+"):
        f(np.zeros((2, 1, 3, 3), np.float32))
    assert f(np.zeros((2, 1, 8, 8), np.float32)).shape == (2, 2, 2, 2)


def test_a_pass_that_cannot_be_left_out_is_refused_at_compile() -> None:
    x = ga.input("x", ())
    with pytest.raises(ga.GraphError, match=rf"'fuse' cannot be left out; fold_constants, .* can \[.*{HERE}"):
        ga.compile([x], x, options=ga.Options(disable=("fuse",)))


def test_a_cycle_is_called_one() -> None:
    x = ga.input("x", ())
    y = ga.sin(x)
    z = y * y
    y.operands = (z,)
    for ask in (lambda: ga.grad(z, x), lambda: ga.compile([x], z), lambda: ga.evaluate(z, {x: 1.0})):
        with pytest.raises(ga.GraphError, match=r"the graph is cyclic: .* needs itself"):
            ask()
