"""Kernels that compute row by row, against the reference interpreter: odd widths, both floats, NaN and infinity."""

from collections.abc import Callable

import numpy as np
import pytest

import graphad as ga
from graphad import nn
from graphad.ops.shape import index
from tests.cpu.oracle import agree

RNG = np.random.default_rng(0)
WIDTHS = (64, 65, 79, 256, 1001)


def layer_norm(x: ga.Tensor) -> ga.Tensor:
    centred = x - ga.mean(x, axis=-1, keepdims=True)
    return centred / ga.sqrt(ga.mean(centred * centred, axis=-1, keepdims=True) + 1e-5)


FUNCTIONS: dict[str, Callable[[ga.Tensor], ga.Tensor]] = {
    "softmax": lambda x: nn.functional.softmax(x, 1),
    "log_softmax": lambda x: nn.functional.log_softmax(x, 1),
    "logsumexp": lambda x: ga.logsumexp(x, axis=1),
    "layer norm": layer_norm,
    "range": lambda x: (x - ga.min(x, axis=1, keepdims=True)) / (ga.max(x, axis=1, keepdims=True) + 2),
    "reversed": lambda x: ga.exp(x)[:, ::-1] * ga.sum(ga.exp(x), axis=1, keepdims=True),
    "product": lambda x: x * ga.prod(ga.cos(x), axis=1, keepdims=True) + ga.max(x, axis=1, keepdims=True),
    "across rows": lambda x: (x - ga.max(x, axis=1, keepdims=True)) / ga.sum(ga.exp(x), axis=0, keepdims=True),
}


def rows(width: int, dtype: str) -> np.ndarray:
    """Ordinary rows, and some with NaN, infinities, equal elements."""
    x = RNG.normal(size=(9, width)).astype(dtype)
    x[1, width // 2] = np.nan
    x[2, -1] = np.inf
    x[3] = -np.inf
    x[4, 5] = -np.inf
    x[5] = 1.5
    x[6, 0] = np.nan
    return x


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", WIDTHS)
def test_functions_and_gradients(width: int, dtype: str) -> None:
    x = ga.input("x", ("N", width), dtype)
    d = ga.input("d", ("N", width), dtype)
    outputs = {name: f(x) for name, f in FUNCTIONS.items()}
    for name in ("softmax", "layer norm", "log_softmax"):
        outputs[f"gradient of {name}"] = ga.vjp(outputs[name], x, d)
    args = [(rows(width, dtype)[k:], RNG.normal(size=(9 - k, width)).astype(dtype)) for k in (0, 8)]
    agree([x, d], outputs, *args, rtol=3e-4 if dtype == "float32" else 1e-9, atol=1e-4 if dtype == "float32" else 1e-10)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_in_blocks(dtype: str) -> None:
    """Long rows are stored while the next one is computed: whole blocks of them, parts, and one."""
    x, t = ga.input("x", ("N", 259), dtype), ga.input("t", ("N",), "int64")
    loss = nn.functional.cross_entropy(x, t)
    e = ga.exp(ga.abs(x)[:, ::-1])
    outputs = {
        "softmax": nn.functional.softmax(x, 1),
        "loss": loss,
        "gradient": ga.grad(loss, x),
        "sum first": e / ga.sum(e, axis=1, keepdims=True) * ga.reshape(t.astype(dtype), (-1, 1)),
        "one element": ga.sum(ga.where(index(x.shape, 1) == ga.reshape(t + 100, (-1, 1)), x, 0.0), axis=1),
    }
    data = [(rows(259, dtype)[np.arange(n) % 9], RNG.integers(0, 259, n)) for n in (1, 9, 16, 17, 50)]
    f = agree([x, t], outputs, *data, rtol=3e-4 if dtype == "float32" else 1e-9, atol=1e-5)
    assert "last0 = acc" in str(f.show())
    assert "one0 = select" in str(f.show())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("width", [256, 259])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_alone(name: str, width: int) -> None:
    """What is stored beside the next row, and from where, depends on what else a kernel computes."""
    x = ga.input("x", ("N", width))
    data = [(rows(width, "float32")[np.arange(n) % 9],) for n in (1, 2, 9, 16, 17, 50)]
    agree([x], {name: FUNCTIONS[name](x)}, *data, rtol=3e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 300), (16, 300), (33, 300), (2, 9, 300), (3, 1, 7, 300)], ids=str)
def test_rows_of_known_number(shape: tuple[int, ...]) -> None:
    x, d = ga.input("x", shape), ga.input("d", shape)
    y = nn.functional.softmax(x, -1)
    z = ga.exp(-ga.abs(x)) * (1 + ga.sum(ga.exp(x), axis=-1, keepdims=True))
    outputs = {"softmax": y, "gradient": ga.vjp(y, x, d), "both": z, "its gradient": ga.vjp(z, x, d)}
    agree([x, d], outputs, [RNG.normal(size=shape).astype(np.float32) for _ in "xd"], rtol=3e-5, atol=1e-4)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("offset", [0, 4, 16, 60])
def test_large_rows_that_begin_anywhere(threads: int, offset: int) -> None:
    """Results that pass the caches by begin with a part of a block, which is folded as well."""
    x = ga.input("x", ("N", 1003))
    f = ga.compile([x], nn.functional.softmax(x, 1), threads=threads)
    args = RNG.normal(size=(4500, 1003)).astype(np.float32)
    raw = np.zeros(args.nbytes + 128, np.uint8)
    start = -raw.ctypes.data % 64 + offset
    out = raw[start : start + args.nbytes].view(np.float32).reshape(args.shape)
    f(args, out=out)
    e = np.exp(args - args.max(axis=1, keepdims=True))
    np.testing.assert_allclose(out, e / e.sum(axis=1, keepdims=True), rtol=1e-5)
    assert not raw[:start].any()
    assert not raw[start + args.nbytes :].any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cross_entropy(dtype: str) -> None:
    x, t = ga.input("x", (7, 100), dtype), ga.input("t", (7,), "int64")
    loss = nn.functional.cross_entropy(x, t)
    args = RNG.normal(size=(7, 100)).astype(dtype), RNG.integers(0, 100, 7)
    f = agree([x, t], {"loss": loss, "gradient": ga.grad(loss, x)}, args)
    assert f.show().count("@kernel") <= 4


@pytest.mark.parametrize(("name", "kernels"), [("softmax", 1), ("layer norm", 1), ("logsumexp", 1), ("across rows", 3)])
def test_one_walk_over_memory(name: str, kernels: int) -> None:
    x = ga.input("x", (300, 128))
    assert ga.compile([x], FUNCTIONS[name](x)).show().count("@kernel") <= kernels


def test_rows_of_rows() -> None:
    x = ga.input("x", (3, 1, 4, 70))
    y = nn.functional.softmax(x, 3)
    agree([x], {"y": y, "total": ga.sum(y, axis=(1, 3))}, (RNG.normal(size=(3, 1, 4, 70)).astype(np.float32),))


def test_large_results_have_the_same_bits_on_any_number_of_threads_and_at_any_address() -> None:
    x = ga.input("x", (2100, 521))  # odd: the rows begin at any multiple of four bytes
    y = [nn.functional.softmax(x, 1), ga.exp(x) * 0.5, ga.stack([x * k for k in range(4)], 2)]
    data = RNG.normal(size=x.shape).astype(np.float32)
    alone = ga.compile([x], y, threads=1)(data)
    for found, wanted in zip(alone, ga.evaluate(y, {x: data}), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-9)
    memory = [np.empty(a.size + 1, np.float32) for a in alone]
    out = [m[1:].reshape(a.shape) for m, a in zip(memory, alone, strict=True)]
    for found, wanted in zip(ga.compile([x], y, threads=3)(data, out=out), alone, strict=True):
        np.testing.assert_array_equal(found, wanted)
