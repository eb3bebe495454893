"""Batches in the lanes of vectors: convolutions of all kinds, their gradients and what stands around them."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import graphad as ga
from graphad import nn, optim, specialization
from graphad.compiler.lower.examples import products
from graphad.compiler.lower.examples.near import copied
from graphad.nn import functional
from tests.cpu.oracle import same

LANES = ga.Options(batch="lanes")
ROUNDING = {"float32": (2e-4, 2e-5), "float64": (1e-10, 1e-12)}


def in_lanes(f: ga.Function) -> bool:
    """Whether the kernels go through the batch in lanes."""
    return "for l in lanes(" in str(f.show())


def agree(
    inputs: Sequence[ga.Tensor],
    outputs: Mapping[str, ga.Tensor],
    *calls: Sequence[np.ndarray],
    options: ga.Options = LANES,
    threads: int = 2,
) -> ga.Function:
    """Every output as the interpreter has it, and all of it done in lanes."""
    dtype = next(iter(outputs.values())).dtype
    f = ga.compile(inputs, list(outputs.values()), threads=threads, options=options)
    reference = ga.compile(inputs, list(outputs.values()), target="numpy")
    for args in calls:
        wanted = reference(*args)
        scale = max(float(np.abs(w).max(initial=1)) for w in wanted)
        same(f(*args), wanted, list(outputs), ROUNDING[dtype][0], ROUNDING[dtype][1] * scale)
    assert in_lanes(f)
    return f


def with_gradients(y: ga.Tensor, wrt: Sequence[ga.Tensor]) -> dict[str, ga.Tensor]:
    """The value, and the gradients of a sum that weighs its elements unevenly."""
    gradients = ga.grad(ga.sum(y * ga.sin(y)), list(wrt))
    return {"value": y, **{f"gradient {i}": g for i, g in enumerate(gradients)}}


def values(rng: np.random.Generator, tensors: Sequence[ga.Tensor], batch: int) -> list[np.ndarray]:
    shapes = [tuple(batch if not isinstance(d, int) else d for d in t.shape) for t in tensors]
    return [rng.normal(size=s).astype(t.dtype) for s, t in zip(shapes, tensors, strict=True)]


CASES = {
    "plain": {"size": (9, 8), "channels": 3, "out": 5, "kernel": (3, 3)},
    "padded": {"size": (7, 13), "channels": 2, "out": 4, "kernel": (3, 3), "padding": 1},
    "wide": {"size": (5, 27), "channels": 2, "out": 3, "kernel": (1, 5), "padding": (0, 2)},
    "strided": {"size": (13, 11), "channels": 3, "out": 4, "kernel": (3, 3), "stride": 2, "padding": 1},
    "far apart": {"size": (17, 18), "channels": 3, "out": 2, "kernel": (5, 4), "stride": (4, 3), "padding": 2},
    "dilated": {"size": (11, 12), "channels": 2, "out": 3, "kernel": (3, 3), "dilation": (2, 3), "padding": 2},
    "dilated and strided": {
        "size": (13, 12),
        "channels": 2,
        "out": 3,
        "kernel": (3, 2),
        "dilation": 2,
        "stride": 2,
        "padding": 1,
    },
    "points": {"size": (5, 6), "channels": 17, "out": 5, "kernel": (1, 1)},
    "points apart": {"size": (5, 6), "channels": 3, "out": 5, "kernel": (1, 1), "stride": 2},
    "groups": {"size": (7, 7), "channels": 6, "out": 4, "kernel": (3, 3), "padding": 1, "groups": 2},
    "depthwise": {"size": (8, 9), "channels": 5, "out": 5, "kernel": (3, 3), "padding": 1, "groups": 5},
    "whole": {"size": (5, 5), "channels": 3, "out": 4, "kernel": (5, 5)},
    "large": {"size": (12, 12), "channels": 1, "out": 2, "kernel": (11, 11), "padding": 5},
}


def convolution(case: dict, dtype: str = "float32") -> tuple[list[ga.Tensor], ga.Tensor]:  # type: ignore[type-arg]
    case = dict(case)
    size, channels, out, kernel = (case.pop(k) for k in ("size", "channels", "out", "kernel"))
    x = ga.input("x", ("N", channels, *size), dtype)
    w = ga.input("w", (out, channels // case.get("groups", 1), *kernel), dtype)
    b = ga.input("b", (out,), dtype)
    f = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}[len(size)]
    return [x, w, b], functional.relu(f(x, w, b, **case))


@pytest.mark.parametrize("name", CASES)
def test_convolutions(name: str) -> None:
    inputs, y = convolution(CASES[name])
    rng = np.random.default_rng(0)
    agree(inputs, with_gradients(y, inputs), values(rng, inputs, 5), values(rng, inputs, 37))


@pytest.mark.parametrize("name", CASES)
def test_few_examples(name: str) -> None:
    inputs, y = convolution(CASES[name])
    outputs = with_gradients(y, inputs)
    f = ga.compile(inputs, list(outputs.values()), threads=2)
    reference = ga.compile(inputs, list(outputs.values()), target="numpy")
    for batch in (1, 3):
        args = values(np.random.default_rng(9), inputs, batch)
        wanted = reference(*args)
        scale = max(float(np.abs(w).max()) for w in wanted)
        same(f(*args), wanted, list(outputs), 2e-4, 2e-5 * scale)


@pytest.mark.parametrize(
    "case",
    [
        {"size": (40,), "channels": 2, "out": 3, "kernel": (9,), "stride": 4, "padding": 4},
        {"size": (5, 6, 4), "channels": 2, "out": 3, "kernel": (3, 2, 3), "padding": 1},
    ],
    ids=["1-d", "3-d"],
)
def test_other_dimensions(case: dict) -> None:  # type: ignore[type-arg]
    inputs, y = convolution(case, "float64")
    agree(inputs, with_gradients(y, inputs), values(np.random.default_rng(1), inputs, 11))


@st.composite
def random_case(draw: st.DrawFn) -> dict:  # type: ignore[type-arg]
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    kernel = tuple(draw(st.integers(1, 11)) for _ in range(2))
    dilation = draw(st.sampled_from([1, 1, 2]))
    reach = [(k - 1) * dilation + 1 for k in kernel]
    return {
        "size": tuple(draw(st.sampled_from([7, 13, 27])) + max(0, r - 7) for r in reach),
        "channels": groups * draw(st.sampled_from([1, 3, 5])),
        "out": groups * draw(st.sampled_from([1, 2, 5])),
        "kernel": kernel,
        "stride": tuple(draw(st.integers(1, 4)) for _ in range(2)),
        "padding": tuple(draw(st.integers(0, min(2, r - 1))) for r in reach),
        "dilation": dilation,
        "groups": groups,
    }


@given(random_case(), st.sampled_from([4, 16, 37]))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_convolutions(case: dict, batch: int) -> None:  # type: ignore[type-arg]
    inputs, y = convolution(case)
    agree(inputs, with_gradients(y, inputs), values(np.random.default_rng(2), inputs, batch))


def small_net(dtype: str = "float32") -> tuple[ga.Tensor, ga.Tensor, ga.Tensor, nn.Module]:
    x, t = ga.input("x", ("N", 2, 10, 10), dtype), ga.input("t", ("N",), "int64")
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.Tanh(), nn.MaxPool2d(3, 1),
        nn.Flatten(), nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 3),
    )  # fmt: skip
    return x, t, functional.cross_entropy(model(x), t), model


def step_of(threads: int, options: ga.Options) -> tuple[ga.Function, nn.Module]:
    x, t, loss, model = small_net()
    updates = optim.SGD(lr=0.1, momentum=0.9).minimize(loss, model.parameters())
    return ga.compile([x, t], loss, updates=updates, threads=threads, options=options), model


def trained(threads: int, options: ga.Options, batches: Sequence[int]) -> list[np.ndarray]:
    f, model = step_of(threads, options)
    rng = np.random.default_rng(3)
    losses = [f(rng.normal(size=(n, 2, 10, 10)).astype(np.float32), rng.integers(0, 3, n)) for n in batches]
    return [np.array(losses), *(p.value for p in model.parameters())]


def test_a_training_step_is_the_same_for_any_number_of_threads() -> None:
    batches = (32, 7, 200)
    one, *others = (trained(threads, LANES, batches) for threads in (1, 2, 3))
    for other in others:
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    rows = trained(1, ga.Options(batch="rows"), batches)
    for a, b in zip(one, rows, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("batch", [5, 8, 13])
def test_threads_share_the_loops_of_one_block(batch: int) -> None:
    one, *others = (trained(threads, ga.Options(), (batch, batch)) for threads in (1, 2, 3))
    for other in others:
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    rows = trained(1, ga.Options(batch="rows"), (batch, batch))
    for a, b in zip(one, rows, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("name", ["strided", "depthwise", "wide", "groups", "points"])
def test_one_block(name: str) -> None:
    inputs, y = convolution(CASES[name])
    rng = np.random.default_rng(10)
    for threads in (1, 2):
        agree(
            inputs, with_gradients(y, inputs), values(rng, inputs, 9), values(rng, inputs, 16), options=ga.Options(),
            threads=threads,
        )  # fmt: skip


def test_small_batches_go_row_by_row() -> None:
    f, _ = step_of(1, ga.Options())
    f(np.zeros((2, 2, 10, 10), np.float32), np.zeros(2, np.int64))
    assert "one example a lane" not in f.explain()
    assert "a pixel a lane" in f.explain()
    f(np.zeros((8, 2, 10, 10), np.float32), np.zeros(8, np.int64))
    assert in_lanes(f)


def test_a_label_out_of_range_changes_no_weight() -> None:
    f, model = step_of(2, LANES)
    before = [p.value for p in model.parameters()]
    labels = np.zeros(21, np.int64)
    labels[[18, 20]] = 3, -1
    with pytest.raises(IndexError, match=r"3|-1"):
        f(np.ones((21, 2, 10, 10), np.float32), labels)
    for a, p in zip(before, model.parameters(), strict=True):
        np.testing.assert_array_equal(a, p.value)


def test_what_crosses_the_batch_is_between_two_regions() -> None:
    x, w, v = ga.input("x", ("N", 2, 6, 6)), ga.input("w", (3, 2, 3, 3)), ga.input("v", (2, 3, 3, 3))
    h = functional.conv2d(x, w)
    h = (h - ga.mean(h, axis=0, keepdims=True)) / (ga.std(h, axis=0, keepdims=True) + 0.1)
    y = functional.conv2d(functional.relu(h), v, padding=1)
    agree([x, w, v], with_gradients(y, [x, w, v]), values(np.random.default_rng(4), [x, w, v], 19))


def test_numbers_of_the_examples_around_a_net() -> None:
    x, w, scale = ga.input("x", ("N", 1, 5, 5)), ga.input("w", (2, 1, 3, 3)), ga.input("s", ("N",))
    h = functional.conv2d(x, w) * ga.reshape(scale, (-1, 1, 1, 1))
    outputs = {
        "each": ga.sum(h, axis=(1, 2, 3)),
        "best": ga.argmax(ga.reshape(h, (-1, 18)), axis=1),
        "greatest": ga.max(h, axis=0),
        "places": ga.cumulative_sum(ga.reshape(h, (-1, 18)), axis=1),
        "sign": h > 0,
        "total": ga.sum(h),
    }
    rng = np.random.default_rng(5)
    f = ga.compile([x, w, scale], list(outputs.values()), options=LANES)
    reference = ga.compile([x, w, scale], list(outputs.values()), target="numpy")
    for n in (4, 16, 23):
        args = values(rng, [x, w, scale], n)
        same(f(*args), reference(*args), list(outputs), 1e-4, 1e-4)
    assert in_lanes(f)


def test_a_nan_stays_with_its_example() -> None:
    x, w = ga.input("x", ("N", 1, 6, 6)), ga.input("w", (2, 1, 3, 3))
    y = functional.max_pool2d(functional.conv2d(x, w), 2)
    images = np.ones((18, 1, 6, 6), np.float32)
    images[17] = np.nan
    found = ga.compile([x, w], y, options=LANES)(images, np.ones((2, 1, 3, 3), np.float32))
    assert np.isnan(found[17]).all()
    np.testing.assert_array_equal(found[:17], 9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batches_that_fill_some_lanes(dtype: str) -> None:
    """Of half a vector, of one, of more, and those that are one block of float32 and two of float64."""
    inputs, y = convolution(CASES["plain"], dtype)
    calls = [values(np.random.default_rng(n), inputs, n) for n in (4, 5, 8, 9, 16, 17)]
    for call in calls:
        agree(inputs, with_gradients(y, inputs), call, options=ga.Options())


@pytest.mark.parametrize("batch", [4, 16])
def test_strict_precision_calls_the_c_library(batch: int) -> None:
    x, w = ga.input("x", ("N", 2, 7, 9), "float64"), ga.input("w", (3, 2, 3, 3), "float64")
    c = functional.conv2d(x, w) * 20.0
    f = ga.compile([x, w], [c, ga.sin(c)], options=ga.Options(precision="strict"))
    found, sines = f(*values(np.random.default_rng(1), [x, w], batch))
    np.testing.assert_array_equal(sines, np.vectorize(math.sin)(found))
    assert in_lanes(f)


def test_an_empty_batch() -> None:
    x, w = ga.input("x", ("N", 1, 6, 6)), ga.input("w", (2, 1, 3, 3))
    outputs = [functional.conv2d(x, w), ga.grad(ga.sum(functional.conv2d(x, w)), w)]
    y, g = ga.compile([x, w], outputs, options=LANES)(
        np.zeros((0, 1, 6, 6), np.float32), np.ones((2, 1, 3, 3)).astype("f")
    )
    assert y.shape == (0, 2, 4, 4)
    np.testing.assert_array_equal(g, 0)


@pytest.mark.parametrize("isa", ["sse", "avx2", "avx512", "neon"])
def test_every_instruction_set(isa: str) -> None:
    inputs, y = convolution(CASES["padded"])
    agree(
        inputs,
        with_gradients(y, inputs),
        values(np.random.default_rng(6), inputs, 21),
        options=ga.Options(batch="lanes", isa=isa),
    )  # type: ignore[arg-type]


@pytest.mark.parametrize("batch", [5, 40])
def test_channels_that_crowd_the_cache_are_copied(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(products, "copied", lambda *args: asked.append(args) or copied(*args))
    monkeypatch.setattr(specialization, "compiler_stamp", lambda _: str(asked.append))  # what is known is not lowered
    inputs, y = convolution({"size": (32, 32), "channels": 40, "out": 24, "kernel": (1, 1)})
    args = values(np.random.default_rng(9), inputs, batch)
    agree(inputs, with_gradients(y, inputs), args, options=LANES if batch > 16 else ga.Options())
    assert asked


@pytest.mark.parametrize("batch", [4, 9, 37])
def test_a_number_of_the_whole_batch_between_two_layers(batch: int) -> None:
    """A norm of the batch that a sum over it needs, and what follows from that sum needs as well."""
    x, w, v = ga.input("x", ("N", 2, 8)), ga.input("w", (3, 2, 3)), ga.input("v", (3, 3, 3))
    h = functional.conv1d(x, w)
    y = functional.conv1d(h / ga.sqrt(ga.sum(h * h)), v)
    gradients = ga.grad(ga.sum(y * y * y), [x, w, v])
    args = values(np.random.default_rng(1), [x, w, v], batch)
    agree([x, w, v], {"value": y, "by x": gradients[0], "by w": gradients[1], "by v": gradients[2]}, args)


def test_rows_long_enough_for_a_kernel_of_their_own() -> None:
    """A hundred classes: softmax, its loss and layer norm go example by example as all else does."""
    x, w, q = ga.input("x", ("N", 2, 6, 6)), ga.input("w", (3, 2, 3, 3)), ga.input("q", (100, 48))
    t = ga.input("t", ("N",), dtype="int64")
    y = functional.linear(ga.flatten(functional.conv2d(x, w), 1), q)
    centred = y - ga.mean(y, axis=1, keepdims=True)
    norm = centred / ga.sqrt(ga.mean(centred * centred, axis=1, keepdims=True) + 0.1)
    loss = functional.cross_entropy(y, t)
    outputs = {"sums": ga.logsumexp(y, axis=1), "norm": norm, "loss": loss}
    outputs |= {"by w": ga.grad(loss, w), "by x": ga.grad(ga.sum(norm * norm * norm), x)}
    rng = np.random.default_rng(2)
    calls = [[*values(rng, [x, w, q], n), rng.integers(0, 100, n)] for n in (3, 9)]
    agree([x, w, q, t], outputs, *calls)


def test_one_of_two_batches_is_empty() -> None:
    x, y, w = ga.input("x", ("N", 2, 8)), ga.input("y", ("M", 2, 8)), ga.input("w", (3, 2, 3))
    a, b = (ga.flatten(functional.conv1d(t, w), 1) for t in (x, y))
    outputs = {"pairs": a @ ga.matrix_transpose(b), "by w": ga.grad(ga.sum((a @ ga.matrix_transpose(b)) ** 2), w)}
    rng = np.random.default_rng(4)
    full, empty, weight = values(rng, [x], 9)[0], np.zeros((0, 2, 8), "float32"), values(rng, [w], 0)[0]
    f = ga.compile([x, y, w], list(outputs.values()), threads=2)
    for args in ([full, empty, weight], [empty, full, weight]):
        same(f(*args), ga.evaluate(list(outputs.values()), dict(zip([x, y, w], args, strict=True))), list(outputs))
