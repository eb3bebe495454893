"""Patterns through contractions: exact in the zeros of an operand that is known, dense in one that is not."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from graphad.compiler.ir.kinds import Contract
from graphad.sparse.known import Known
from graphad.sparse.matrix import Csr, check_entries, grouped, is_known, places, select, sparse, times, union
from graphad.tensor import Tensor


def contracted(node: Tensor, operands: Sequence[Csr | None], known: Known) -> Csr | None:
    """Both operands' parts of the product rule."""
    kind = node.kind
    assert isinstance(kind, Contract)
    x, y = node.operands
    sizes = dict(zip(kind.left + kind.right, (*x.type.shape, *y.type.shape), strict=True))
    left, right = operands
    out: Csr | None = None
    for p, own, other, factor in ((left, kind.left, kind.right, y), (right, kind.right, kind.left, x)):
        if p is None:
            continue
        part = _part(p, own, other, kind.out, known.value(factor), sizes)  # type: ignore[arg-type]
        out = part if out is None else union(out, part)
    return out


def _part(p: Csr, own: str, other: str, out: str, factor: np.ndarray | None, sizes: Mapping[str, int]) -> Csr:
    if factor is None or (not is_known(p) and factor.all()):
        return _repeated(places(p), own, out, sizes)
    linear = matrix(own, other, out, factor, sizes)
    return linear if _is_identity(p) else times(linear, p)


def _is_identity(p: Csr) -> bool:
    return bool(
        is_known(p)
        and p.shape[0] == p.shape[1] == p.nnz
        and (p.indices == np.arange(p.nnz)).all()
        and (p.data == 1).all()
        and (p.indptr == np.arange(p.nnz + 1)).all()
    )


def _repeated(p: Csr, own: str, out: str, sizes: Mapping[str, int]) -> Csr:
    """Against a factor without zeros: the union over summed letters, repeated along the factor's own."""
    kept = [c for c in own if c in out]
    shape = [sizes[c] for c in kept]
    numbered = np.arange(math.prod(shape))
    if len(kept) < len(own):
        p = grouped(p, _aligned(numbered.reshape(shape), kept, own, sizes), len(numbered))
    return select(p, _aligned(numbered.reshape(shape), kept, out, sizes))


def _aligned(
    numbers: np.ndarray, letters: Sequence[str], wanted: Sequence[str], sizes: Mapping[str, int]
) -> np.ndarray:
    """An array with axes ``letters`` over axes ``wanted``, flat."""
    order = [letters.index(c) for c in wanted if c in letters]
    moved = np.transpose(numbers, order)
    line = moved.reshape([sizes[c] if c in letters else 1 for c in wanted])
    return np.broadcast_to(line, [sizes[c] for c in wanted]).reshape(-1)


def matrix(own: str, other: str, out: str, factor: np.ndarray, sizes: Mapping[str, int]) -> Csr:
    """The map from the operand ``own`` to the result as a matrix of the factor's entries that are not zero."""
    alone = [c for c in own if c not in other]
    flat = np.flatnonzero(factor)  # a scalar has no axes to name its entry by
    entries = np.unravel_index(flat, factor.shape) if factor.ndim else ()
    count = math.prod(sizes[c] for c in alone)
    check_entries(len(flat) * count)
    loose = np.indices([sizes[c] for c in alone]).reshape(len(alone), count)
    place = {c: e[:, None] for c, e in zip(other, entries, strict=True)}
    place |= {c: e[None, :] for c, e in zip(alone, loose, strict=True)}
    data = np.broadcast_to(np.asarray(factor.reshape(-1)[flat], np.float64)[:, None], (len(flat), count))
    rows, columns = (_flat(letters, place, sizes, data.shape) for letters in (out, own))
    shape = (math.prod(sizes[c] for c in out), math.prod(sizes[c] for c in own))
    return sparse.csr_array((data.reshape(-1), (rows, columns)), shape=shape)


def _flat(
    letters: str, place: Mapping[str, np.ndarray], sizes: Mapping[str, int], shape: tuple[int, ...]
) -> np.ndarray:
    at = np.zeros((1, 1), np.int64)
    for c in letters:
        at = at * sizes[c] + place[c]
    return np.broadcast_to(at, shape).reshape(-1)
