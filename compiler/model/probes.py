"""The micro-graphs that a calibration times: one graph, a kernel for each rate or so.

Every elementwise probe reads a part of its own of one input, so that data is near and no two share a kernel.
"""

from typing import Final

import numpy as np

from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import MAX, SUM, Contract, Fold, Gather, Kind, Leaf, Map, Monoid, Reduce, Scan
from graphad.compiler.ir.make import node, viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import CONTRACT, FOLD, GATHER, INPUT, MapOp, Op, ReduceOp, ScanOp
from graphad.compiler.ir.scalar import Arg, Cast, Const, Scalar, apply, where
from graphad.compiler.ir.size import symbol
from graphad.compiler.ir.types import TensorType
from graphad.compiler.ir.view import Affine, AxisMap
from graphad.compiler.model.machine import FLOATS

LENGTH: Final = 4096
FUNCTIONS: Final = ("exp", "log", "sin", "tanh", "pow", "sqrt", "div")
ONCE: Final = ("expm1", "atan", "erf", "asinh")  # timed in float32 only
PRODUCTS: Final = (
    ("float32", 64, 64, 64), ("float32", 8, 256, 8), ("float32", 32, 4, 64), ("float64", 64, 64, 64)
)  # fmt: skip
"""Rows, columns and depth."""
WRAPPED: Final = where(Arg(0) < 0, Arg(0) + LENGTH, Arg(0))
"""Indices as a front end writes them: negative ones count from the end."""


class Probes:
    """Collects outputs over a few inputs; an argument more costs more to compile than a kernel does."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self.inputs = [*map(_leaf, ("x", "y", "z", "j"), (*FLOATS, "float32", "int64"))]
        self.values = [random.uniform(0.1, 0.9, LENGTH).astype(x.type.dtype) for x in self.inputs]
        self.values[-1] = random.integers(0, LENGTH, LENGTH)
        self.outputs: list[Node] = []
        self._shorter = LENGTH

    def part(self, which: int, *shape: int) -> Node:
        """The start of an input, in some shape."""
        steps = [int(np.prod(shape[i + 1 :])) for i in range(len(shape))]
        return viewed(self.inputs[which], Affine(shape, (AxisMap(terms=tuple(enumerate(steps))),)))

    def line(self, dtype: str) -> Node:
        """The start of an input, a little shorter each time."""
        self._shorter -= 16
        return self.part(FLOATS.index(dtype), self._shorter)

    def add(self, op: Op, kind: Kind, *operands: Node) -> None:
        self.outputs.append(node(op, kind, operands))

    def add_map(self, x: Node, scalar: Scalar) -> None:
        self.add(_map(scalar), Map(scalar), x)

    def add_reduction(self, x: Node, monoid: Monoid, *axes: int) -> None:
        self.add(ReduceOp(name="probe", monoid=monoid, reference=np.sum), Reduce(monoid, axes), x)

    def graph(self) -> Graph:
        return Graph(tuple(self.inputs), tuple(self.outputs))


def probes() -> Probes:
    """Everything that is timed in one program."""
    p = Probes()
    for dtype in FLOATS:
        for name in FUNCTIONS if dtype == "float64" else (*FUNCTIONS, *ONCE):
            p.add_map(p.line(dtype), _call(name))
        p.add_map(p.line(dtype), _polynomial(Arg(0), 16))
        p.add_reduction(node(_map(_library()), Map(_library()), (p.line(dtype),)), SUM, 0)
        p.add_reduction(p.part(FLOATS.index(dtype), 32, 128), SUM, 1)
    p.add_map(p.part(0), _polynomial(Arg(0), 150))
    p.add_reduction(p.part(0, 31, 128), MAX, 1)
    p.add_reduction(p.part(0, 30, 128), Monoid("argmax"), 1)
    p.add_reduction(p.part(0, 1024, 4), SUM, 1)
    p.add_reduction(p.part(0, 1020, 4), MAX, 1)
    p.add_map(p.part(3, LENGTH - 8), Cast("float32", apply("lt", Arg(0), Const(99))))
    columns = viewed(p.inputs[1], Affine((670,), (AxisMap(2, ((0, 6),)),)))
    p.add_map(columns, apply("sin", _polynomial(Arg(0), 60)))
    _add_contractions(p)
    turned = Affine((61, 67), (AxisMap(terms=((0, 1), (1, 61))),))
    p.add_map(viewed(p.inputs[0], turned), Arg(0) + 1.0)
    p.add(GATHER, Gather(0), p.inputs[0], node(_map(WRAPPED), Map(WRAPPED), (p.inputs[3],)))
    windows = Affine((20, 20, 3, 3), (AxisMap(terms=((0, 1), (2, 1))), AxisMap(terms=((1, 1), (3, 1)))))
    p.add(FOLD, Fold(windows, (22, 22)), p.part(0, 20, 20, 3, 3))
    p.add(scan(), Scan(SUM, 1), p.part(0, 40, 100))
    return p


def _add_contractions(p: Probes) -> None:
    for dtype, m, n, k in PRODUCTS:
        left, right = (0, 2) if dtype == "float32" else (1, 1)
        p.add(CONTRACT, Contract("ab", "bc", "ac"), p.part(left, m, k), p.part(right, k, n))
    p.add(CONTRACT, Contract("ab", "cb", "ac"), p.part(0, 64, 64), p.part(2, 60, 64))
    windows = Affine((3, 3, 18, 18), (AxisMap(terms=((0, 20), (1, 1), (2, 20), (3, 1))),))
    p.add(CONTRACT, Contract("abc", "bcde", "ade"), p.part(2, 8, 3, 3), viewed(p.inputs[0], windows))
    p.add(CONTRACT, Contract("ab", "b", "a"), p.part(0, 16, 256), p.part(2, 256))
    p.add(CONTRACT, Contract("ab", "b", "a"), p.part(0, 500, 8), p.part(2, 8))
    p.add(CONTRACT, Contract("ba", "b", "a"), p.part(0, 64, 48), p.part(2, 64))


def chain(count: int) -> Graph:
    """Kernels that do next to nothing, all alike."""
    x = y = Node(INPUT, Leaf("input", "x"), (), TensorType("float32", (2,)))
    for _ in range(count):
        y = node(scan(), Scan(SUM, 0), (y,))
    return Graph((x,), (y,))


def scan() -> ScanOp:
    return ScanOp(name="probe", monoid=SUM, reference=np.cumsum)


def _leaf(name: str, dtype: str) -> Node:
    return Node(INPUT, Leaf("input", name), (), TensorType(dtype, (LENGTH,)))


def _map(scalar: Scalar) -> MapOp:
    return MapOp(name="probe", scalar=scalar, arity=1, reference=np.add)


def stream() -> Graph:
    """x + 1 of any length."""
    x = Node(INPUT, Leaf("input", "x"), (), TensorType("float32", (symbol("N"),)))
    return Graph((x,), (node(_map(Arg(0) + 1.0), Map(Arg(0) + 1.0), (x,)),))


def _call(name: str) -> Scalar:
    if name == "pow":
        return apply("pow", Arg(0), Const(0.37))
    if name == "div":
        return apply("div", 1.25, apply("div", Const(0.7), Arg(0) + 1.0))
    return apply(name, Arg(0))


def _polynomial(x: Scalar, operations: int) -> Scalar:
    """Four chains of multiplications and additions, added up."""
    chains: list[Scalar] = [x + (0.25 * i) for i in range(4)]
    for i in range((operations - 7) // 8):
        chains = [c * (0.5 + 0.125 * ((i + j) % 5)) + x for j, c in enumerate(chains)]
    return (chains[0] + chains[1]) + (chains[2] + chains[3])


def _library() -> Scalar:
    """One call each of the common functions, where they stay scalar: inside a reduction."""
    found: Scalar = Arg(0)
    for name in ("exp", "log", "sin", "tanh", "atan", "pow"):
        found = found + _call(name)
    return found
