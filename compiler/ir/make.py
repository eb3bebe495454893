"""Making nodes inside the compiler: typed by the kinds' own rules, on the line of the node they stand for."""

from typing import Any

import numpy as np

from graphad.compiler.ir.infer import infer
from graphad.compiler.ir.kinds import After, Constant, Kind, Map, Reduce, SizeOf, View
from graphad.compiler.ir.node import UNKNOWN, Node, Site
from graphad.compiler.ir.op import CONSTANT, RESHAPE, SIZE, VIEW, MapOp, Op, ReduceOp, registered
from graphad.compiler.ir.scalar import Arg, Cast
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import Shape, TensorType
from graphad.compiler.ir.view import Affine, AxisMap, Reshape


def node(op: Op, kind: Kind, operands: tuple[Node, ...], site: Site = UNKNOWN) -> Node:
    """A node whose type is inferred."""
    return Node(op, kind, operands, infer(kind, [o.type for o in operands]), site)


def constant(value: Any, dtype: str | None = None, site: Site = UNKNOWN) -> Node:
    """A known value."""
    array = np.asarray(value, dtype=dtype)
    return Node(CONSTANT, Constant(array), (), TensorType(array.dtype.name, array.shape), site)


def counted(size: Dim, dtype: str, site: Site = UNKNOWN) -> Node:
    """A size as a number of a dtype, which some op converts it to."""
    whole = node(SIZE, SizeOf(size), (), site)
    if dtype == whole.type.dtype:
        return whole
    return mapped(
        next(op for op in registered() if isinstance(op, MapOp) and op.scalar == Cast(dtype, Arg(0))), whole, site=site
    )


def full(value: Any, like: TensorType, site: Site = UNKNOWN) -> Node:
    """One value of a type's dtype everywhere, in the canonical form: a view of a constant without axes."""
    return viewed(constant(value, like.dtype, site), Affine(like.shape, ()), site)


def mapped(op: MapOp, *operands: Node, site: Site = UNKNOWN) -> Node:
    """An elementwise op on operands of one shape."""
    return node(op, Map(op.scalar), operands, site)


def reduced(op: ReduceOp, x: Node, axes: tuple[int, ...], site: Site = UNKNOWN) -> Node:
    """A reduction over axes."""
    return node(op, Reduce(op.monoid, axes), (x,), site)


def viewed(x: Node, affine: Affine, site: Site = UNKNOWN) -> Node:
    """A view; ``x`` itself for the identity."""
    return x if affine.is_identity(x.type.shape) else node(VIEW, View(affine), (x,), site)


def reshaped(x: Node, shape: Shape, site: Site = UNKNOWN) -> Node:
    """The same elements in another shape; ``x`` itself where that is its own."""
    return x if x.type.shape == shape else node(RESHAPE, View(Reshape(shape)), (x,), site)


def spread(x: Node, axes: tuple[int, ...], shape: Shape, site: Site = UNKNOWN) -> Node:
    """``x`` repeated along ``axes`` of ``shape``, which it lacks: what undoes the shape of a reduction."""
    kept = [i for i in range(len(shape)) if i not in axes]
    return viewed(x, Affine(shape, tuple(AxisMap(terms=((i, 1),)) for i in kept)), site)


def is_unguarded_view(x: Node) -> bool:
    """Whether every element is an element of the operand."""
    if not isinstance(x.kind, View):
        return False
    return isinstance(x.kind.map, Reshape) or not x.kind.map.guarded


def beneath_views(x: Node) -> Node:
    """What lies under a chain of views that only rearrange and repeat."""
    while is_unguarded_view(x):
        x = x.operands[0]
    return x


def beneath_waits(x: Node) -> Node:
    """The value of ``x`` whenever it is there. A rule about stability may read it too early, never read another one."""
    while isinstance(x.kind, After):
        x = x.operands[0]
    return x


def uniform(x: Node) -> Any | None:
    """The NumPy scalar that every element of ``x`` is known to be, or None."""
    base = beneath_views(x)
    if isinstance(base.kind, Constant) and base.kind.value.size == 1:
        return base.kind.value.reshape(-1)[0]
    return None
