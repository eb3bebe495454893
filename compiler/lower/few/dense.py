"""What a window reads, laid out so that neighbours of the result lie side by side, across the ends of lines, too.

    x[n, c, h, w]  ->  copy[n, c, h % s, w % s, h // s, w // s]        a stride s: results that follow each other read

The copy has the window's margins. Of a line of it the place ``y*pitch + x`` is that of result (y, x), whatever tap and
channel: vectors of results go on into the next line. Places between lines are computed, and dropped.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import gcd

from graphad.compiler.ir.kinds import View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.op import VIEW
from graphad.compiler.ir.size import Dim, floor_divide, symbol
from graphad.compiler.ir.types import Shape, TensorType
from graphad.compiler.ir.view import Affine, AxisMap, identity
from graphad.compiler.loops.in_lanes import LANE
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import At, Lit, Prim
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.letters import row_major, strided
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage

MOST_STRIDE = 8
"""Of results along an axis: a copy of so many phases keeps its lines long enough."""


@dataclass(frozen=True)
class Axis:
    """An axis of the operand in its copy: index ``offset + sum of step * [letter]``, in ``phases`` parts."""

    offset: Dim
    terms: tuple[tuple[str, int], ...]
    phases: int
    pitches: tuple[Dim, Dim]
    """From phase to phase, and from element to element of a phase."""

    def place(self, at: Mapping[str, Dim], moving: str) -> Dim:
        """In elements. ``moving``: the letter whose steps are whole rounds of phases."""
        rest: Dim = self.offset
        for c, step in self.terms:
            if c != moving or self.phases == 1:
                rest = rest + step * at.get(c, 0)
        phase, pitch = self.pitches
        if self.phases == 1:
            return rest * pitch
        whole = floor_divide(rest, self.phases)
        return (rest - whole * self.phases) * phase + (whole + at.get(moving, 0)) * pitch


@dataclass(frozen=True, eq=False)
class Dense:
    """An operand whose results along ``column`` lie side by side, and those along ``line``, if any, ``pitch`` apart.

    ``copy``: what has to be computed first; None where the operand is read where it lies, from ``start`` on.
    """

    stored: Node
    copy: "Copy | None"
    axes: tuple[Axis, ...]
    start: Dim
    line: str
    column: str
    pitch: Dim

    def place(self, builder: Builder, at: Mapping[str, Dim]) -> Dim:
        """Where the element lies at which the letters are ``at``; along the column the next ones follow."""
        place = self.start
        for axis in self.axes:
            moving = next((c for c, _ in axis.terms if c in (self.line, self.column)), "")
            place = place + axis.place(at, moving)
        if all(axis.phases == 1 for axis in self.axes) or isinstance(place, int):
            return place
        return builder.index(At(place), self.stored.type.size)  # quotients: one number, not one for each lane


@dataclass(frozen=True, eq=False)
class Copy:
    """The copy's shape, and which elements of ``x`` it has."""

    x: Node
    shape: Shape
    found: Affine
    node: Node

    def write(self, context: Context, nodes: Sequence[Node], storage: Storage, lanes: int) -> Launch:
        """Line by line, in vectors; threads share the longest axis."""
        builder, puller = context.builder("pad", [*nodes, self.node])
        longest = max(range(len(self.shape) - 1), key=lambda i: _known(self.shape[i]), default=None)
        places: list[Dim] = [0] * len(self.shape)
        with ExitStack() as stack:
            stack.enter_context(builder.together(LANE, lanes))
            for i in sorted(range(len(self.shape) - 1), key=lambda i: i != longest):
                loop = builder.shared if i == longest else builder.loop
                places[i] = stack.enter_context(loop(self.shape[i], stem="i"))
            width = self.shape[-1]
            assert isinstance(width, int)
            whole = width // lanes
            if whole:
                with builder.loop(whole, stem="q") as q:
                    self._vector(builder, puller, storage, [*places[:-1], q * lanes + symbol(LANE)])
            if width % lanes:
                last = symbol(LANE) + whole * lanes
                with builder.when(Prim("lt", (At(last), At(width)), "bool")):
                    self._vector(builder, puller, storage, [*places[:-1], last])
        builder.kernel.parallel = longest is not None and self.shape[longest] != 1
        return builder.launch((self.node, *nodes), "pack")

    def _vector(self, builder: Builder, puller: Puller, storage: Storage, index: list[Dim]) -> None:
        inner, asked = [], []
        for axis, extent in zip(self.found.axes, self.x.type.shape, strict=True):
            place: Dim = axis.offset
            for j, c in axis.terms:
                place = place + c * index[j]
            inner.append(place)
            if axis.guarded:
                asked.append((place, extent))
        at = flat(index, self.shape)
        if asked:
            builder.store(storage, at, Lit(float(self.found.fill), storage.dtype))
        with builder.ensured(asked):
            builder.store(storage, at, puller.value(self.x, tuple(inner)))


def dense(node: Node, letters: str, line: str, column: str, context: Context, copied: bool = False) -> Dense | None:
    """The operand as it is to be read; None where the letters do not go one along each axis, forwards.

    ``copied``: a copy in any case, behind which there is room for a vector.
    """
    in_place = None if copied else strided(node, letters, context)
    if in_place is not None and in_place.strides[column] == 1 and (not line or _pitch(in_place.strides[line])):
        terms = tuple((c, s) for c, s in in_place.strides.items())
        axes = tuple(Axis(0, ((c, 1),), 1, (0, s)) for c, s in terms)
        return Dense(in_place.stored, None, axes, in_place.start, line, column, in_place.strides[line] if line else 0)
    x, found = _view(node)
    if found is None:
        return None
    parts = [_part(axis, found.shape, letters, (line, column)) for axis in found.axes]
    if any(p is None for p in parts) or sum(p is not None and p.letter == column for p in parts) != 1:
        return None
    known = [p for p in parts if p is not None]
    if line and sum(p.letter == line for p in known) != 1:
        return None
    return _arranged(x, found, known, line, column)


@dataclass(frozen=True)
class _Part:
    """An axis that a view reads: every ``step``-th of ``extent`` elements from ``low`` on, in ``phases`` parts."""

    axis: AxisMap
    terms: tuple[tuple[str, int], ...]
    low: Dim
    step: int
    extent: Dim
    phases: int
    letter: str


def _part(axis: AxisMap, shape: Shape, letters: str, moving: tuple[str, str]) -> _Part | None:
    low, high = axis.range(shape)
    terms = [(letters[j], c) for j, c in axis.terms if shape[j] != 1]
    own = [c for c, _ in terms if c in moving and c]
    if len(own) > 1 or axis.divisor != 1:
        return None
    step = gcd(*(c for _, c in terms)) or 1
    extent = floor_divide(high - low, step) + 1
    letter = own[0] if own else ""
    phases = dict(terms)[letter] // step if letter else 1
    if phases < 1 or phases > MOST_STRIDE or (phases > 1 and not isinstance(extent, int)):
        return None
    return _Part(axis, tuple((c, s // step) for c, s in terms), low, step, extent, phases, letter)


def _arranged(x: Node, found: Affine, parts: Sequence[_Part], line: str, column: str) -> Dense | None:
    """Axes that are neither lines nor columns first, then phases, then lines and columns."""
    order = sorted(range(len(parts)), key=lambda a: ("", line or "-", column).index(parts[a].letter))
    first = sum(not p.letter for p in parts)
    phased = [a for a in order if parts[a].phases > 1]
    shape: list[Dim] = [parts[a].extent for a in order[:first]]
    shape += [parts[a].phases for a in phased]
    shape += [-(-parts[a].extent // parts[a].phases) if parts[a].phases > 1 else parts[a].extent for a in order[first:]]
    if any(p.low != 0 and not isinstance(p.low, int) for p in parts) or not isinstance(shape[-1], int):
        return None
    pitches = row_major(shape)
    maps: list[AxisMap] = []
    axes: list[Axis] = []
    for a, part in enumerate(parts):
        place = order.index(a)
        own = place if place < first else place + len(phased)
        terms = [(own, part.step * part.phases)]
        pitch: Dim = 0
        if part.phases > 1:
            phase = first + phased.index(a)
            terms.append((phase, part.step))
            pitch = pitches[phase]
        maps.append(AxisMap(part.low, tuple(sorted(terms)), 1, part.axis.guarded or part.phases > 1))
        low = part.axis.offset - part.low
        axes.append(Axis(floor_divide(low, part.step), part.terms, part.phases, (pitch, pitches[own])))
    kind = View(Affine(tuple(shape), tuple(maps), found.fill))
    node = Node(VIEW, kind, (x,), TensorType(x.type.dtype, tuple(shape)), x.site)
    assert isinstance(kind.map, Affine)
    copy = Copy(x, tuple(shape), kind.map, node)
    return Dense(node, copy, tuple(axes), 0, line, column, shape[-1] if line else 0)


def _view(node: Node) -> tuple[Node, Affine | None]:
    if not isinstance(node.kind, View):
        return node, identity(node.type.shape)
    (x,) = node.operands
    return x, node.kind.map if isinstance(node.kind.map, Affine) else None


def _pitch(stride: Dim) -> bool:
    return isinstance(stride, int) and stride > 0


def _known(d: Dim) -> int:
    return d if isinstance(d, int) else 0
