"""The convolutions and matrix products of the benchmarks' nets, each by itself: GFLOP/s, and the fraction of the peak.

python -m benchmarks.kernels                        the nets' kernels, one thread
python -m benchmarks.kernels --isa avx2             as for a machine with AVX2, against the peak of such vectors
python -m benchmarks.kernels --odd 30               convolutions of odd sizes instead: forward and all gradients

Nets are trained on at most 16 examples: then every kernel is a launch of its own, which the profile times. Operations
are those of the direct method, without what margins of zeros would multiply; kernels by transforms may pass the peak.
What has fewer than a million of them is left out.
"""

import argparse
import ctypes
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import graphad as ga
from benchmarks.nets import NETS
from benchmarks.peers.graphad_net import function
from benchmarks.peers.machine import CHAINS, TURNS, aligned, compiled, fma_text
from benchmarks.products import Call, best
from graphad.compiler.build import Built, build
from graphad.compiler.cost import estimate
from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.node import Node
from graphad.compiler.lower.target import target
from graphad.compiler.ways import example_bytes, way_of
from graphad.nn import functional as F  # noqa: N812
from graphad.runtime import load

SHOWN = ("lenet-train-64", "alexnet-conv1", "mobile-block-train", "conv1d-train", "vgg-block-train", "mlp-train")
MOST = 16
BATCH = 37
LEAST = 1_000_000


def peak(isa: Any) -> float:
    """Multiply-adds of that machine's vectors that touch no memory, twice that many flops a second."""
    width = target(isa).vector_bytes
    work, engine = compiled(fma_text("float32", width), ctypes.c_void_p, ctypes.c_int64)
    out = aligned(64)
    (seconds,) = best({"peak": lambda: work(out.ctypes.data, TURNS)}, 20)
    assert engine
    return 2 * CHAINS * (width // 4) * TURNS / seconds


def timed(f: ga.Function, inputs: list[np.ndarray], isa: Any) -> Iterator[tuple[Node, str, float, float]]:
    """Of each kernel with a contraction: that, how it is done, flops and seconds; medians of 20 calls."""
    options = ga.Options(isa=isa)
    sizes = {"N": len(inputs[0])}
    built = build(f.graph, options, way=way_of(options, sizes.values(), example_bytes(f.graph)))
    layout = built.layout(sizes, 1)
    states = [np.zeros(_numbers(s), s.type.dtype) for s in built.states]
    instance = load(built.program).instantiate(layout, states)
    outputs = [np.empty(s, y.type.dtype) for s, y in zip(layout.outputs, built.lowered.graph.outputs, strict=True)]
    seconds = instance.profile(inputs, outputs, 20)
    for launch, cost, taken in zip(built.lowered.launches, estimate(built, sizes).by_kernel, seconds, strict=True):
        for node in _contractions(built, launch.nodes):
            yield node, built.lowered.choices.get(node, ""), cost.flops, taken


def _numbers(node: Node) -> tuple[int, ...]:
    """The shape of a parameter, all of it numbers."""
    return tuple(d for d in node.type.shape if isinstance(d, int))


def _contractions(built: Built, nodes: tuple[Node, ...]) -> list[Node]:
    return [n for n in nodes if isinstance(n.kind, Contract) and n in built.lowered.choices][:1]


def nets(isa: Any) -> Table:
    most = peak(isa)
    shown = Table(
        "net", "contraction", "done as", "GFLOP/s", "of the peak", title=f"{isa}, peak {most / 1e9:.0f} GFLOP/s"
    )
    for name in SHOWN:
        net = replace(NETS[name], batch=min(NETS[name].batch, MOST if name != "mlp-train" else 128))
        x, t = net.data()
        for node, how, flops, seconds in timed(function(net, 1), [x, t], isa):
            if flops >= LEAST:
                operands = " x ".join(str(o.type) for o in node.operands)
                what = f"{node.type} from {operands}".replace("float32", "")
                shown.add_row(name, what, how, f"{flops / seconds / 1e9:.0f}", f"{flops / seconds / most:.0%}")
                name = ""
    return shown


def odd(count: int, isa: Any) -> Table:
    """Random convolutions: batch 37, odd channels and widths, kernels 1 to 11, strides 1 to 4."""
    most, draw = peak(isa), np.random.default_rng(0)
    title = f"batch 37, of the peak of {most / 1e9:.0f} GFLOP/s"
    shown = Table("convolution", "Mflop", "forward", "and gradients", title=title)
    for case in _cases(draw, count):
        flops = _flops(case)
        times = best(_calls(case, draw, isa), 10)
        cells = [f"{n * flops / s / most:.0%}" for n, s in zip((1, 3), times, strict=True)]
        shown.add_row(_words(case), f"{flops / 1e6:.0f}", *cells)
    return shown


def _calls(case: Mapping[str, int], draw: np.random.Generator, isa: Any) -> dict[str, Call]:
    """The convolution, and with the gradients of the image and the weights."""
    x = ga.input("x", ("N", case["channels"], case["size"], case["size"]))
    w = ga.input("w", (case["out"], case["channels"], case["kernel"], case["kernel"]))
    y = F.conv2d(x, w, stride=case["stride"], padding=case["padding"])
    d = ga.input("d", ("N", *y.shape[1:]))
    shapes = [[n if isinstance(n, int) else BATCH for n in v.shape] for v in (x, w, d)]
    args = [draw.standard_normal(shape).astype("f4") for shape in shapes]
    options = ga.Options(isa=isa)
    forward = ga.compile([x, w], y, options=options, threads=1)
    training = ga.compile([x, w, d], [y, *ga.grad(ga.sum(y * d), [x, w])], options=options, threads=1)
    held, all_held = forward(*args[:2]), training(*args)
    return {"forward": lambda: forward(*args[:2], out=held), "all": lambda: training(*args, out=all_held)}


def _cases(draw: np.random.Generator, count: int) -> Iterator[dict[str, int]]:
    while count:
        kernel = int(draw.integers(1, 12))
        case = {
            "channels": int(draw.choice([3, 5, 17])), "out": int(draw.choice([5, 17, 33])),
            "size": int(draw.choice([7, 13, 27])), "kernel": kernel, "stride": int(draw.integers(1, 5)),
            "padding": int(draw.integers(0, kernel)),
        }  # fmt: skip
        if case["size"] + 2 * case["padding"] >= kernel and _flops(case) >= 20 * LEAST:
            count -= 1
            yield case


def _flops(case: Mapping[str, int]) -> int:
    """Two for every pair of a pixel and a tap that reads the image and not its margin."""
    results = (case["size"] + 2 * case["padding"] - case["kernel"]) // case["stride"] + 1
    places = (i * case["stride"] + j - case["padding"] for i in range(results) for j in range(case["kernel"]))
    return 2 * BATCH * case["channels"] * case["out"] * sum(0 <= p < case["size"] for p in places) ** 2


def _words(case: Mapping[str, int]) -> str:
    return (
        f"{case['channels']} to {case['out']} channels of {case['size']}, kernel {case['kernel']}, "
        f"stride {case['stride']}, padding {case['padding']}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--isa", default="native", help="sse, avx2, avx512 or neon")
    parser.add_argument("--odd", type=int, default=0, metavar="COUNT", help="so many random convolutions instead")
    options = parser.parse_args()
    Console(width=170).print(odd(options.odd, options.isa) if options.odd else nets(options.isa))


if __name__ == "__main__":
    main()
