"""What an array function gives or refuses does not depend on the target, nor on how a default is written."""

import contextlib
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad import nn
from tests.cpu.oracle import same

TARGETS = pytest.mark.parametrize("target", ["cpu", "numpy"])
MAKERS: dict[str, tuple[Callable[..., ga.Tensor], str]] = {
    "zeros": (lambda **k: ga.zeros((2,), **k), "float32"),
    "ones": (lambda **k: ga.ones((2,), **k), "float32"),
    "full of a float": (lambda **k: ga.full((2,), 1.5, **k), "float32"),
    "full of an int": (lambda **k: ga.full((2,), 1, **k), "int64"),
    "eye": (lambda **k: ga.eye(2, **k), "float32"),
    "arange": (lambda **k: ga.arange(4, **k), "int64"),
    "arange of floats": (lambda **k: ga.arange(0, 1, 0.25, **k), "float32"),
    "one_hot": (lambda **k: ga.one_hot([1], 3, **k), "float32"),
    "zeros_like": (lambda **k: ga.zeros_like(np.zeros(2), **k), "float64"),
    "ones_like": (lambda **k: ga.ones_like(np.zeros(2, np.int32), **k), "int32"),
    "full_like": (lambda **k: ga.full_like(np.zeros(2, np.int32), 3, **k), "int32"),
    "input": (lambda **k: ga.input("x", (2,), **k), "float32"),
    "constant": (lambda **k: ga.constant([1, 2], **k), "int64"),
}


@pytest.mark.parametrize("name", MAKERS)
def test_no_dtype_is_the_default(name: str) -> None:
    make, dtype = MAKERS[name]
    assert make(dtype=None).dtype == make().dtype == dtype


def test_astype_none_is_float32() -> None:
    assert ga.astype([1, 2], None).dtype == "float32"


RANGES = [(5,), (0,), (2, 5), (5, 2), (2, 11, 3), (11, 2, -4), (-3, 3), (0, 1, 0.3), (1.5, 4.5), (3, -1, -0.5)]


@pytest.mark.parametrize("bounds", RANGES)
def test_arange_as_numpy(bounds: tuple[float, ...]) -> None:
    found, wanted = ga.evaluate(ga.arange(*bounds)), np.arange(*bounds)
    assert found.dtype == ("float32" if wanted.dtype == np.float64 else wanted.dtype)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert ga.arange(*bounds, dtype="float64").dtype == "float64"


@TARGETS
def test_arange_between_sizes(target: str) -> None:
    x = ga.input("x", ("N",))
    n = x.shape[0]
    outputs = [ga.arange(n), ga.arange(2, n), ga.arange(n, -1, -2), ga.arange("N", dtype="float64")]
    f = ga.compile([x], outputs, target=target)
    for found, wanted in zip(
        f(np.zeros(7, np.float32)), [range(7), range(2, 7), range(7, -1, -2), range(7)], strict=True
    ):
        np.testing.assert_array_equal(found, list(wanted))
    with pytest.raises(ga.ShapeError, match="negative"):
        f(np.zeros(1, np.float32))


@TARGETS
def test_integers_to_negative_powers(target: str) -> None:
    x, y = ga.input("x", ("N",), "int64"), ga.input("y", ("N",), "int64")
    found = ga.compile([x, y], x**y, target=target)([2, 1, -1, -1, 0, 0, 3, -2], [-1, -3, -3, -2, -1, 0, 4, 3])
    np.testing.assert_array_equal(found, [0, 1, -1, 1, 0, 1, 81, -8])
    for y in (-1, np.array([2, -1])):
        with pytest.raises(ga.DTypeError, match="integers have no negative powers"):
            x[:2] ** y


WINDOWS: dict[str, Callable[[ga.Tensor], ga.Tensor]] = {
    "convolution": lambda x: nn.functional.conv2d(x, np.ones((1, 1, 3, 3), np.float32)),
    "strided convolution": lambda x: nn.functional.conv2d(x, np.ones((1, 1, 3, 3), np.float32), stride=2),
    "dilated convolution": lambda x: nn.functional.conv2d(x, np.ones((1, 1, 2, 2), np.float32), dilation=2),
    "padded pooling": lambda x: nn.functional.max_pool2d(x, 5, 5, padding=1),
    "average pooling": lambda x: nn.functional.avg_pool2d(x, 3, 3),
}


@TARGETS
@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_larger_than_a_named_size_is_refused_at_the_call(name: str, target: str) -> None:
    x = ga.input("x", (1, 1, "H", 7))
    f = ga.compile([x], WINDOWS[name](x), target=target)
    assert f(np.ones((1, 1, 3, 7), np.float32)).shape[2] == 1
    for height in (2, 1, 0):
        with pytest.raises(ga.ShapeError, match=r"a window does not fit.*test_targets_agree"):
            f(np.ones((1, 1, height, 7), np.float32))


INDEXED: dict[str, tuple[Callable[..., ga.Tensor], list[int], str]] = {
    "one axis": (lambda x, i: x[:, i], [0, -5], "index -5 is out of range -4 to 3"),
    "one axis, above": (lambda x, i: x[:, i], [4, 0], "index 4 is out of range -4 to 3"),
    "take": (lambda x, i: ga.take(x, i, axis=1), [0, -7], "index -7 is out of range -4 to 3"),
    "a named size": (lambda x, i: x[i], [1, -4], "index -4 is out of range -3 to 2"),
    "two axes": (lambda x, i: x[i, i], [1, 3], "index 3 is out of range -3 to 2"),
    "two axes, the first": (lambda x, i: x[i, 0 * i], [-5, 1], "index -5 is out of range -3 to 2"),
    "beside a list": (lambda x, i: x[[0, 1], i], [-6, 1], "index -6 is out of range -4 to 3"),
    "along an axis": (
        lambda x, i: ga.take_along_axis(x[:2], i[:, None], 1),
        [0, -5],
        "index -5 is out of range -4 to 3",
    ),
    "a class": (lambda x, i: ga.one_hot(i, 3), [0, -1], "index or label -1 is out of range 0 to 2"),
    "a gradient": (lambda x, i: ga.grad(ga.sum(ga.sin(x[:, i])), x), [0, -5], "index -5 is out of range -4 to 3"),
}


@TARGETS
@pytest.mark.parametrize("name", INDEXED)
def test_an_index_is_reported_as_written(name: str, target: str) -> None:
    build, places, message = INDEXED[name]
    x, i = ga.input("x", ("N", 4)), ga.input("i", (2,), "int64")
    with pytest.raises(ga.IndexRangeError, match=rf"\): {message} \[.*test_targets_agree"):
        ga.compile([x, i], build(x, i), target=target)(np.ones((3, 4), np.float32), places)


DTYPES = ("bool", "int32", "int64", "float32", "float64")
SHAPES = ((2, 3), (0, 3), (2, 0), ())
UNARY = [
    *(ga.abs, ga.sign, ga.square, ga.negative, ga.floor, ga.round, ga.exp, ga.log, ga.sqrt, ga.reciprocal, ga.tanh),
    *(ga.logical_not, ga.isnan, ga.isfinite, ga.relu, lambda x: x.astype("int32"), lambda x: x.astype("bool")),
    *(lambda x: ga.clip(x, -1, 1), lambda x: ga.tril(x, -1), lambda x: ga.triu(x), ga.sum, ga.prod, ga.any, ga.all),
    *(lambda x, f=f, a=a: f(x, axis=a) for f in (ga.sum, ga.prod, ga.max, ga.min, ga.mean, ga.any) for a in (0, -1)),
    *(lambda x, f=f: f(x, axis=-1) for f in (ga.argmax, ga.argmin, ga.cumulative_sum, ga.cumulative_prod)),
    *(ga.std, ga.var, ga.logsumexp, ga.count_nonzero, ga.flip, lambda x: x[-1], lambda x: x[..., -1], lambda x: x[5:]),
    *(lambda x: ga.take(x, [-1, 0]), lambda x: ga.stack([x, x], -1), lambda x: ga.pad(x, 1), lambda x: x.reshape(-1)),
]
BINARY = [
    *(ga.add, ga.subtract, ga.multiply, ga.divide, ga.floor_divide, ga.remainder, ga.maximum, ga.minimum, ga.equal),
    *(ga.less, ga.greater_equal, ga.not_equal, ga.logical_and, ga.logical_xor, ga.atan2, ga.hypot, ga.logaddexp),
    *(lambda x, y: ga.where(x > 0, x, y), lambda x, y: x @ y.T, ga.vecdot, lambda x, y: ga.concat([x, y])),
]


def built(calls: list[Callable[[], Any]]) -> list[ga.Tensor]:
    """Those that may be written; the others are refused then, by an error of graphad's."""
    found = []
    for call in calls:
        with contextlib.suppress(ga.GraphadError):
            found.append(call())
    return found


def both(inputs: list[ga.Tensor], outputs: list[ga.Tensor]) -> None:
    rng = np.random.default_rng(3)
    args = [
        (rng.integers(-3, 4, x.shape) if x.dtype != "float32" else rng.normal(size=x.shape)).astype(x.dtype)
        for x in inputs
    ]
    names = [f"{i}: {y!r}" for i, y in enumerate(outputs)]
    found, wanted = (ga.compile(inputs, outputs, target=t)(*args) for t in ("cpu", "numpy"))
    same(found, wanted, names, rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_targets_agree_on_one_operand_of_any_dtype_and_shape(shape: tuple[int, ...]) -> None:
    inputs = [ga.input(f"x{i}", shape, d) for i, d in enumerate(DTYPES)]
    outputs = built([lambda f=f, x=x: f(x) for f in UNARY for x in inputs])
    assert len(outputs) > 60
    both(inputs, outputs)


@pytest.mark.parametrize("shape", SHAPES[:2])
def test_targets_agree_on_mixed_dtypes(shape: tuple[int, ...]) -> None:
    inputs = [ga.input(f"x{i}", shape, d) for i, d in enumerate(DTYPES)]
    pairs = itertools.combinations_with_replacement(inputs, 2)
    both(inputs, built([lambda f=f, x=x, y=y: f(x, y) for x, y in pairs for f in BINARY]))
