"""Identities of views: they say where an element is read, so all of them are exact."""

from graphad.compiler.ir.kinds import Fold, Index, View
from graphad.compiler.ir.make import node, reshaped, viewed
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import INDEX
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, AxisMap, Reshape, compose


def canonical(affine: Affine, operand: Shape) -> Affine:
    """The map written in the one way that means it, so that equal views look equal.

    An axis of size 1 has index 0 only, so nothing depends on it; a guard that no index fails is no guard.
    """
    axes = tuple(_canonical_axis(a, affine.shape, d) for a, d in zip(affine.axes, operand, strict=True))
    if axes == affine.axes and (affine.guarded or affine.fill == 0):
        return affine
    return Affine(affine.shape, axes, affine.fill if any(a.guarded for a in axes) else 0.0)


def _canonical_axis(axis: AxisMap, shape: Shape, extent: Dim) -> AxisMap:
    guarded = axis.guarded and not _always_inside(axis, shape, extent)
    if not guarded and extent == 1 and axis.divisor == 1:
        return AxisMap()
    terms = tuple((j, c) for j, c in axis.terms if shape[j] != 1)
    return AxisMap(axis.offset, terms, axis.divisor, guarded)


def _always_inside(axis: AxisMap, shape: Shape, extent: Dim) -> bool:
    low, high = axis.range(shape)
    room = extent - 1 - high
    return axis.divisor == 1 and isinstance(low, int) and low >= 0 and isinstance(room, int) and room >= 0


def is_identity(affine: Affine, operand: Shape) -> bool:
    """Whether the view is its operand, given the canonical form."""
    axes = enumerate(zip(affine.axes, operand, strict=True))
    return affine.shape == operand and all((d == 1 and a == AxisMap()) or a.is_identity(i) for i, (a, d) in axes)


def view_of_anything(x: Node) -> Node | None:
    """``view(x)[i0, i1] -> x``, also for aliases (stop_gradient), whose work is done by now; else the canonical map."""
    assert isinstance(x.kind, View)
    if isinstance(x.kind.map, Reshape):
        return None
    (operand,) = x.operands
    found = canonical(x.kind.map, operand.type.shape)
    if is_identity(found, operand.type.shape):
        return operand
    return None if found == x.kind.map else viewed(operand, found, x.site)


def view_of_view(x: Node) -> Node | None:
    """``view(view(x)[i1, i0])[0, i0] -> view(x)[i0, 0]``."""
    inner = x.operands[0]
    if not (isinstance(x.kind, View) and isinstance(inner.kind, View)):
        return None
    if isinstance(x.kind.map, Reshape) or isinstance(inner.kind.map, Reshape):
        return None
    found = compose(x.kind.map, inner.kind.map) or _through(x.kind.map, inner.kind.map, inner.operands[0].type.shape)
    return None if found is None else viewed(inner.operands[0], found, x.site)


def _through(outer: Affine, inner: Affine, operand: Shape) -> Affine | None:
    """A guarded outer map over an inner one that hands whole axes through (permuting, inserting axes of size 1).

    Every guarded axis has to arrive, or its guard would be lost: so an inserted axis that is guarded stops this.
    """
    if inner.guarded:
        return None
    axes = []
    arrived: set[int] = set()
    for a, extent in zip(inner.axes, operand, strict=True):
        if not a.terms and a.divisor == 1:
            axes.append(a)
            continue
        if len(a.terms) != 1 or a != AxisMap(0, ((a.terms[0][0], 1),)) or inner.shape[a.terms[0][0]] != extent:
            return None
        axes.append(outer.axes[a.terms[0][0]])
        arrived.add(a.terms[0][0])
    lost = (o for j, o in enumerate(outer.axes) if j not in arrived)
    return None if any(o.guarded for o in lost) else Affine(outer.shape, tuple(axes), outer.fill)


def reshape_rules(x: Node) -> Node | None:
    """``reshape(reshape(x)) -> reshape(x)``; to its own shape: ``x``; with axes of size 1 only: an affine view.

    A view that only inserts or removes axes of size 1 keeps the order of elements, so a reshape reads through it.
    """
    assert isinstance(x.kind, View)
    if not isinstance(x.kind.map, Reshape):
        return None
    (operand,) = x.operands
    if operand.type.shape == x.type.shape:
        return operand
    if isinstance(operand.kind, View) and (
        isinstance(operand.kind.map, Reshape) or _keeps_order(operand.kind.map, operand.operands[0].type.shape)
    ):
        return reshaped(operand.operands[0], x.type.shape, x.site)
    found = _unit_axes(operand.type.shape, x.type.shape)
    return None if found is None else viewed(operand, found, x.site)


def _unit_axes(source: Shape, target: Shape) -> Affine | None:
    """The affine map of a reshape that only inserts or removes axes of size 1."""
    kept = [i for i, d in enumerate(target) if d != 1]
    if [d for d in source if d != 1] != [target[i] for i in kept]:
        return None
    place = iter(kept)
    return Affine(target, tuple(AxisMap() if d == 1 else AxisMap(terms=((next(place), 1),)) for d in source))


def _keeps_order(affine: Affine, operand: Shape) -> bool:
    return _unit_axes(operand, affine.shape) == affine


def view_of_index(x: Node) -> Node | None:
    """``view(index axis=0)[i1] -> index axis=1``: counting along an axis and repeating is counting along that axis."""
    inner = x.operands[0]
    if not (isinstance(x.kind, View) and isinstance(x.kind.map, Affine) and isinstance(inner.kind, Index)):
        return None
    axis = x.kind.map.axes[inner.kind.axis]
    if x.kind.map.guarded or len(axis.terms) != 1 or axis != AxisMap(0, ((axis.terms[0][0], 1),)):
        return None
    return node(INDEX, Index(x.type.shape, axis.terms[0][0]), (), x.site)


def fold_of_permutation(x: Node) -> Node | None:
    """``fold(x)[i1, i0] -> view(x)[i1, i0]``: one element lands at each place, so the sum has one term.

    Every element is read once iff the map permutes whole axes. 0.0 + -0.0 is not formed: the element itself arrives.
    """
    assert isinstance(x.kind, Fold)
    affine, shape = x.kind.map, x.kind.shape
    place: dict[int, int] = {}
    for i, axis in enumerate(affine.axes):
        if len(axis.terms) != 1 or axis.offset != 0 or axis.divisor != 1:
            return None
        ((j, step),) = axis.terms
        if step != 1 or j in place or affine.shape[j] != shape[i]:
            return None
        place[j] = i
    if len(place) != len(affine.shape):
        return None
    maps = tuple(AxisMap(terms=((place[j], 1),)) for j in range(len(affine.shape)))
    return viewed(x.operands[0], Affine(shape, maps), x.site)
