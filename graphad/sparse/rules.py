"""How a pattern goes through one node: a rule a kind, as derivatives have one. Rows are elements of the node, flat.

Operands come as their patterns with respect to the input, None where nothing leads to it.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from graphad.autodiff.custom import CustomOp, check_rule
from graphad.autodiff.local import inputs_of, spread
from graphad.compiler.interpret import view
from graphad.compiler.ir.kinds import (
    PROD,
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
from graphad.compiler.ir.view import Affine
from graphad.leaves import input as placeholder
from graphad.ops.creation import zeros_like
from graphad.ops.record import Elementwise, Partial, Reduction, Select
from graphad.sparse.contraction import contracted
from graphad.sparse.known import Known
from graphad.sparse.known import spread as over
from graphad.sparse.matrix import (
    Csr,
    check_entries,
    grouped,
    is_known,
    masked,
    places,
    scaled,
    select,
    sparse,
    times,
    union,
)
from graphad.tensor import Tensor

Numbers: TypeAlias = tuple[int, ...]
Linear: TypeAlias = Callable[[Tensor, Sequence[Tensor]], Sequence[Csr | None]]
"""(a tensor, the inputs that it is linear in) -> its patterns with respect to each: how a user's rule is looked at."""


def through(node: Tensor, operands: Sequence[Csr | None], known: Known, probe: Linear) -> Csr | None:
    """The node's pattern from its inputs' (those that AD sees)."""
    if isinstance(node.op, CustomOp):
        return _custom(node, node.op, operands, probe)
    first = operands[0] if operands else None
    match node.kind:
        case Leaf() | Constant() | SizeOf() | Index():
            return None
        case Map():
            return _map(node, operands, known)
        case Join(axis=axis):
            return _join(node, operands, axis)
        case Contract():
            return contracted(node, operands, known)
        case Scatter(axis=axis):
            values = operands[1]
            return None if values is None else _scatter(node, values, axis, known)
        case _:
            pass
    if first is None:
        return None
    match node.kind:
        case Reduce(axes=axes):
            return _reduce(node, first, axes, known)
        case Scan(axis=axis, reverse=reverse):
            left = _prefixes(_shape(node), axis, reverse)
            return times(places(left) if node.kind.monoid == PROD else left, first)
        case View(map=Affine() as found):
            shape = _shape(node.operands[0])
            return first if found.is_identity(shape) else select(first, _read(found, shape))
        case View() | After():
            return first
        case Fold(map=found):
            return grouped(first, _read(found, _shape(node)), _size(node))
        case Gather(axis=axis):
            return _gather(node, first, axis, known)
        case _:
            raise AssertionError(node.kind)


def _shape(node: object) -> Numbers:
    assert isinstance(node, Tensor)
    return node.shape  # type: ignore[return-value]


def _size(node: Tensor) -> int:
    return math.prod(_shape(node))


def _numbered(shape: Numbers) -> np.ndarray:
    return np.arange(math.prod(shape)).reshape(shape)


def _read(found: Affine, shape: Numbers) -> np.ndarray:
    """Which element of ``shape`` each element of the view reads; its size stands for the fill value."""
    return view(_numbered(shape), Affine(found.shape, found.axes, fill=math.prod(shape))).reshape(-1)


def _map(node: Tensor, operands: Sequence[Csr | None], known: Known) -> Csr | None:
    op = node.op
    assert isinstance(op, Elementwise)
    assert op.partials is not None
    partials = op.partials(*node.operands, node)
    out: Csr | None = None
    for partial, p in zip(partials, operands, strict=True):
        part = None if p is None else weighted(partial, p, _shape(node), known)
        out = part if out is None else out if part is None else union(out, part)
    return out


def weighted(partial: Partial, p: Csr, shape: Numbers, known: Known) -> Csr | None:
    """diag(partial) p: known where both are, without the rows where the partial is known to be zero."""
    if callable(partial):
        partial = partial()
    if partial is None or (isinstance(partial, int | float) and partial == 0):
        return None
    if isinstance(partial, int | float):
        return p if partial == 1 else scaled(p, float(partial))
    if isinstance(partial, Select):
        return _selected(partial, p, shape, known)
    value = known.value(partial)
    return _open(partial, p, shape, known) if value is None else scaled(p, over(value, shape))


def _open(factor: Tensor, p: Csr, shape: Numbers, known: Known) -> Csr:
    """diag(factor) p for a factor of run time: the places, without the rows where it is always zero."""
    keep = known.places(factor)
    return places(p) if keep is None else masked(p, over(keep, shape))


def _selected(partial: Select, p: Csr, shape: Numbers, known: Known) -> Csr:
    condition = known.value(partial.condition)
    weight = partial.weight if isinstance(partial.weight, int) else known.value(partial.weight)
    if weight is None:
        assert isinstance(partial.weight, Tensor)
        p = _open(partial.weight, p, shape, known)
    if condition is None:
        return places(p)
    if weight is None:
        return masked(p, over(condition, shape))
    return scaled(p, over(np.where(condition, weight, 0), shape))


def _reduce(node: Tensor, p: Csr, axes: Numbers, known: Known) -> Csr | None:
    op, x = node.op, node.operands[0]
    assert isinstance(op, Reduction)
    assert op.weights is not None
    assert isinstance(x, Tensor)
    shape = _shape(x)
    part = weighted(op.weights(x, spread(node, axes, shape), axes), p, shape, known)
    if part is None:
        return None
    targets = np.broadcast_to(np.expand_dims(_numbered(_shape(node)), axes), shape).reshape(-1)
    return grouped(part, targets, _size(node))


def _join(node: Tensor, operands: Sequence[Csr | None], axis: int) -> Csr | None:
    """The operands' rows below each other, then in the order of the result."""
    there = [p for p in operands if p is not None]
    if not there:
        return None
    shapes = [_shape(o) for o in node.operands]
    blank = [sparse.csr_array((math.prod(s), there[0].shape[1])) for s in shapes]
    parts = [b if p is None else p for p, b in zip(operands, blank, strict=True)]
    known = all(map(is_known, there))
    stacked = sparse.vstack(parts if known else [places(p) for p in parts], format="csr")
    starts = np.cumsum([0, *(math.prod(s) for s in shapes)])
    order = np.concatenate([_numbered(s) + start for s, start in zip(shapes, starts, strict=False)], axis)
    return select(stacked, order.reshape(-1))


def _prefixes(shape: Numbers, axis: int, reverse: bool) -> Csr:
    """Ones where element i of a line has element j in its prefix (suffix)."""
    n, size = shape[axis], math.prod(shape)
    check_entries(size * (n + 1) // 2)
    i, j = np.triu_indices(n) if reverse else np.tril_indices(n)
    lines = np.moveaxis(_numbered(shape), axis, -1).reshape(size // max(n, 1), n)
    where = (lines[:, i].reshape(-1), lines[:, j].reshape(-1))
    return sparse.csr_array((np.ones(len(where[0])), where), shape=(size, size))


def _gather(node: Tensor, p: Csr, axis: int, known: Known) -> Csr:
    shape, index = _shape(node.operands[0]), node.operands[1]
    value = known.value(index)
    if value is not None:  # an index out of range stops the run; until then it is taken for the nearest
        return select(p, np.take(_numbered(shape), value, axis, mode="clip").reshape(-1))
    kept = (*shape[:axis], *shape[axis + 1 :])
    targets = np.broadcast_to(np.expand_dims(_numbered(kept), axis), shape).reshape(-1)
    line = grouped(places(p), targets, math.prod(kept))  # any element of the axis may be read
    between = tuple(range(axis, axis + index.type.ndim))
    return select(line, np.broadcast_to(np.expand_dims(_numbered(kept), between), _shape(node)).reshape(-1))


def _scatter(node: Tensor, p: Csr, axis: int, known: Known) -> Csr:
    index, values = node.operands
    shape = _shape(node)
    value = known.value(index)
    if value is not None:
        return grouped(p, np.take(_numbered(shape), value, axis, mode="clip").reshape(-1), _size(node))
    kept = (*shape[:axis], *shape[axis + 1 :])
    between = tuple(range(axis, axis + index.type.ndim))
    targets = np.broadcast_to(np.expand_dims(_numbered(kept), between), _shape(values)).reshape(-1)
    line = grouped(places(p), targets, math.prod(kept))
    return select(line, np.broadcast_to(np.expand_dims(_numbered(kept), axis), shape).reshape(-1))


def _custom(node: Tensor, op: CustomOp, operands: Sequence[Csr | None], probe: Linear) -> Csr | None:
    """The rule's graph is linear in the tangents that it is given, so its pattern is that of the local Jacobian."""
    tangents = [placeholder(f"tangent{i}", x.shape, x.dtype) for i, x in enumerate(inputs_of(node))]
    live = [i for i, p in enumerate(operands) if p is not None]
    given = [t if i in live else zeros_like(t) for i, t in enumerate(tangents)]
    found = check_rule("jvp", node, op.jvp(*given), node)
    if found is None:
        return None
    out: Csr | None = None
    for i, local in zip(live, probe(found, [tangents[i] for i in live]), strict=True):
        part = None if local is None else times(local, operands[i])
        out = part if out is None else out if part is None else union(out, part)
    return out
