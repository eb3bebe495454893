"""Views and views of views: slices, flips, pads, dilations, windows, reshapes, and their gradients."""

import numpy as np

import graphad as ga
from graphad import nn
from graphad.runtime import stats
from tests.cpu.oracle import agree

F = nn.functional
RNG = np.random.default_rng(1)


def with_gradients(x: ga.Tensor, found: dict[str, ga.Tensor]) -> dict[str, ga.Tensor]:
    return found | {f"gradient of {n}": ga.grad(ga.sum(ga.sin(y) * y), x) for n, y in found.items()}


def test_of_known_shape() -> None:
    x = ga.input("x", (6, 7, 5), "float64")
    edge = ((1, 1), (1, 1), (1, 1))
    found = {
        "negative steps": x[::-1, ::2, 1:4],
        "a step of -2": x[::-2],
        "flip": ga.flip(x, axis=(0, 2)),
        "pad": ga.pad(x, ((1, 2), (0, 0), (3, 1))),
        "pad, slice, pad": ga.pad(ga.pad(x, edge, constant_values=2.0)[::2], ((0, 0), (2, 2), (0, 0))),
        "permute, flip, map": ga.permute_dims(x, (2, 0, 1))[::-1] + 1,
        "permute, reshape": ga.reshape(ga.permute_dims(x, (2, 0, 1)), (35, 6)),
        "reshape, slice, reshape": ga.reshape(ga.reshape(x, (42, 5))[::3], (7, 10)),
        "pad, reshape, slice": ga.reshape(ga.pad(x, ((1, 0), (0, 0), (0, 0))), (7 * 35,))[3:200:7],
        "stack": ga.stack([x, x * 2], axis=1),
        "concat": ga.concat([x, x[::-1], x * 0], axis=0),
        "concat, slice": ga.concat([x, x], axis=2)[:, :, ::3],
        "broadcast": ga.broadcast_to(x[:1], (4, 7, 5)),
        "broadcast, reshape": ga.reshape(ga.broadcast_to(x[:1], (4, 7, 5)), (28, 5)),
        "pad, reduce": ga.sum(ga.reshape(ga.pad(x, edge), (-1,))),
        "expand": ga.expand_dims(x, axis=1) * ga.expand_dims(x, axis=0)[:, :1],
    }
    agree([x], with_gradients(x, found), [RNG.normal(size=(6, 7, 5))], atol=1e-10)


def test_of_a_symbolic_first_axis_compile_once() -> None:
    x = ga.input("x", ("N", 6, 4), "float64")
    rows = ga.reshape(x, (-1, 24))
    found = {
        "reshape": rows,
        "twice": ga.reshape(rows, (-1, 12, 2)),
        "flat": ga.reshape(x, (-1,)),
        "flat and back": ga.reshape(ga.reshape(x, (-1,)), (-1, 4, 6)),
        "permuted behind": ga.permute_dims(ga.reshape(x, (-1, 4, 6)), (0, 2, 1)),
        "summed": ga.sum(rows, axis=0),
        "two shapes": ga.reshape(x * 2, (-1, 3, 8)) + ga.reshape(x, (-1, 3, 8)),
        "joined": ga.concat([x, x], axis=1),
        "scanned": ga.cumulative_sum(x, axis=0),
    }
    first = agree([x], with_gradients(x, found), [RNG.normal(size=(64, 6, 4))], atol=1e-10)
    made = stats.compiles + stats.cache_hits
    for n in (1, 17, 33, 0):
        first(RNG.normal(size=(n, 6, 4)))
    assert stats.compiles + stats.cache_hits == made


def test_along_a_symbolic_axis() -> None:
    x = ga.input("x", ("N", 3), "float64")
    found = {"concat": ga.concat([x, x + 1], axis=0), "flip": ga.flip(x, axis=0), "stack": ga.stack([x, -x], axis=0)}
    found |= {"transpose": x.T, "gram": x.T @ x, "outer": x @ x.T}
    agree([x], with_gradients(x, found), *([RNG.normal(size=(n, 3))] for n in (5, 1, 40)), atol=1e-10)


def test_pooling_windows_that_overlap() -> None:
    x = ga.input("x", ("N", 2, 7, 6), "float64")
    found = {}
    for kernel, stride, padding in ((2, 2, 0), (3, 2, 1), (3, 1, 0)):
        y, z = F.max_pool2d(x, kernel, stride, padding), F.avg_pool2d(x, kernel, stride, padding)
        g = ga.grad(ga.sum(ga.sin(y)), x)
        tag = f"{kernel} {stride} {padding}"
        found |= {f"max {tag}": y, f"mean {tag}": z, f"max' {tag}": g, f"mean' {tag}": ga.grad(ga.sum(z * z), x)}
        found[f"max'' {tag}"] = ga.grad(ga.sum(g * g), x)
    agree([x], found, *([np.round(RNG.normal(size=(n, 2, 7, 6)), 1)] for n in (3, 1)))


def test_constant_indices_carry_no_check() -> None:
    x = ga.input("x", (5, 6, 3), "float64")
    i = ga.constant(np.array([[0, 4], [2, 2]]))
    found = {f"take {axis}": ga.take(x, i if axis == 1 else i % 3, axis=axis) for axis in range(3)}
    found |= {"twice": ga.take(ga.take(ga.exp(x), i, axis=0), i, axis=2), "none": x[ga.constant(np.zeros(0, np.int64))]}
    values = [RNG.normal(size=(5, 6, 3))]
    f = agree([x], with_gradients(x, {"take": found["take 1"], "twice": found["twice"], "none": found["none"]}), values)
    assert "fail" not in str(f.show())
    agree([x], with_gradients(x, found), values)


def test_gathers_and_their_gradients() -> None:
    x, i = ga.input("x", (5, 6, 3), "float64"), ga.input("i", (2, 4), "int64")
    found = {f"take {axis}": ga.take(x, i, axis=axis) for axis in range(3)}
    found |= {
        "of a map": ga.take(x * 2 + 1, i, axis=1) * 3,
        "rows": x[i],
        "twice": ga.take(ga.take(x, i, axis=0), i, axis=3),
    }
    found["narrow"] = ga.take(x, ga.astype(i, "int32"), axis=1)
    agree([x, i], with_gradients(x, found), [RNG.normal(size=(5, 6, 3)), RNG.integers(-2, 3, size=(2, 4))])
