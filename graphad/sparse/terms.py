"""y as a sum of terms: those whose Jacobian is known need no sweep, and hide no structure of the others."""

from dataclasses import dataclass

import numpy as np

from graphad.autodiff.modes import order
from graphad.ops.arithmetic import add, negative, subtract
from graphad.sparse.analysis import entries, symmetric
from graphad.sparse.matrix import Csr, elements, empty, is_known, places, scaled, union
from graphad.tensor import Tensor


@dataclass(frozen=True, eq=False)
class Terms:
    """y = (terms with Jacobian ``known``) + ``rest``, whose Jacobian has the places ``pattern``; either may be None.

    ``values``: the known entries as a tensor that is there already, in place of the numbers of ``known``.
    """

    known: Csr | None
    rest: Tensor | None
    pattern: Csr | None
    values: Tensor | None = None


def split(y: Tensor, x: Tensor, hessian: bool = False) -> Terms:
    """The terms of y by what is known of them.

    For a Hessian y is a gradient: the pattern is made symmetric, and known terms are only taken out if they are
    symmetric by themselves, so that what is left is.
    """
    factors = _terms(y, x)
    nodes = list(factors)
    found = entries(nodes, x)
    known: Csr | None = None
    open_: Csr | None = None
    for node, p in zip(nodes, found, strict=True):
        if p is None:
            continue
        if is_known(p):
            part = scaled(p, float(factors[node]))
            known = part if known is None else union(known, part)
        else:
            open_ = places(p) if open_ is None else places(open_) + places(p)
    if open_ is None:
        known = empty(elements(y), elements(x)).astype(np.float64) if known is None else known
        return Terms(known, None, None)
    if known is not None and hessian and not _is_symmetric(known):
        open_, known = places(open_) + places(known), None
    if known is None or not known.nnz:
        return Terms(None, y, symmetric(open_) if hessian else open_)
    rest = [(factors[n], n) for n, p in zip(nodes, found, strict=True) if p is not None and not is_known(p)]
    return Terms(known, _total(rest), symmetric(open_) if hessian else open_)


def _terms(y: Tensor, x: Tensor) -> dict[Tensor, int]:
    """y = sum of factor * term, through sums, differences and negations; each node once, however often it is used."""
    factors: dict[Tensor, int] = {y: 1}
    for node in reversed(order([y])):
        if node not in factors or node is x or node.op not in (add, subtract, negative):
            continue
        factor = factors.pop(node)
        signs = {add: (1, 1), subtract: (1, -1), negative: (-1,)}[node.op]
        for operand, sign in zip(node.operands, signs, strict=True):
            assert isinstance(operand, Tensor)
            factors[operand] = factors.get(operand, 0) + factor * sign
    return {node: factor for node, factor in factors.items() if factor}


def _total(terms: list[tuple[int, Tensor]]) -> Tensor:
    total: Tensor | None = None
    for factor, term in terms:
        part = term if factor in (1, -1) else float(abs(factor)) * term
        if total is not None:
            total = total + part if factor > 0 else total - part
            continue
        total = part if factor > 0 else -part
    assert total is not None
    return total


def _is_symmetric(p: Csr) -> bool:
    gap = p - p.T
    largest = np.abs(p.data).max(initial=0.0)
    return not gap.nnz or bool(np.abs(gap.data).max() <= 1e-12 * largest)


__all__ = ["Terms", "split"]
