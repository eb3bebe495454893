"""The transpose of an affine view: a sum, another view, or a fold."""

from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, AxisMap
from graphad.ops.reductions import sum as sum_
from graphad.ops.shape import affine as view
from graphad.ops.shape import fold
from graphad.tensor import Tensor


def transpose_view(cotangent: Tensor, map: Affine, shape: Shape) -> Tensor:
    """The cotangent of a view's operand of ``shape``.

    Result axes that were broadcast are summed; what is left is a view where every remaining axis goes to one place
    (permuting, slicing, padding, dilating), else a fold (overlapping windows, diagonals).
    """
    repeated = tuple(i for i in range(len(map.shape)) if i not in map.used())
    if repeated:
        cotangent = sum_(cotangent, repeated)
        map = _without(map, repeated)
    inverse = _inverse(map, shape)
    if inverse is None:
        return fold(cotangent, map, shape)
    reads, fixed = inverse
    for axis in fixed:  # an axis read at one index: a cotangent axis of size 1 to be padded
        cotangent = _insert(cotangent, axis)
    return view(cotangent, shape, reads)


def _without(map: Affine, axes: tuple[int, ...]) -> Affine:
    kept = [i for i in range(len(map.shape)) if i not in axes]
    place = {a: i for i, a in enumerate(kept)}
    maps = tuple(AxisMap(a.offset, tuple((place[j], c) for j, c in a.terms), a.divisor, a.guarded) for a in map.axes)
    return Affine(tuple(map.shape[i] for i in kept), maps, map.fill)


def _insert(x: Tensor, _: int) -> Tensor:
    """A last axis of size 1."""
    return view(x, (*x.shape, 1), [AxisMap(terms=((i, 1),)) for i in range(x.ndim)])


def _inverse(map: Affine, shape: Shape) -> tuple[list[AxisMap], list[int]] | None:
    """Where each cotangent axis is read for an operand index, and the operand axes that were read at one index.

    Result axis i with operand index j = (c i + o) / d is read at i = (d j - o) / c.
    """
    reads: dict[int, AxisMap] = {}
    fixed: list[int] = []
    for a, axis in enumerate(map.axes):
        if len(axis.terms) > 1:
            return None
        if not axis.terms:
            reads[len(map.shape) + len(fixed)] = AxisMap(
                0 - axis.offset, ((a, axis.divisor),), 1, axis.guarded or shape[a] != 1
            )
            fixed.append(a)
            continue
        ((i, c),) = axis.terms
        if i in reads or (abs(c) > 1 and axis.divisor > 1):
            return None
        sign = 1 if c > 0 else -1
        offset: Dim = -sign * axis.offset
        covered = axis.offset == (0 if c > 0 else shape[a] - 1) and map.shape[i] == shape[a] and axis.divisor == 1
        reads[i] = AxisMap(offset, ((a, sign * axis.divisor),), abs(c), not (covered and abs(c) == 1))
    return [reads[i] for i in range(len(map.shape) + len(fixed))], fixed
