"""Winograd's convolutions and those by Fourier transforms, each against the interpreter."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import graphad as ga
from graphad import specialization
from graphad.compiler.lower.examples import gradients, kernels
from graphad.compiler.lower.examples.bilinear.choice import candidates, shape_of
from graphad.compiler.lower.examples.bilinear.toom import Toom
from graphad.compiler.options import Isa
from graphad.nn import functional
from tests.cpu.test_lanes_of_examples import LANES, agree, convolution, values, with_gradients

SPANS = {"F(2x2, 3x3)": 3, "F(4x4, 3x3)": 3, "F(2x2, 5x5)": 5, "F(3x3, 2x2)": 2, "F(5x5, 2x2)": 2, "F(3x3, 4x4)": 4}
FFTS = {"FFT of 8 x 8": 5, "FFT of 16 x 16": 11, "FFT of 32 x 32": 7}


@pytest.fixture
def force(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Makes every convolution take an algorithm by its name."""

    stamp = specialization.compiler_stamp

    def forced(name: str) -> None:
        def choose(anchor, letters, sizes, *_):  # type: ignore[no-untyped-def]
            taps = tuple(sizes[c] for c in letters.taps)
            return next((a for a in candidates(taps) if a.name.endswith(name)), None)

        def choose_gradient(anchor, letters, sizes, lanes, machine, _):  # type: ignore[no-untyped-def]
            found, vector = choose(anchor, letters, sizes), machine.lanes(anchor.type.dtype)
            bytes_of_lanes = lanes * machine.vector_bytes // vector
            return shape_of(found, letters, sizes, bytes_of_lanes, vector) if isinstance(found, Toom) else None

        monkeypatch.setattr(kernels, "choose", choose)
        monkeypatch.setattr(gradients, "choose_gradient", choose_gradient)
        monkeypatch.setattr(specialization, "compiler_stamp", lambda o: f"{stamp(o)} {name}")  # another, to the cache

    return forced


@pytest.mark.parametrize("name", [*SPANS, *FFTS])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_algorithms(force, name: str, dtype: str) -> None:  # type: ignore[no-untyped-def]
    taps = (SPANS | FFTS)[name]
    case = {"size": (12, 15), "channels": 3, "out": 5, "kernel": (taps, taps), "padding": taps // 2}
    inputs, y = convolution(case, dtype)
    force(name)
    f = agree(inputs, with_gradients(y, inputs), values(np.random.default_rng(7), inputs, 19))
    kinds = 3 if name in SPANS else 2  # the convolution, and the gradients of its input and, but by FFT, its weights
    assert f.explain().count(f"{name}, one example") + f.explain().count(f"{name} gradient, ") == kinds


@pytest.mark.parametrize("isa", ["sse", "avx2", "neon"])
@pytest.mark.parametrize("name", ["F(2x2, 5x5)", "FFT of 16 x 16"])
def test_other_registers(force, name: str, isa: Isa) -> None:  # type: ignore[no-untyped-def]
    inputs, y = convolution({"size": (9, 13), "channels": 5, "out": 4, "kernel": (5, 5), "padding": 2})
    force(name)
    options = ga.Options(batch="lanes", isa=isa)
    f = agree(inputs, with_gradients(y, inputs), values(np.random.default_rng(12), inputs, 11), options=options)
    assert name in f.explain()


@pytest.mark.parametrize("name", ["F(4x4, 3x3)", "FFT of 8 x 8"])
def test_one_block_is_shared_by_threads(force, name: str) -> None:  # type: ignore[no-untyped-def]
    inputs, y = convolution({"size": (9, 13), "channels": 13, "out": 17, "kernel": (3, 3), "padding": 1})
    force(name)
    f = agree(inputs, with_gradients(y, inputs), values(np.random.default_rng(11), inputs, 11), options=ga.Options())
    assert name in f.explain()


@st.composite
def cases(draw: st.DrawFn) -> dict:  # type: ignore[type-arg]
    kernel = (draw(st.integers(1, 7)), draw(st.integers(1, 7)))
    return {
        "size": tuple(draw(st.integers(k, 20)) for k in kernel),
        "channels": draw(st.integers(1, 5)),
        "out": draw(st.integers(1, 20)),
        "kernel": kernel,
        "padding": tuple(draw(st.integers(0, k - 1)) for k in kernel),
    }


@given(cases(), st.sampled_from(["FFT of 8 x 8", "FFT of 16 x 16", ")"]), st.sampled_from([5, 16, 33]))
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_convolutions(force, case: dict, name: str, batch: int) -> None:  # type: ignore[no-untyped-def,type-arg]
    force(name)
    inputs, y = convolution(case)
    agree(inputs, with_gradients(y, inputs), values(np.random.default_rng(3), inputs, batch))


@pytest.mark.parametrize(("taps", "name"), [(3, "Winograd F(4x4, 3x3)"), (5, "FFT of 8 x 8"), (9, "FFT of 16 x 16")])
def test_the_cheapest_is_near_the_direct_sums(taps: int, name: str) -> None:
    inputs, y = convolution({"size": (16, 16), "channels": 32, "out": 16, "kernel": (taps, taps), "padding": taps // 2})
    args = values(np.random.default_rng(8), inputs, 16)
    quick = ga.compile(inputs, y, options=LANES)
    strict = ga.compile(inputs, y, options=ga.Options(batch="lanes", precision="strict"))
    a, b = quick(*args), strict(*args)
    assert name in quick.explain()
    assert "thousand cycles a block, counted" in quick.explain()
    assert "Winograd" not in strict.explain()
    assert "FFT" not in strict.explain()
    assert np.abs(a - b).max() <= 1e-5 * np.abs(b).max()


@pytest.mark.parametrize("batch", [7, 16, 40])
def test_gradients_do_not_depend_on_the_threads(force, batch: int) -> None:  # type: ignore[no-untyped-def]
    inputs, y = convolution({"size": (22, 18), "channels": 20, "out": 9, "kernel": (3, 3), "padding": 1})
    force("F(4x4, 3x3)")
    w = inputs[1]
    args = values(np.random.default_rng(5), inputs, batch)
    found = [
        ga.compile(inputs, ga.grad(ga.sum(y * y), w), options=LANES if batch > 16 else ga.Options(), threads=n)(*args)
        for n in (1, 2, 3)
    ]
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_rounding_of_a_gradient(force) -> None:  # type: ignore[no-untyped-def]
    x, w, d = (ga.input(n, s) for n, s in (("x", ("N", 48, 20, 20)), ("w", (32, 48, 3, 3)), ("d", ("N", 32, 20, 20))))
    force("F(4x4, 3x3)")
    f = ga.compile([x, w, d], ga.grad(ga.sum(functional.conv2d(x, w, padding=1) * d), w), options=LANES)
    images, weights, cotangents = values(np.random.default_rng(6), [x, w, d], 32)
    margins = np.pad(images.astype("float64"), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(margins, (20, 20), axis=(2, 3))  # [n, c, i, j, y, x]
    wanted = np.einsum("ncijyx,noyx->ocij", windows, cotangents.astype("float64"), optimize=True)
    found = f(images, weights, cotangents)
    assert "gradient, " in f.explain()
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()
