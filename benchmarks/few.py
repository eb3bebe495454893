"""Convolutions of few images, layer by layer: ResNet-18, MobileNetV2, a VGG block. GFLOP/s, and the time of each net.

python -m benchmarks.few                            one image, one thread
python -m benchmarks.few --batch 4 --threads 2
python -m benchmarks.few --convolution im2col       as `ga.Options(convolution=...)` says
python -m benchmarks.few --only mobilenet-64

Each layer, with its bias and a ReLU, is a program of its own, called often; a net's time is the sum of its layers'.
"""

import argparse
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import graphad as ga
from benchmarks.kernels import peak
from benchmarks.layers import Conv
from benchmarks.products import best
from graphad.nn import functional as F  # noqa: N812

Layers = list[tuple[Conv, int]]
"""Each with the size of its image."""


def resnet18(size: int) -> Layers:
    """All convolutions."""
    found, channels, size = [(Conv(3, 64, 7, 2, 3), size)], 64, size // 4
    for stage, outputs in enumerate((64, 128, 256, 512)):
        stride = 2 if stage else 1
        found.append((Conv(channels, outputs, 3, stride, 1), size))
        if stage:
            found.append((Conv(channels, outputs, 1, stride), size))
        size, channels = -(-size // stride), outputs
        found += [(Conv(channels, channels, 3, 1, 1), size)] * 3
    return found


def mobilenet(size: int) -> Layers:
    """All convolutions of MobileNetV2."""
    found, channels, size = [(Conv(3, 32, 3, 2, 1), size)], 32, -(-size // 2)
    stages = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for wider, outputs, count, first in stages:
        for stride in (first, *(1,) * (count - 1)):
            inside = channels * wider
            if wider != 1:
                found.append((Conv(channels, inside, 1), size))
            found.append((Conv(inside, inside, 3, stride, 1, inside), size))
            size, channels = -(-size // stride), outputs
            found.append((Conv(inside, outputs, 1), size))
    return [*found, (Conv(320, 1280, 1), size)]


NETS = {
    **{f"resnet18-{size}": resnet18(size) for size in (64, 224)},
    **{f"mobilenet-{size}": mobilenet(size) for size in (64, 224)},
    "vgg-block": [(Conv(64, 64, 3, 1, 1), 32)],
}


def flops(layer: Conv, size: int) -> int:
    """Of one image, by the direct method."""
    results = (size + 2 * layer.padding - layer.kernel) // layer.stride + 1
    return 2 * int(np.prod(layer.weight)) * results**2


def timed(layer: Conv, size: int, batch: int, threads: int, options: ga.Options) -> tuple[float, str]:
    """Seconds of a call, the least of many, and how it is done."""
    draw = np.random.default_rng(0)
    w, b = (
        ga.parameter(n, draw.standard_normal(s).astype("f4")) for n, s in (("w", layer.weight), ("b", layer.weight[0]))
    )
    x = ga.input("x", ("N", layer.inputs, size, size))
    y = F.relu(F.conv2d(x, w, b, layer.stride, layer.padding, groups=layer.groups))
    f = ga.compile([x], y, options=options, threads=threads)
    given = draw.standard_normal((batch, layer.inputs, size, size)).astype("f4")
    held = f(given)
    (seconds,) = best({"call": lambda: f(given, out=held)}, 15)
    return seconds, how(f)


def how(f: Any) -> str:
    """The choice that ``explain()`` gives."""
    lines = [line for line in str(f.explain()).splitlines() if line.startswith("contract:")]
    return re.split("  +", lines[-1].strip())[2] if lines else ""


def rows(net: str, batch: int, threads: int, options: ga.Options) -> Iterator[tuple[Conv, int, int, float, str]]:
    """Each layer once, with how often the net has it."""
    layers = NETS[net]
    for layer, size in dict.fromkeys(layers):
        yield layer, size, layers.count((layer, size)), *timed(layer, size, batch, threads, options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--convolution", default="auto")
    parser.add_argument("--only", default="", choices=["", *NETS])
    known = parser.parse_args()
    options: Any = ga.Options(convolution=known.convolution)
    console = Console(width=170)
    console.print(f"{known.batch} images, {known.threads} threads, peak of one {peak('native') / 1e9:.0f} GFLOP/s")
    for net in [known.only] if known.only else NETS:
        shown = Table("layer", "times", "us", "GFLOP/s", "us in all", "done as", title=net)
        total = 0.0
        for layer, size, times, seconds, choice in rows(net, known.batch, known.threads, options):
            total += times * seconds
            kind = f"{layer.inputs} to {layer.outputs}, {layer.kernel}x{layer.kernel}/{layer.stride} of {size}"
            rate = known.batch * flops(layer, size) / seconds / 1e9
            shown.add_row(
                f"{kind}{', each' * (layer.groups > 1)}", str(times), f"{seconds * 1e6:.0f}", f"{rate:.0f}",
                f"{times * seconds * 1e6:.0f}", choice,
            )  # fmt: skip
        shown.add_row("all", "", "", "", f"{total * 1e6:.0f}", "")
        console.print(shown)


if __name__ == "__main__":
    main()
