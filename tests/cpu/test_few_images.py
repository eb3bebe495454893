"""Convolutions of one to eight images: every way against the interpreter, the same bits for any number of threads."""

from typing import Any

import numpy as np
import pytest

import graphad as ga
from graphad.compiler.options import Convolution
from graphad.nn import functional as F  # noqa: N812
from tests.cpu.oracle import same

WAYS: tuple[Convolution, ...] = ("auto", "pixels", "depth", "winograd")
TOLERANCE = {"float32": 2e-5, "float64": 1e-11}


def drawn(rng: np.random.Generator) -> dict[str, int]:
    """Channels 1 to 40, widths 1 to 17, any kernel that fits in."""
    groups = int(rng.choice([1, 1, 1, 2, 4]))
    kernel, dilation = int(rng.integers(1, 6)), int(rng.choice([1, 1, 2]))
    padding = int(rng.integers(0, kernel))
    reach = (kernel - 1) * dilation + 1
    height, width = (int(rng.integers(max(reach - 2 * padding, 1), 18)) for _ in range(2))
    channels = {"inputs": groups * int(rng.integers(1, 41)), "outputs": groups * int(rng.integers(1, 41))}
    return {
        **channels, "groups": groups, "kernel": kernel, "dilation": dilation, "padding": padding, "height": height,
        "width": width, "stride": int(rng.integers(1, 4)),
    }  # fmt: skip


def net(case: dict[str, int], dtype: str) -> tuple[list[ga.Tensor], ga.Tensor]:
    """A convolution with bias, ReLU, and what it is added to."""
    x = ga.input("x", ("N", case["inputs"], case["height"], case["width"]), dtype)
    shape = (case["outputs"], case["inputs"] // case["groups"], case["kernel"], case["kernel"])
    w, b = ga.input("w", shape, dtype), ga.input("b", shape[:1], dtype)
    y = F.conv2d(x, w, b, case["stride"], case["padding"], dilation=case["dilation"], groups=case["groups"])
    z = ga.input("z", ("N", *y.shape[1:]), dtype)
    return [x, w, b, z], F.relu(y + z)


def arrays(rng: np.random.Generator, inputs: list[ga.Tensor], batch: int, dtype: str) -> list[Any]:
    return [rng.standard_normal([d if isinstance(d, int) else batch for d in x.shape]).astype(dtype) for x in inputs]


def held(case: dict[str, int], way: Convolution, dtype: str, batches: tuple[int, ...], rng: np.random.Generator) -> str:
    """Compiled and evaluated numbers agree, whatever the threads; how the convolution was done."""
    inputs, y = net(case, dtype)
    options = ga.Options(convolution=way)
    one, three = (ga.compile(inputs, y, options=options, threads=n) for n in (1, 3))
    reference = ga.compile(inputs, y, target="numpy")
    for batch in batches:
        args = arrays(rng, inputs, batch, dtype)
        found, wanted = one(*args), reference(*args)
        same(
            [found],
            [wanted],
            [f"{case} {way} {batch}"],
            TOLERANCE[dtype],
            TOLERANCE[dtype] * np.abs(wanted).max(initial=0),
        )
        assert np.array_equal(found, three(*args)), f"{case} {way} {batch}"
    return str(one.explain())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_convolutions(way: Convolution, dtype: str) -> None:
    rng = np.random.default_rng([WAYS.index(way), len(dtype)])
    for _ in range(4):
        held(drawn(rng), way, dtype, (0, 1, 2, 3, 4), rng)


PLAIN = {"groups": 1, "dilation": 1, "stride": 1}
SHAPES: dict[str, tuple[dict[str, int], Convolution, str]] = {
    "lines end within vectors": (
        {"inputs": 3, "outputs": 9, "kernel": 3, "padding": 1, "height": 7, "width": 7}, "auto", "a pixel a lane"
    ),
    "in place": (
        {"inputs": 5, "outputs": 7, "kernel": 1, "padding": 0, "height": 5, "width": 7}, "pixels", "a pixel a lane"
    ),
    "one line after the other": (
        {"inputs": 2, "outputs": 3, "kernel": 3, "padding": 1, "height": 3, "width": 700}, "pixels", "a pixel a lane"
    ),
    "several blocks of lines": (
        {"inputs": 2, "outputs": 30, "kernel": 3, "padding": 1, "height": 50, "width": 50}, "pixels", "a pixel a lane"
    ),
    "few results of much": (
        {"inputs": 40, "outputs": 20, "kernel": 3, "padding": 1, "height": 2, "width": 2}, "auto", "in the lanes"
    ),
    "one result": (
        {"inputs": 33, "outputs": 20, "kernel": 1, "padding": 0, "height": 1, "width": 1}, "depth", "in the lanes"
    ),
    "tiles of four": (
        {"inputs": 16, "outputs": 17, "kernel": 3, "padding": 1, "height": 33, "width": 38}, "winograd", "F(4x4, 3x3)"
    ),
    "tiles of a kernel of five": (
        {"inputs": 6, "outputs": 5, "kernel": 5, "padding": 2, "height": 13, "width": 14}, "winograd", "F(2x2, 5x5)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    case, way, how = SHAPES[name]
    assert how in held({**PLAIN, **case}, way, "float32", (1, 8 if way != "auto" else 3), np.random.default_rng(5))


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_depthwise(stride: int) -> None:
    rng = np.random.default_rng(stride)
    case = {"inputs": 24, "outputs": 24, "groups": 24, "kernel": 3, "padding": 1, "dilation": 1, "stride": stride}
    found = held({**case, "height": 11, "width": 9}, "auto", "float32", (1, 2), rng)
    assert "a pixel a lane" in found


@pytest.mark.parametrize("way", ["pixels", "depth"])
def test_an_infinite_weight_stays_in_its_row(way: Convolution) -> None:
    """Elements that lanes read beyond the last one count nowhere."""
    inputs, y = net(
        {**PLAIN, "inputs": 17, "outputs": 5, "kernel": 1, "padding": 0, "height": 3, "width": 3}, "float32"
    )
    x, w, b, z = arrays(np.random.default_rng(2), inputs, 1, "float32")
    w[2, 16], w[3, 0] = np.inf, np.nan
    found = ga.compile(inputs, y, options=ga.Options(convolution=way))(x, w, b, z)
    assert np.isfinite(found[:, [0, 1, 4]]).all()
    assert not np.isnan(found[:, 2]).any()
    assert np.isnan(found[:, 3]).all()


def test_ways_are_counted() -> None:
    inputs, y = net(
        {**PLAIN, "inputs": 64, "outputs": 64, "kernel": 3, "padding": 1, "height": 32, "width": 32}, "float32"
    )
    f = ga.compile(inputs, y)
    f(*arrays(np.random.default_rng(3), inputs, 1, "float32"))
    line = next(line for line in str(f.explain()).splitlines() if line.startswith("contract:"))
    assert "cycles" in line
    assert "Winograd" in line
    strict = ga.compile(inputs, y, options=ga.Options(precision="strict"))
    strict(*arrays(np.random.default_rng(3), inputs, 1, "float32"))
    assert "Winograd" not in strict.explain()
