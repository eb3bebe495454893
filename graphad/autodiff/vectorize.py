"""The same computation over a new first axis: one rule a kind."""

import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphad.autodiff.custom import STOP, CustomOp, custom_derivative, stop_gradient
from graphad.autodiff.local import inputs_of
from graphad.autodiff.modes import order
from graphad.autodiff.structure import flatten, unflatten
from graphad.build import as_tensor, make, refuse
from graphad.compiler.errors import GraphError, ShapeError
from graphad.compiler.ir.kinds import (
    After,
    Constant,
    Contract,
    Fold,
    Gather,
    Index,
    Join,
    Leaf,
    Map,
    Reduce,
    Scan,
    Scatter,
    SizeOf,
    View,
)
from graphad.compiler.ir.op import AFTER, CONTRACT, FOLD, JOIN, VIEW
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.view import Affine, AxisMap
from graphad.leaves import input as placeholder
from graphad.ops.advance import AdvanceOp
from graphad.ops.indexing import gather, scatter_add
from graphad.ops.shape import affine, index, moveaxis, reshape
from graphad.sites import origin
from graphad.tensor import Tensor


def vectorize(outputs: Any, batched: Mapping[Tensor, Any]) -> Any:
    """``outputs`` (answered in kind) computed for each element of a new first axis of the given tensors.

    Args:
        outputs: a tensor, or a list, tuple or dict of them.
        batched: for each tensor to replace, its values: shape (B, *tensor.shape), the same B for all.

    Outputs that depend on none of them are repeated.

    Errors: GraphError where ``batched`` is no dict of tensors, ShapeError where the values' shapes do not fit.

    >>> import graphad as ga
    >>> x, xs = ga.input("x", (3,)), ga.input("xs", ("B", 3))
    >>> vectorize(ga.sum(x * x), {x: xs}).shape
    (B,)
    """
    roots = flatten("vectorize", outputs)
    if not isinstance(batched, Mapping):
        refuse(
            GraphError,
            "vectorize",
            tuple(roots),
            f"batched: expected a dict {{tensor: its values}}, got {_show(batched)}; write vectorize(y, {{x: xs}})",
        )
    done: dict[Tensor, Tensor] = {}
    extent: Dim | None = None
    for x, values in batched.items():
        if not isinstance(x, Tensor):
            refuse(
                GraphError,
                "vectorize",
                tuple(roots),
                f"batched: expected tensors as keys, got {x!r}; write vectorize(y, {{x: xs}})",
            )
        xs = as_tensor(values, "vectorize")
        if xs.ndim != x.ndim + 1 or xs.shape[1:] != x.shape or (extent is not None and xs.shape[0] != extent):
            refuse(
                ShapeError,
                "vectorize",
                (x, xs),
                f"expected shape ({'B' if extent is None else extent}, *{list(x.shape)})",
            )
        extent = xs.shape[0]
        done[x] = xs if xs.dtype == x.dtype else xs.astype(x.dtype)
    if extent is None:
        refuse(ShapeError, "vectorize", tuple(roots), "names no tensor to replace")
    for node in _order(roots):
        if node not in done and any(o in done for o in _moving(node)):
            with origin(node.site):
                done[node] = _node(node, done, extent)
    return unflatten(outputs, [done[y] if y in done else lifted(y, extent) for y in roots])


def vectorize_within(output: Tensor, hole: Tensor, values: Tensor, known: set[Tensor]) -> Tensor:
    """``vectorize(output, {hole: values})`` where nothing behind the tensors ``known`` depends on ``hole``.

    Looks at the few nodes in between only, so that it costs the same in a small graph and in a large one.
    """
    done = {hole: values}
    extent = values.shape[0]

    def inner(node: Tensor) -> tuple[Tensor, ...]:
        return () if node in known else _operands(node)

    for node in order([output], inner):
        if node not in done and any(o in done for o in inner(node)):
            with origin(node.site):
                done[node] = _node(node, done, extent)
    return done[output] if output in done else lifted(output, extent)


def _show(value: object) -> str:
    return repr(value) if isinstance(value, Tensor) else type(value).__name__


def _operands(node: Tensor) -> tuple[Tensor, ...]:
    """What the value needs, and what a custom rule names."""
    inputs = inputs_of(node)
    return inputs if inputs is node.operands else (*node.operands, *inputs)  # type: ignore[arg-type]


def _moving(node: Tensor) -> tuple[Tensor, ...]:
    """What makes the node depend on the batch; what it only waits for does not."""
    return inputs_of(node) if isinstance(node.kind, After) else _operands(node)


def _order(roots: Iterable[Tensor]) -> list[Tensor]:
    """All nodes behind the roots, operands first: those behind a custom derivative's value, too."""
    return order(roots, _operands)


def lifted(x: Tensor, extent: Dim) -> Tensor:
    """``x`` repeated along a new first axis."""
    return affine(x, (extent, *x.shape), [AxisMap(terms=((i + 1, 1),)) for i in range(x.ndim)])


def _node(node: Tensor, done: Mapping[Tensor, Tensor], extent: Dim) -> Tensor:
    def full(x: Any) -> Tensor:
        return done[x] if x in done else lifted(x, extent)

    if node.op is STOP:
        return stop_gradient(full(node.operands[0]))
    if isinstance(node.op, CustomOp):
        return _custom(node, node.op, done, extent)
    if isinstance(node.op, AdvanceOp):
        message = f"it advances state {node.op.state.name!r}, which has one next value, not one for each element"
        refuse(GraphError, "vectorize", (node,), message)
    match node.kind:
        case Leaf() | Constant() | SizeOf() | Index():
            return lifted(node, extent)
        case Map() as kind:
            return make(node.op, kind, [full(x) for x in node.operands])
        case Reduce(monoid=monoid, axes=axes):
            return make(node.op, Reduce(monoid, tuple(a + 1 for a in axes)), [full(node.operands[0])])
        case Scan(monoid=monoid, axis=axis, reverse=reverse):
            return make(node.op, Scan(monoid, axis + 1, reverse), [full(node.operands[0])])
        case View(map=found):
            x = full(node.operands[0])
            if isinstance(found, Affine):
                return make(VIEW, View(_shifted(found, extent)), [x])
            return reshape(x, (extent, *found.shape))
        case Join(axis=axis):
            return make(JOIN, Join(axis + 1), [full(x) for x in node.operands])
        case Fold(map=found, shape=shape):
            return make(FOLD, Fold(_shifted(found, extent), (extent, *shape)), [full(node.operands[0])])
        case Contract() as kind:
            return _contract(node, kind, done)
        case Gather(axis=axis):
            return _gather(node, axis, done, extent)
        case Scatter(axis=axis, size=size):
            return _scatter(node, axis, size, done, extent)
        case After() as kind:
            value, earlier = node.operands
            return make(AFTER, kind, [full(value), done.get(earlier, earlier)])  # type: ignore[call-overload]


def _shifted(found: Affine, extent: Dim) -> Affine:
    axes = [AxisMap(a.offset, tuple((j + 1, c) for j, c in a.terms), a.divisor, a.guarded) for a in found.axes]
    return Affine((extent, *found.shape), (AxisMap(terms=((0, 1),)), *axes), found.fill)


def _contract(node: Tensor, kind: Contract, done: Mapping[Any, Tensor]) -> Tensor:
    x, y = node.operands
    batch = next(c for c in string.ascii_letters if c not in kind.left + kind.right)
    left = batch + kind.left if x in done else kind.left
    right = batch + kind.right if y in done else kind.right
    operands = (done.get(x, x), done.get(y, y))
    return make(CONTRACT, Contract(left, right, batch + kind.out), operands)


def _gather(node: Tensor, axis: int, done: Mapping[Any, Tensor], extent: Dim) -> Tensor:
    x, places = node.operands
    if places not in done:
        return gather(done[x], places, axis + 1)  # type: ignore[arg-type]
    if x not in done:
        return moveaxis(gather(x, done[places], axis), axis, 0)  # type: ignore[arg-type]
    flat = _joined(done[x], axis)
    found = gather(flat, _offset(done[places], x.type.shape[axis]), 0)
    return _placed(found, done[places].ndim, axis)


def _joined(x: Tensor, axis: int) -> Tensor:
    """(B, .., n, ..) as (B * n, .., ..)."""
    moved = moveaxis(x, axis + 1, 1)
    return reshape(moved, (moved.shape[0] * moved.shape[1], *moved.shape[2:]))


def _offset(places: Tensor, size: Dim) -> Tensor:
    return places.astype("int64") + index(places.shape, 0) * as_tensor(size)


def _placed(x: Tensor, count: int, axis: int) -> Tensor:
    """Index axes 1..count-1, gathered at the front behind the batch, back to ``axis`` of the unbatched result."""
    for _ in range(count - 1):
        x = moveaxis(x, 1, axis + count - 1)
    return x


def _scatter(node: Tensor, axis: int, size: Dim, done: Mapping[Any, Tensor], extent: Dim) -> Tensor:
    places, values = node.operands
    batch = done[values] if values in done else lifted(values, extent)  # type: ignore[arg-type]
    if places not in done:
        return scatter_add(places, batch, axis + 1, size)  # type: ignore[arg-type]
    index_axes = places.type.ndim
    for i in range(index_axes):  # index axes to the front, behind the batch
        batch = moveaxis(batch, axis + 1 + i, 1 + i)
    flat = scatter_add(_offset(done[places], size), batch, 0, extent * size)
    split = reshape(flat, (extent, size, *flat.shape[1:]))
    return moveaxis(split, 1, axis + 1)


def _custom(node: Tensor, op: CustomOp, done: Mapping[Tensor, Tensor], extent: Dim) -> Tensor:
    """The rules, vectorised in turn over placeholders for their directions."""

    def full(x: Any) -> Tensor:
        return done[x] if x in done else lifted(x, extent)

    def batched_jvp(*tangents: Tensor) -> Tensor:
        holes = [placeholder(f"tangent{i}", x.shape, x.dtype) for i, x in enumerate(op.inputs)]
        return _over(op.jvp(*holes), {**done, **dict(zip(holes, tangents, strict=True))})  # type: ignore[no-any-return]

    def batched_vjp(cotangent: Tensor) -> Sequence[Tensor | None]:
        hole = placeholder("cotangent", node.shape, node.dtype)
        parts = op.vjp(hole)
        return [None if p is None else _over(p, {**done, hole: cotangent}) for p in parts]

    inputs = [full(x) for x in op.inputs]
    return custom_derivative(full(node.operands[0]), inputs, batched_jvp, batched_vjp)


def _over(output: Tensor, batched: Mapping[Tensor, Tensor]) -> Any:
    return vectorize(output, batched)
