"""The local Jacobian of a node by one of its operands: an einsum where it is one, else a program that is applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from graphad.autodiff.custom import CustomOp
from graphad.autodiff.local import differentiable, inputs_of, map_partials, pull, push, reduce_weights
from graphad.autodiff.vectorize import vectorize_within
from graphad.build import cast, constant, known_number
from graphad.compiler.ir.dtypes import is_float
from graphad.compiler.ir.kinds import After, Contract, Fold, Gather, Join, Map, Reduce, Scan, Scatter, View
from graphad.compiler.ir.types import Shape
from graphad.compiler.ir.view import Affine, AxisMap
from graphad.leaves import input as placeholder
from graphad.ops.creation import zeros
from graphad.ops.record import Partial, Select
from graphad.structures.letters import Einsum, Letters, fresh
from graphad.tensor import Tensor


@dataclass(frozen=True, eq=False, slots=True)
class Local:
    """The derivative of ``node`` by its input number ``operand``, applied to tangents or, transposed, to cotangents.

    ``passes``: result axes that are handed through from an operand axis unchanged, so that the map is the identity over
    them (a window over height and width passes batch and channels).
    """

    node: Tensor
    operand: int
    passes: Mapping[int, int]

    @property
    def input(self) -> Tensor:
        return inputs_of(self.node)[self.operand]

    @property
    def target_shape(self) -> Shape:
        return self.node.shape

    @property
    def source_shape(self) -> Shape:
        return self.input.shape

    @property
    def dtype(self) -> str:
        return self.node.dtype

    def push(self, tangents: Tensor, batched: bool) -> Tensor:
        """Tangents of the node from the operand's; ``batched``: both with a first axis of directions."""
        hole = placeholder("tangent", self.input.shape, self.input.dtype) if batched else tangents
        inputs = inputs_of(self.node)
        out = push(self.node, [hole if k == self.operand else None for k in range(len(inputs))])
        if out is None:  # a rule of the user's may say that there is no tangent
            return zeros((*tangents.shape[:1], *self.target_shape) if batched else self.target_shape, self.dtype)
        return vectorize_within(out, hole, tangents, {self.node, *inputs}) if batched else out

    def pull(self, cotangents: Tensor, batched: bool) -> Tensor:
        """Cotangents of the operand from the node's; ``batched``: both with a first axis of directions."""
        hole = placeholder("cotangent", self.node.shape, self.node.dtype) if batched else cotangents
        inputs = inputs_of(self.node)
        out = pull(self.node, hole, [k == self.operand for k in range(len(inputs))])[self.operand]
        if out is None:  # or no cotangent
            return zeros(
                (*cotangents.shape[:1], *self.source_shape) if batched else self.source_shape, self.input.dtype
            )
        return vectorize_within(out, hole, cotangents, {self.node, *inputs}) if batched else out

    def __str__(self) -> str:
        return f"{self.node.op.name}"


Edge: TypeAlias = Einsum | Local


def local_jacobians(node: Tensor, wanted: Sequence[bool]) -> list[Edge | None]:
    """The node's Jacobian by each of its inputs; None where it is zero, or not wanted."""
    inputs = inputs_of(node)
    asked = [w and is_float(x.dtype) for w, x in zip(wanted, inputs, strict=True)]
    if not differentiable(node) or not any(asked):
        return [None] * len(inputs)
    if isinstance(node.op, CustomOp):
        return [Local(node, k, {}) if a else None for k, a in enumerate(asked)]
    match node.kind:
        case Map():
            partials = map_partials(node)
            return [_map(node, k, p) if a else None for k, (p, a) in enumerate(zip(partials, asked, strict=True))]
        case Contract(left=left, right=right, out=out):
            x, y = inputs
            return [
                _contract(node, left, out, right, y) if asked[0] else None,
                _contract(node, right, out, left, x) if asked[1] else None,
            ]
        case Reduce(axes=axes):
            return [_reduce(node, inputs[0], axes)]
        case View(map=Affine() as found):
            return [_view(node, inputs[0], found)]
        case _:
            return [Local(node, k, passes(node, k)) if a else None for k, a in enumerate(asked)]


def passes(node: Tensor, operand: int) -> dict[int, int]:
    """Result axes that the node hands through from axes of that operand unchanged."""
    x = inputs_of(node)[operand]
    match node.kind:
        case View(map=Affine() as found):
            return _affine_passes(found, x.shape)
        case View():
            return _reshape_passes(x.shape, node.shape)
        case Fold(map=found, shape=shape):
            return {a: i for i, a in _affine_passes(found, shape).items()}
        case Scan(axis=axis) | Join(axis=axis):
            return {i: i for i in range(node.ndim) if i != axis}
        case Gather(axis=axis):
            wide = inputs_of(node)[1].ndim - 1
            return {i + wide * (i > axis): i for i in range(x.ndim) if i != axis}
        case Scatter(axis=axis):
            wide = inputs_of(node)[0].ndim - 1
            return {i: i + wide * (i > axis) for i in range(node.ndim) if i != axis}
        case Map() | After():
            return {i: i for i in range(node.ndim)}
        case _:
            return {}


def _affine_passes(found: Affine, operand: Shape) -> dict[int, int]:
    uses = [j for axis in found.axes for j, _ in axis.terms]
    out: dict[int, int] = {}
    for a, axis in enumerate(found.axes):
        if len(axis.terms) == 1 and not axis.guarded:
            ((i, _),) = axis.terms
            if axis.is_identity(i) and uses.count(i) == 1 and found.shape[i] == operand[a]:
                out[i] = a
    return out


def _reshape_passes(operand: Shape, result: Shape) -> dict[int, int]:
    """Leading axes that are equal, and trailing ones: between them the elements keep their order."""
    lead = 0
    while lead < min(len(operand), len(result)) and operand[lead] == result[lead]:
        lead += 1
    tail = 0
    while tail < min(len(operand), len(result)) - lead and operand[-1 - tail] == result[-1 - tail]:
        tail += 1
    return {i: i for i in range(lead)} | {len(result) - 1 - t: len(operand) - 1 - t for t in range(tail)}


def _map(node: Tensor, operand: int, partial: Partial) -> Edge | None:
    if callable(partial):
        partial = partial()
    if partial is None or (isinstance(partial, int | float) and partial == 0):
        return None
    if isinstance(partial, Select):
        return Local(node, operand, {i: i for i in range(node.ndim)})
    letters = fresh(node.ndim)
    extents = dict(zip(letters, node.shape, strict=True))
    return weighted(letters, letters, extents, node.dtype, letters, partial)


def weighted(
    target: Letters,
    source: Letters,
    extents: Mapping[int, object],
    dtype: str,
    letters: Letters,
    weight: Tensor | int | float,
) -> Einsum:
    """An einsum with this weight, without the axes that it repeats along; +1 and -1 are no weight at all."""
    number = known_number(weight) if isinstance(weight, Tensor) else weight
    known: Mapping[int, object] = extents
    if number is not None and number in (1, -1):
        return Einsum(target, source, known, dtype, (), None, number == -1)  # type: ignore[arg-type]
    if number is not None:
        return Einsum(target, source, known, dtype, (), constant(number, dtype))  # type: ignore[arg-type]
    assert isinstance(weight, Tensor)
    base, kept = stripped(weight, letters)
    return Einsum(target, source, known, dtype, kept, cast(base, dtype))  # type: ignore[arg-type]


def stripped(weight: Tensor, letters: Letters) -> tuple[Tensor, Letters]:
    """What a broadcast repeats, with the letters of the axes that it has."""
    while isinstance(weight.kind, View) and isinstance(weight.kind.map, Affine):
        found, (x,) = weight.kind.map, weight.operands
        places = [_plain(axis, i, x.type.shape, found.shape) for i, axis in enumerate(found.axes)]
        if found.guarded or None in places or len(set(places)) != len(places) or len(places) == len(letters):
            break
        weight, letters = x, tuple(letters[p] for p in places if p is not None)  # type: ignore[assignment]
    return weight, letters


def _plain(axis: AxisMap, a: int, operand: Shape, result: Shape) -> int | None:
    """The result axis that an operand axis is handed to unchanged."""
    if len(axis.terms) != 1:
        return None
    ((i, _),) = axis.terms
    return i if axis.is_identity(i) and operand[a] == result[i] else None


def _contract(node: Tensor, own: str, out: str, other: str, factor: Tensor) -> Einsum:
    """d out / d own: the other operand, as a matrix between the letters of both; shared letters are deltas."""
    number = dict(zip(dict.fromkeys(own + out + other), fresh(len({*own, *out, *other})), strict=True))
    extents = {number[c]: d for c, d in zip(out, node.shape, strict=True)}
    extents |= {number[c]: d for c, d in zip(other, factor.shape, strict=True)}
    target, source, letters = (tuple(number[c] for c in word) for word in (out, own, other))
    return weighted(target, source, extents, node.dtype, letters, factor)


def _reduce(node: Tensor, x: Tensor, axes: tuple[int, ...]) -> Edge | None:
    weight = reduce_weights(node, axes)
    if callable(weight):
        weight = weight()
    if weight is None or (isinstance(weight, int | float) and weight == 0):
        return None
    kept = dict(enumerate(a for a in range(x.ndim) if a not in axes))
    if isinstance(weight, Select):
        return Local(node, 0, kept)
    source = fresh(x.ndim)
    target = tuple(source[a] for a in kept.values())
    return weighted(target, source, dict(zip(source, x.shape, strict=True)), node.dtype, source, weight)


def _view(node: Tensor, x: Tensor, found: Affine) -> Edge:
    """Axes permuted, repeated, or dropped at size 1 make an einsum; all else is applied."""
    through = {a: i for i, a in _affine_passes(found, x.shape).items()}
    single = [a for a, axis in enumerate(found.axes) if not axis.terms and x.shape[a] == 1 and not axis.guarded]
    if len(through) + len(single) < x.ndim or any(found.axes[a].offset != 0 for a in single):
        return Local(node, 0, {i: a for a, i in through.items()})
    target = fresh(node.ndim)
    extents = dict(zip(target, node.shape, strict=True))
    source = tuple(target[through[a]] if a in through else fresh(1)[0] for a in range(x.ndim))
    return Einsum(target, source, extents | {source[a]: 1 for a in single}, node.dtype)
