"""Axes collapsed: adjacent axes that every access walks together become one loop."""

from collections.abc import Sequence

from graphad.compiler.ir.kinds import Index, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, product
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, Reshape
from graphad.compiler.loops.index import Extents, split


def collapse(nodes: Sequence[Node], shape: Shape, breaks: Sequence[int] = ()) -> list[tuple[int, ...]]:
    """Groups of adjacent axes of ``shape`` to be walked by one loop each.

    Two neighbours stay together if no view, evaluated at ``shape``, and no index node tells them apart. ``breaks``:
    axes that start a group in any case. With a view behind a view, or beside a reshape, everything stays apart.
    """
    views = [n.kind.map for n in nodes if isinstance(n.kind, View)]
    affine = [m for m in views if isinstance(m, Affine) and m.used()]
    reshapes = [m for m in views if isinstance(m, Reshape)]
    if any(m.shape != shape for m in affine) or (reshapes and (affine or _indexed(nodes))):
        return [(i,) for i in range(len(shape))]
    extents = [
        n.operands[0].type.shape
        for n in nodes
        if isinstance(n.kind, View) and isinstance(n.kind.map, Affine) and n.kind.map.used()
    ]
    groups: list[list[int]] = []
    for i in range(len(shape)):
        if groups and i not in breaks and _together(i - 1, nodes, affine, extents, shape):
            groups[-1].append(i)
        else:
            groups.append([i])
    return [tuple(g) for g in groups]


def _indexed(nodes: Sequence[Node]) -> bool:
    return any(isinstance(n.kind, Index) for n in nodes)


def _together(i: int, nodes: Sequence[Node], maps: Sequence[Affine], operands: Sequence[Shape], shape: Shape) -> bool:
    """Axes i and i + 1 are walked together by every view."""
    if any(isinstance(n.kind, Index) and n.kind.axis in (i, i + 1) for n in nodes):
        return False
    for found, operand in zip(maps, operands, strict=True):
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
