"""What a kernel does, counted in the units that a ``Machine`` has rates for.

| feature | unit |
| --- | --- |
| ``launch`` | a kernel |
| ``float32.exp``, ``.div``, ``.plain`` ... | an evaluation in a loop long enough to be vectorised |
| ``float32.mixed`` | an addition or the like in a loop that calls functions or reads through strides |
| ``float32.exp.scalar`` ... | one in a short loop, or of those that a vectorised loop leaves over |
| ``integer`` | an operation on integers or booleans |
| ``bytes.0``, ``bytes.1`` ... | a byte through the nearest cache, the next ..., memory; one from afar passes all |
| ``float32.sum``, ``.max``, ``.arg``, and ``.scalar`` of each | an element taken into a reduction; into a short one |

| ``product.start`` | a matrix product |
| ``float32.nest``, ``.nest.strided`` | a multiply-add of a loop nest that is vectorised, or is not |
| ``pack``, ``pack.crosswise`` | an element copied to a panel or a map's tile, along the operand's rows or across them |
| ``move``, ``gather`` | an element read through strides or guards, a row looked up |
| ``fold``, ``scan`` | an element or a row added into place, an element of a running value along the last axis |
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from graphad.compiler.interpret import number
from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.graph import Kernel
from graphad.compiler.ir.kinds import Contract, Fold, Gather, Map, Reduce, Scan, Scatter, View
from graphad.compiler.ir.make import uniform
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.scalar import Scalar, operations
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, Reshape
from graphad.compiler.lower.accumulate import behind, within
from graphad.compiler.lower.loops import collapse
from graphad.compiler.lower.tiles import FEWEST
from graphad.compiler.model.contractions import UNROLLED, Product
from graphad.compiler.model.counts import elements, extent
from graphad.compiler.model.evaluations import Evaluations
from graphad.compiler.model.machine import LIBRARY, REPRESENTATIVES
from graphad.compiler.passes.kernels.joins import pieces
from graphad.compiler.passes.kernels.points import is_anchor, space_of
from graphad.compiler.passes.kernels.rowwise import rows_of_kernel

SHORT: Final = 8  # iterations that a vectorised loop leaves over on average; a loop no longer is not vectorised
FEW: Final = 2  # points whose functions are no vector's
LANES: Final = {"float32": 16, "float64": 8}  # of the widest vectors that there are
_IN_LANES: Final = frozenset({"sum", "max", "min", "argmax", "argmin"})  # reductions beside which functions are too
_MIXED: Final = {"div": 4.0, "sqrt": 5.0}  # additions that they are worth where nothing is vectorised


class Features(dict[str, float]):
    """Units by feature."""

    def add(self, name: str, count: float) -> None:
        if count:
            self[name] = self.get(name, 0.0) + count

    def move(self, level: int, nbytes: float) -> None:
        """Bytes from a level of memory, which pass all nearer ones."""
        for passed in range(level + 1):
            self.add(f"bytes.{passed}", nbytes)

    def loop(self, name: str, total: float, inner: float, weight: float = 1.0) -> None:
        """``total`` evaluations in loops of ``inner``. Functions take a vector, of however many points."""
        dtype, what = name.split(".")
        if inner <= (FEW if what in LIBRARY else SHORT):
            self.add(f"{name}.scalar", weight * total)
        elif what in LIBRARY:
            self.add(name, weight * total * max(1.0, LANES[dtype] / inner))
        else:
            self.add(name, weight * total)
            self.add(f"{name}.scalar", weight * SHORT * total / inner)


def kernel_features(
    kernel: Kernel, found: Evaluations, products: Mapping[Node, Product], sizes: Mapping[str, int]
) -> Features:
    """Everything but the traffic with memory."""
    features = Features(launch=1.0)
    rows = rows_of_kernel(kernel.nodes, kernel.stores)
    tiny = number(rows.count, sizes) if rows is not None and rows.tiny else 0  # rows, one in each lane
    inner = float(tiny) or _inner(kernel, sizes)
    serial = frozenset[Node]() if rows is not None else _serial(kernel)
    mixed = _mixed(kernel, serial, sizes)
    for node in kernel.nodes:
        times = found.computed.get(node, 0.0)
        match node.kind:
            case Map(scalar=scalar):
                _add_map(features, node, scalar, times, inner, node in serial, mixed)
            case View(map=view):
                if not smooth(node, view):
                    features.add("pack" if tiled(node, view, sizes) else "move", times)
            case Gather():
                features.add("gather", times / _row(node, node.type.shape, sizes))
            case Reduce():
                _add_reduction(features, node, sizes, tiny)
            case Contract():
                add_product(features, node, products[node])
            case Fold():
                features.add("fold", float(elements(node.operands[0], sizes)))
            case Scatter():
                _add_scatter(features, node, sizes)
            case Scan():
                _add_scan(features, node, sizes)
            case _:
                pass
    return features


def _row(node: Node, shape: Shape, sizes: Mapping[str, int]) -> float:
    """Elements of a row that a gather or a scatter looks up."""
    assert isinstance(node.kind, Gather | Scatter)
    places = node.operands[1 if isinstance(node.kind, Gather) else 0]
    return float(max(extent(shape[node.kind.axis + places.type.ndim :], sizes), 1))


def _add_scatter(features: Features, node: Node, sizes: Mapping[str, int]) -> None:
    values = node.operands[1]
    total, row = float(elements(values, sizes)), _row(node, values.type.shape, sizes)
    features.add("fold", total / row)
    if is_float(values.type.dtype) and row > 1:
        features.loop(f"{values.type.dtype}.plain", total, row)
    elif row > 1:
        features.add("integer", total)


def _add_scan(features: Features, node: Node, sizes: Mapping[str, int]) -> None:
    """Along the last axis a value waits for the one before; else those behind are loaded, added and stored in lanes."""
    assert isinstance(node.kind, Scan)
    dtype, total = node.type.dtype, float(elements(node, sizes))
    width = float(extent(node.type.shape[node.kind.axis + 1 :], sizes))
    if width <= SHORT or not is_float(dtype):
        features.add("scan", total)
    else:
        features.loop(f"{dtype}.plain", total, width, 3.0)


def _add_map(
    features: Features, node: Node, scalar: Scalar, times: float, inner: float, serial: bool, mixed: bool
) -> None:
    dtype = next((x.type.dtype for x in (node, *node.operands) if is_float(x.type.dtype)), "")
    for name, weight in units(scalar):
        if dtype and serial and name in LIBRARY:
            features.add(f"{dtype}.{name}.scalar", times * weight)
        elif dtype and mixed and inner > SHORT and name not in LIBRARY:
            features.add(f"{dtype}.mixed", times * weight * _MIXED.get(name, 1.0))
            features.add(f"{dtype}.{name}.scalar", times * weight * SHORT / inner)
        elif dtype:
            features.loop(f"{dtype}.{name}", times, inner, weight)
        else:
            features.add("integer", times * weight)


@lru_cache(maxsize=4096)
def units(scalar: Scalar) -> tuple[tuple[str, float], ...]:
    """The rates an expression has, with how often.

    >>> from graphad.compiler.ir.scalar import Arg, apply
    >>> units(apply("log2", Arg(0) * Arg(0)))
    (('log', 0.9), ('plain', 1.0))
    """
    found: dict[str, float] = {}
    for primitive in operations(scalar):
        name, weight = REPRESENTATIVES.get(primitive, ("plain", 1.0))
        found[name] = found.get(name, 0.0) + weight
    return tuple(found.items())


def smooth(node: Node, view: Affine | Reshape) -> bool:
    """Along the result's last axis it reads element after element, or the same one: as good as no view.

    Margins make no difference: they have loops of their own.
    """
    if isinstance(view, Reshape):
        return True
    if any(a.divisor != 1 or (a.guarded and len(a.terms) != 1) for a in view.axes):
        return False
    last = len(view.shape) - 1
    while last >= 0 and view.shape[last] == 1:
        last -= 1
    reads = [(i, c) for i, a in enumerate(view.axes) for j, c in a.terms if j == last]
    behind = node.operands[0].type.shape
    return all(c == 1 and all(d == 1 for d in behind[i + 1 :]) for i, c in reads)


def tiled(node: Node, view: Affine | Reshape, sizes: Mapping[str, int]) -> bool:
    """A map reads it in tiles, transposed in registers: another axis than the last has what lies side by side."""
    if isinstance(view, Reshape) or view.guarded or any(a.divisor != 1 for a in view.axes) or not view.axes:
        return False
    shape = [number(d, sizes) for d in view.shape]
    along = [(j, c) for j, c in view.axes[-1].terms if shape[j] != 1]
    last = max((j for j, d in enumerate(shape) if d != 1), default=-1)
    used = [shape[j] for a in view.axes for j, _ in a.terms if j == last]
    return len(along) == 1 and along[0][1] == 1 and along[0][0] != last and min(sum(used), shape[along[0][0]]) >= FEWEST


def _inner(kernel: Kernel, sizes: Mapping[str, int]) -> float:
    """Iterations of the kernel's innermost loop over elements."""
    anchor = next((n for n in kernel.nodes if is_anchor(n)), None)
    if anchor is None:
        return _inner_of_map(kernel, sizes)
    shape = anchor.operands[-1].type.shape
    if isinstance(anchor.kind, Contract):
        shape = anchor.type.shape
    breaks = list(anchor.kind.axes) if isinstance(anchor.kind, Reduce) else []
    return _last(collapse(kernel.nodes, shape, [b for a in breaks for b in (a, a + 1)]), shape, sizes, bool(breaks))


def _inner_of_map(kernel: Kernel, sizes: Mapping[str, int]) -> float:
    """Of its largest loop nest, where it joins operands of several shapes."""
    inside = set(kernel.nodes).difference(kernel.stores)
    found = pieces(kernel.stores[0], inside.__contains__)
    piece = max(found, key=lambda p: (uniform(p.node) is None, elements(p.node, sizes)))
    shape = space_of(piece.node.type.shape)
    return _last(collapse(within(kernel.nodes, [piece.node]), shape, piece.breaks()), shape, sizes)


def _last(
    groups: Sequence[tuple[int, ...]], shape: Shape, sizes: Mapping[str, int], written_out: bool = False
) -> float:
    loops = [g for g in groups if any(shape[i] != 1 for i in g)]  # a size with a name is a loop, whatever it is
    long = [extent((shape[i] for i in g), sizes) for g in reversed(loops)]
    known = bool(loops) and all(isinstance(shape[i], int) for i in loops[-1])
    if written_out and known and len(long) > 1 and long[0] <= UNROLLED:  # so that the loop around it is vectorised
        return float(long[1])
    return float(long[0] if long else 1)


def _serial(kernel: Kernel) -> frozenset[Node]:
    """Nodes evaluated in a loop that carries a value along, in which functions stay scalar."""
    anchors = [n for n in kernel.nodes if is_anchor(n)]
    if not anchors:
        return frozenset()
    first = anchors[0]
    if isinstance(first.kind, Reduce):
        kept = first.operands[0].type.ndim - 1 not in first.kind.axes
        if kept or all(isinstance(a.kind, Reduce) and a.kind.monoid.name in _IN_LANES for a in anchors):
            return frozenset()
    return frozenset(behind(kernel.nodes, anchors))


def _mixed(kernel: Kernel, serial: frozenset[Node], sizes: Mapping[str, int]) -> bool:
    """A loop that calls functions or reads through strides, which a target's own vectoriser leaves as it is."""
    views = [(n, n.kind.map) for n in kernel.nodes if isinstance(n.kind, View)]
    rough = any(not smooth(n, view) and not tiled(n, view, sizes) for n, view in views)
    maps = (n.kind.scalar for n in kernel.nodes if isinstance(n.kind, Map) and n not in serial)
    return rough or any(name in LIBRARY for scalar in maps for name, _ in units(scalar))


def _add_reduction(features: Features, node: Node, sizes: Mapping[str, int], tiny: int) -> None:
    assert isinstance(node.kind, Reduce)
    (x,) = node.operands
    total = float(elements(x, sizes))
    name = node.kind.monoid.name
    what = "arg" if node.kind.monoid.is_arg else "max" if name in ("max", "min") else "sum"
    shape = [number(d, sizes) for d in x.type.shape]
    inner, i = 1, len(shape) - 1
    last_reduced = bool(shape) and i in node.kind.axes
    while i >= 0 and (i in node.kind.axes) == last_reduced:
        inner *= shape[i]
        i -= 1
    if not is_float(x.type.dtype):
        features.add("integer", total)
    elif what == "arg" and not last_reduced and inner >= SHORT:  # columns in lanes: compared, two rows selected
        features.loop(f"{x.type.dtype}.plain", total, float(inner), 4.0)
    else:
        features.loop(f"{x.type.dtype}.{what}", total, float(tiny or inner))


def add_product(features: Features, node: Node, p: Product) -> None:
    """A contraction's own work; the views that it packs are counted as they are evaluated."""
    dtype = node.type.dtype if is_float(node.type.dtype) else "float64"
    work = float(p.times) * p.rows * p.columns * p.depth
    if p.schedule == "sum":
        if p.vector > 1:
            features.add(f"{dtype}.nest" if p.vector > SHORT else f"{dtype}.nest.scalar", work)
        else:
            features.add(f"{dtype}.nest.strided", work)
        return
    features.add("product.start", float(p.times))
    if p.schedule == "direct":
        features.add(f"{dtype}.product", work)
    features.add(f"{dtype}.product", p.wide)
    features.add(f"{dtype}.product.narrow", p.narrow)
    features.add(f"{dtype}.product.tile", float(p.tiles))
    features.add(f"{dtype}.product.cell", float(p.times) * p.rows * p.columns)
    features.add("pack", sum(p.pulled) - p.crosswise)
    features.add("pack.crosswise", p.crosswise)
