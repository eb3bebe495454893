"""The values of a plan as nodes: seeds by colour, one vectorised sweep, and each entry read from what it gives."""

import numpy as np

from graphad.autodiff.modes import pull_back, push_forward
from graphad.autodiff.vectorize import vectorize
from graphad.build import broadcast, cast, constant
from graphad.leaves import input as placeholder
from graphad.ops.arithmetic import equal, where
from graphad.ops.creation import zeros
from graphad.ops.indexing import gather
from graphad.ops.shape import reshape
from graphad.sparse.compression import Compression
from graphad.sparse.matrix import Array, Csr, elements, sparse
from graphad.sparse.recovery import recover
from graphad.sparse_tensor import SparseTensor
from graphad.tensor import Tensor


def built(plan: Compression, dtype: str) -> SparseTensor:
    """The values in CSR order: known ones, computed ones, or their sum."""
    if plan.terms.values is not None:
        return SparseTensor(plan.terms.values, plan.pattern)
    known, rest = plan.terms.known, plan.terms.pattern
    if not plan.nnz:
        return SparseTensor(zeros((0,), dtype), plan.pattern)
    parts: list[Tensor] = []
    if known is not None and known.nnz:
        parts.append(constant(_aligned(known, plan.pattern)[0].astype(dtype)))
    if rest is not None and rest.nnz:
        parts.append(cast(_computed(plan), dtype))
    values = parts[0] if len(parts) == 1 else parts[0] + parts[1]
    return SparseTensor(values, plan.pattern)


def _aligned(p: Csr, whole: Csr) -> tuple[Array, Array]:
    """The data of p at the entries of a pattern that covers it, 0 elsewhere; and whether p has the entry."""
    if p.nnz == whole.nnz:
        return p.data, np.ones(p.nnz, bool)
    row = [np.repeat(np.arange(q.shape[0]), np.diff(q.indptr)).astype(np.int64) for q in (p, whole)]
    mine, all_ = (r * whole.shape[1] + q.indices for r, q in zip(row, (p, whole), strict=True))
    data, there = np.zeros(whole.nnz, p.dtype), np.zeros(whole.nnz, bool)
    at = np.searchsorted(all_, mine)
    data[at], there[at] = p.data, True
    return data, there


def _computed(plan: Compression) -> Tensor:
    """What the sweeps give, at each entry of the whole pattern; 0 where only known terms are."""
    rest, y, x = plan.terms.pattern, plan.terms.rest, plan.x
    assert rest is not None
    assert y is not None
    by_column, place = recover(rest, plan.columns, plan.rows)
    assert (place >= 0).all(), "a colouring that cannot be read"
    numbered = sparse.csr_array((np.arange(rest.nnz), rest.indices, rest.indptr), shape=rest.shape)
    number, there = _aligned(numbered, plan.pattern)
    by_column, place = by_column[number], place[number]
    star = plan.method == "star"
    tangents = _tangents(y, x, plan.columns, plan.tangents) if plan.tangents else None
    adjoints = tangents if star else _adjoints(y, x, plan.rows, plan.adjoints) if plan.adjoints else None
    if star or tangents is None or adjoints is None:
        only = adjoints if tangents is None else tangents
        assert only is not None
        values = _read(only, place)
    else:
        values = where(
            constant(by_column),
            _read(tangents, np.where(by_column, place, 0)),
            cast(_read(adjoints, np.where(by_column, 0, place)), tangents.dtype),
        )
    return values if there.all() else where(constant(there), values, 0)


def _read(compressed: Tensor, place: Array) -> Tensor:
    small = elements(compressed) < 2**31
    return gather(compressed, constant(place.astype(np.int32 if small else np.int64)), 0)


def _seeds(colours: Array, count: int, like: Tensor) -> Tensor:
    """(count, *like.shape): 1 where the element has the colour. One colour comes without the first axis."""
    mine = constant(colours.astype(np.int32).reshape(like.shape))
    if count == 1:
        return equal(mine, constant(0, "int32")).astype(like.dtype)
    shape = (count, *like.shape)
    numbers = constant(np.arange(count, dtype=np.int32).reshape(count, *[1] * like.ndim))
    return equal(broadcast(numbers, shape), broadcast(mine, shape)).astype(like.dtype)


def _tangents(y: Tensor, x: Tensor, colours: Array, count: int) -> Tensor:
    """J @ seeds as (count * y.size,)."""
    seeds = _seeds(colours, count, x)
    if count == 1:
        (swept,) = push_forward([y], [x], [seeds])
    else:
        tangent = placeholder("tangent", x.shape, x.dtype)
        swept = vectorize(push_forward([y], [x], [tangent])[0], {tangent: seeds})
    return reshape(swept, (count * y.size,))


def _adjoints(y: Tensor, x: Tensor, colours: Array, count: int) -> Tensor:
    """seeds @ J as (count * x.size,)."""
    seeds = _seeds(colours, count, y)
    if count == 1:
        (swept,) = pull_back([y], [seeds], [x])
    else:
        cotangent = placeholder("cotangent", y.shape, y.dtype)
        swept = vectorize(pull_back([y], [cotangent], [x])[0], {cotangent: seeds})
    return reshape(swept, (count * x.size,))
