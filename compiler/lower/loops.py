"""Axes collapsed: adjacent axes that every access walks together become one loop."""

from collections.abc import Collection, Sequence

from graphad.compiler.ir.kinds import Gather, Index, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, product
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, AxisMap, Reshape
from graphad.compiler.loops.index import Extents, split


def collapse(nodes: Sequence[Node], shape: Shape, breaks: Collection[int] = ()) -> list[tuple[int, ...]]:
    """Groups of adjacent axes of ``shape`` to be walked by one loop each.

    Two neighbours stay together if no view, evaluated at ``shape``, and no index node tells them apart. ``breaks``:
    axes that start a group in any case, as do the rows that a gather looks up, whose index is read once a row. With a
    view behind a view, or beside a reshape, everything stays apart. Where ``shape`` has no axes of size 1, those of the
    nodes do not count.
    """
    squeeze = 1 not in shape
    maps = [(n.kind.map, n.operands[0].type.shape) for n in nodes if isinstance(n.kind, View)]
    affine = [_squeezed(m, d) if squeeze else (m, d) for m, d in maps if isinstance(m, Affine) and m.used()]
    counts = [_counted(n.kind, squeeze) for n in nodes if isinstance(n.kind, Index)]
    breaks = {
        *breaks,
        *(b for n in nodes if isinstance(n.kind, Gather) and n.type.shape == shape for b in _looked_up(n)),
    }
    reshapes = any(isinstance(m, Reshape) for m, _ in maps)
    if any(m.shape != shape for m, _ in affine) or (reshapes and (affine or counts)):
        return [(i,) for i in range(len(shape))]
    groups: list[list[int]] = []
    for i in range(len(shape)):
        if groups and i not in breaks and _together(i - 1, counts, affine, shape):
            groups[-1].append(i)
        else:
            groups.append([i])
    return [tuple(g) for g in groups]


def _looked_up(node: Node) -> tuple[int, int]:
    """Where the axes begin along which a gather's index changes, and where those of its rows."""
    assert isinstance(node.kind, Gather)
    return node.kind.axis, node.kind.axis + node.operands[1].type.ndim


def _squeezed(found: Affine, operand: Shape) -> tuple[Affine, Shape]:
    """The map without the axes of size 1, of which index 0 alone is read."""
    place: dict[int, int] = {}
    for j, d in enumerate(found.shape):
        if d != 1:
            place[j] = len(place)
    axes, shape = [], []
    for axis, d in zip(found.axes, operand, strict=True):
        terms = tuple((place[j], c) for j, c in axis.terms if j in place)
        if d != 1 or terms:
            axes.append(AxisMap(axis.offset, terms, axis.divisor, axis.guarded))
            shape.append(d)
    return Affine(tuple(d for d in found.shape if d != 1), tuple(axes), found.fill), tuple(shape)


def _counted(kind: Index, squeeze: bool) -> int:
    """The axis that an index node counts along, -1 for one of size 1 that is gone."""
    if not squeeze:
        return kind.axis
    return -1 if kind.shape[kind.axis] == 1 else sum(d != 1 for d in kind.shape[: kind.axis])


def _together(i: int, counts: Sequence[int], maps: Sequence[tuple[Affine, Shape]], shape: Shape) -> bool:
    """Axes i and i + 1 are walked together by every view."""
    if i in counts or i + 1 in counts:
        return False
    for found, operand in maps:
        used = found.used()
        if i not in used and i + 1 not in used:
            continue
        at = [a for a, axis in enumerate(found.axes) if axis.is_identity(i)]
        if len(at) != 1 or at[0] + 1 >= len(found.axes) or not found.axes[at[0] + 1].is_identity(i + 1):
            return False
        if operand[at[0] + 1] != shape[i + 1] or any(
            j in (i, i + 1) for a, axis in enumerate(found.axes) if a not in (at[0], at[0] + 1) for j, _ in axis.terms
        ):
            return False
    return True


def extent(group: tuple[int, ...], shape: Shape) -> Dim:
    """The iterations of a group's loop."""
    return product(shape[i] for i in group)


def index_of(
    groups: Sequence[tuple[int, ...]], variables: Sequence[Dim], shape: Shape, extents: Extents
) -> tuple[Dim, ...]:
    """The index at the loops' variables."""
    found: list[Dim] = []
    for group, variable in zip(groups, variables, strict=True):
        found += split(variable, tuple(shape[i] for i in group), extents)
    return tuple(found)
