"""Random graphs for property tests: small typed DAGs over every registered op and every kind."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

import graphad as ga
from graphad.compiler.ir import kinds as k
from graphad.compiler.ir.make import constant, full, mapped, node, reduced, reshaped, viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import (
    CONTRACT,
    FOLD,
    GATHER,
    INDEX,
    INPUT,
    JOIN,
    SCATTER,
    AliasOp,
    Op,
    ReduceOp,
    ScanOp,
    registered,
)
from graphad.compiler.ir.types import TensorType
from graphad.compiler.ir.view import Affine, AxisMap, identity
from graphad.ops.record import Elementwise

Draw = Callable[[st.SearchStrategy[Any]], Any]
RandomGraph = tuple[tuple[Node, ...], dict[Node, np.ndarray]]

ORDINARY = (-2.5, -1.0, -0.5, 0.25, 0.5, 1.0, 1.5, 3.0)
SPECIAL = (*ORDINARY, 0.0, -0.0, float("nan"), float("inf"), float("-inf"), 1e-30, 1e30)
_LARGEST = 200  # elements of a node


@st.composite
def random_graph(
    draw: Draw, floats: tuple[str, ...] = ("float32", "float64"), values: tuple[float, ...] = SPECIAL, nodes: int = 16
) -> RandomGraph:
    """Outputs, and the inputs with their values.

    Args:
        floats: the float dtypes of inputs.
        values: what inputs and constants are drawn from.
        nodes: how many steps build the graph; a step makes one node or a few.
    """
    builder = _Builder(draw, values)
    for i in range(draw(st.integers(1, 3))):
        builder.input(f"x{i}", draw(st.sampled_from(floats)))
    for _ in range(draw(st.integers(4, nodes))):
        builder.step()
    count = draw(st.integers(1, min(3, len(builder.pool))))
    return tuple(builder.pool[-count:]), builder.inputs


def pick(draw: Draw, items: Any) -> Any:
    """One of ``items``."""
    return draw(st.sampled_from(list(items)))


@dataclass
class _Builder:
    draw: Draw
    values: tuple[float, ...]
    pool: list[Node] = field(default_factory=list)
    inputs: dict[Node, np.ndarray] = field(default_factory=dict)

    def input(self, name: str, dtype: str) -> None:
        shape = tuple(self.draw(st.lists(st.integers(1, 3), max_size=3)))
        count = int(np.prod(shape))
        value = np.array([pick(self.draw, self.values) for _ in range(count)], dtype).reshape(shape)
        leaf = Node(INPUT, k.Leaf("input", name), (), TensorType(dtype, shape))
        self.inputs[leaf] = value
        self.pool.append(leaf)

    def step(self) -> None:
        """One more node, or none where what was drawn does not fit."""
        recent = self.pool[-4:] if pick(self.draw, (True, True, False)) else self.pool
        x = pick(self.draw, recent)
        made = pick(self.draw, _STEPS)(self, x)
        if made is not None and 0 < made.type.size <= _LARGEST:
            self.pool.append(made)

    def number(self, like: TensorType) -> Node:
        """A broadcast constant of a type."""
        values = (-1, 0, 1, 2) if not like.dtype.startswith("float") else (*self.values, 1.0, 2.0, 4.0)
        return full(pick(self.draw, values), like)

    def like(self, wanted: TensorType) -> Node:
        """A node of a type: one there is, or a constant."""
        found = [n for n in self.pool if n.type == wanted]
        return pick(self.draw, found) if found and pick(self.draw, (True, True, False)) else self.number(wanted)


def _ops(kind: type[Op]) -> list[Any]:
    return [op for op in registered() if isinstance(op, kind)]


def _accepts(op: Elementwise, dtype: str) -> bool:
    if op is ga.power or op.takes == "float" or op.divides:  # an integer power may be negative, which is refused
        return dtype.startswith("float")
    return {"number": dtype != "bool", "bool": dtype == "bool", "any": True}[op.takes]


def _map(b: _Builder, x: Node) -> Node | None:
    op = pick(b.draw, [o for o in _ops(Elementwise) if _accepts(o, x.type.dtype) and o.name != "in_range"])
    if op is ga.where:
        return mapped(op, b.like(TensorType("bool", x.type.shape)), x, b.like(x.type))
    operands = [x, *(b.like(x.type) for _ in range(op.arity - 1))]
    return mapped(op, *(operands if pick(b.draw, (True, False)) else operands[::-1]))


def _compare(b: _Builder, x: Node) -> Node:
    return mapped(pick(b.draw, (ga.less, ga.greater_equal, ga.equal)), x, b.like(x.type))


def _softmax(b: _Builder, x: Node) -> Node | None:
    """What stabilise looks for, which chance would hardly write."""
    if not x.type.dtype.startswith("float") or not x.type.shape:
        return None
    e = mapped(ga.exp, x)
    axes = _some_axes(b, x)
    s = viewed(reduced(ga.sum, e, axes), _spread(x, axes))
    b.pool += [e, s]
    return mapped(pick(b.draw, (ga.divide, ga.multiply)), e, s)


def _spread(x: Node, axes: tuple[int, ...]) -> Affine:
    return Affine(x.type.shape, tuple(AxisMap(terms=((i, 1),)) for i in range(x.type.ndim) if i not in axes))


def _some_axes(b: _Builder, x: Node) -> tuple[int, ...]:
    return tuple(sorted(b.draw(st.sets(st.integers(0, x.type.ndim - 1), min_size=1))))


def _reduce(b: _Builder, x: Node) -> Node | None:
    if not x.type.shape:
        return None
    wanted = ("any", "all") if x.type.dtype == "bool" else ("sum", "prod", "max", "min", "argmax", "argmin")
    op = pick(b.draw, [o for o in _ops(ReduceOp) if o.monoid.name in wanted])
    return reduced(op, x, _some_axes(b, x))


def _scan(b: _Builder, x: Node) -> Node | None:
    if not x.type.shape or x.type.dtype == "bool":
        return None
    op = pick(b.draw, _ops(ScanOp))
    axis = pick(b.draw, range(x.type.ndim))
    return node(op, k.Scan(op.monoid, axis, pick(b.draw, (True, False))), (x,))


def _broadcast(b: _Builder, x: Node) -> Node:
    """New axes, and axes of size 1 repeated."""
    shape = [pick(b.draw, (1, 2, 3)) if d == 1 else d for d in x.type.shape]
    pairs = enumerate(zip(x.type.shape, shape, strict=True))
    maps = [AxisMap() if d != e else AxisMap(terms=((i, 1),)) for i, (d, e) in pairs]
    if x.type.ndim < 4 and pick(b.draw, (True, False)):
        shape.append(pick(b.draw, (1, 2, 3)))
    return viewed(x, Affine(tuple(shape), tuple(maps)))


def _permute(b: _Builder, x: Node) -> Node:
    order = b.draw(st.permutations(range(x.type.ndim)))
    maps = tuple(AxisMap(terms=((order.index(a), 1),)) for a in range(x.type.ndim))
    return viewed(x, Affine(tuple(x.type.shape[a] for a in order), maps))


def _slice(b: _Builder, x: Node) -> Node | None:
    if not x.type.shape:
        return None
    axis = pick(b.draw, range(x.type.ndim))
    extent = x.type.shape[axis]
    step = pick(b.draw, (1, 2, -1))
    start = pick(b.draw, range(extent))
    count = len(range(start, extent if step > 0 else -1, step))
    maps = list(identity(x.type.shape).axes)
    maps[axis] = AxisMap(start, ((axis, step),))
    return viewed(x, Affine(tuple(count if i == axis else d for i, d in enumerate(x.type.shape)), tuple(maps)))


def _pad(b: _Builder, x: Node) -> Node | None:
    """Padding, and dilation where there is something to dilate."""
    if not x.type.shape or x.type.dtype == "bool":
        return None
    axis = pick(b.draw, range(x.type.ndim))
    before, after, step = pick(b.draw, (-1, 0, 1)), pick(b.draw, (0, 2)), pick(b.draw, (1, 2))
    size = (x.type.shape[axis] - 1) * step + 1 + before + after
    maps = list(identity(x.type.shape).axes)
    maps[axis] = AxisMap(-before, ((axis, 1),), step, True)
    shape = tuple(size if i == axis else d for i, d in enumerate(x.type.shape))
    return viewed(x, Affine(shape, tuple(maps), pick(b.draw, (0.0, 2.0))))


def _window(b: _Builder, x: Node) -> Node | None:
    if not x.type.shape or x.type.ndim > 3 or x.type.dtype == "bool":
        return None
    axis = x.type.ndim - 1
    size, stride, pad = pick(b.draw, (1, 2)), pick(b.draw, (1, 2)), pick(b.draw, (0, 1))
    room = x.type.shape[axis] + 2 * pad - size
    if room < 0:
        return None
    maps = list(identity(x.type.shape).axes)
    maps[axis] = AxisMap(-pad, ((axis, stride), (axis + 1, 1)), 1, pad > 0)
    return viewed(x, Affine((*x.type.shape[:-1], room // stride + 1, size), tuple(maps)))


def _reshape(b: _Builder, x: Node) -> Node:
    size = x.type.size
    shapes = [(size,), (1, size), (size, 1)] + [(d, size // d) for d in (2, 3) if size % d == 0]
    return reshaped(x, pick(b.draw, shapes))


def _alias(b: _Builder, x: Node) -> Node:
    return node(pick(b.draw, _ops(AliasOp)), k.View(identity(x.type.shape)), (x,))


def _fold(b: _Builder, x: Node) -> Node | None:
    """The transpose of a view there is, applied to the view."""
    if not isinstance(x.kind, k.View) or not isinstance(x.kind.map, Affine) or x.type.dtype == "bool":
        return None
    return node(FOLD, k.Fold(x.kind.map, x.operands[0].type.shape), (x,))


def _contract(b: _Builder, x: Node) -> Node | None:
    y = pick(b.draw, [n for n in b.pool if n.type.dtype == x.type.dtype])
    if x.type.dtype == "bool" or max(x.type.ndim, y.type.ndim) > 3:
        return None
    left = "abc"[: x.type.ndim]
    right = ""
    for d, own in zip(y.type.shape, "xyz", strict=False):
        shared = [c for c, e in zip(left, x.type.shape, strict=True) if e == d and c not in right]
        right += pick(b.draw, [*shared, own])
    letters = [c for c in dict.fromkeys(left + right) if not (c in left and c in right) or pick(b.draw, (True, False))]
    out = "".join(b.draw(st.permutations(letters)))
    return node(CONTRACT, k.Contract(left, right, out), (x, y))


def _gather(b: _Builder, x: Node) -> Node | None:
    if not x.type.shape:
        return None
    axis = pick(b.draw, range(x.type.ndim))
    size = x.type.shape[axis]
    index = constant(np.array([pick(b.draw, range(size)) for _ in range(2)], np.int64))
    made = node(GATHER, k.Gather(axis), (x, index))
    if x.type.dtype == "bool" or pick(b.draw, (True, False)):
        return made
    return node(SCATTER, k.Scatter(axis, size), (index, made))


def _join(b: _Builder, x: Node) -> Node | None:
    """With what fits, or by new axes with what has the same type; now and then joins of joins."""
    if x.type.ndim < 3 and pick(b.draw, (True, False)):
        axis = pick(b.draw, range(x.type.ndim + 1))
        x = _inserted(x, axis)
        others = [_inserted(n, axis) for n in b.pool if _inserted(n, axis).type == x.type]
    elif x.type.shape:
        axis = pick(b.draw, range(x.type.ndim))
        others = [n for n in b.pool if n.type.dtype == x.type.dtype and _but(n, axis) == _but(x, axis)]
    else:
        return None
    parts = [x, *(pick(b.draw, others or [x]) for _ in range(pick(b.draw, (0, 1, 2, 3))))]
    return node(JOIN, k.Join(axis), tuple(b.draw(st.permutations(parts))))


def _inserted(x: Node, axis: int) -> Node:
    if axis > x.type.ndim:
        return x
    shape = (*x.type.shape[:axis], 1, *x.type.shape[axis:])
    return viewed(x, Affine(shape, tuple(AxisMap(terms=((i + (i >= axis), 1),)) for i in range(x.type.ndim))))


def _but(x: Node, axis: int) -> object:
    return (x.type.ndim, *(d for i, d in enumerate(x.type.shape) if i != axis))


def _index(b: _Builder, x: Node) -> Node | None:
    if not x.type.shape:
        return None
    return node(INDEX, k.Index(x.type.shape, pick(b.draw, range(x.type.ndim))), ())


def _copy(b: _Builder, x: Node) -> Node | None:
    """The same computation again, for cse."""
    return None if isinstance(x.kind, k.Leaf) else Node(x.op, x.kind, x.operands, x.type)


def _constant(b: _Builder, x: Node) -> Node:
    """One number as a view, or a small array of numbers."""
    if pick(b.draw, (True, False)) or x.type.dtype == "bool" or x.type.size > 8:
        return b.number(x.type)
    values = [pick(b.draw, (-1, 0, 1, 2)) for _ in range(x.type.size)]
    return constant(np.array(values, x.type.dtype).reshape(x.type.shape))


_STEPS = (
    _map, _map, _map, _map, _compare, _softmax, _reduce, _reduce, _scan, _broadcast, _broadcast, _permute, _slice,
    _pad, _window, _reshape, _alias, _fold, _contract, _contract, _gather, _join, _join, _index, _copy, _constant,
)  # fmt: skip
