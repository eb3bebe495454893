"""Kernels of maps, views and joins: a loop nest over the points, any number of stores."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from graphad.compiler.ir.make import uniform
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, Size, symbol
from graphad.compiler.ir.types import Shape
from graphad.compiler.loops.index import flat
from graphad.compiler.loops.ir import Expr
from graphad.compiler.lower.accumulate import within
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.loops import collapse, extent, index_of
from graphad.compiler.lower.margins import Margins
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage
from graphad.compiler.passes.kernels.joins import Piece, pieces, unrolled
from graphad.compiler.passes.kernels.points import space_of

Stores: TypeAlias = Sequence[tuple[Node, Storage]]


@dataclass(frozen=True, slots=True)
class Place:
    """A piece, the memory it goes to, and the axes that are written out instead of being looped over."""

    piece: Piece
    storage: Storage
    unrolled: tuple[int, ...] = ()

    def indices(self, point: Sequence[Dim]) -> Iterator[tuple[Dim, ...]]:
        """The piece's elements at one point of the space."""
        shape = self.piece.node.type.shape
        for fixed in product(*(range(shape[a]) for a in self.unrolled)):
            known, rest = dict(zip(self.unrolled, fixed, strict=True)), iter(point)
            yield tuple(known[a] if a in known else 0 if d == 1 else next(rest) for a, d in enumerate(shape))


def lower_map(builder: Builder, puller: Puller, nodes: Sequence[Node], stores: Stores, apart: bool = False) -> Launch:
    """A loop nest for each space of what is stored: one, but for joins of operands that differ in shape.

    ``apart``: what lies inside the margins of padded operands has loops of its own, without masks.

    An operand of a join is evaluated and stored where it belongs; one that has memory of its own, such as the result
    of a contraction, is copied. The outermost loop with more than one iteration is shared among threads.
    """
    nests = _nests(puller, stores)
    arguments: dict[str, Dim] = {}
    for space, places in nests.items():
        _nest(builder, puller, nodes, space, places, arguments if len(nests) == 1 else None, apart)
    builder.kernel.parallel = builder.kernel.parallel or len(nests) > 1
    launch = builder.launch(tuple(nodes))
    launch.arguments = arguments
    return launch


def _nests(puller: Puller, stores: Stores) -> dict[Shape, list[Place]]:
    """What is stored, by space; one number everywhere is stored beside what has other values, where that fits."""
    nests: dict[Shape, list[Place]] = {}
    numbers: list[Place] = []
    for root, storage in stores:
        for piece in pieces(root, lambda x: x in puller.inside and x not in puller.stored):
            known = uniform(piece.node) is not None
            places = numbers if known else nests.setdefault(space_of(piece.node.type.shape), [])
            places.append(Place(piece, storage))
    for place in numbers:
        node = place.piece.node
        fit = ((space, axes) for space in nests if (axes := unrolled(node, space)) is not None)
        space, axes = next(fit, (space_of(node.type.shape), ()))
        nests.setdefault(space, []).append(Place(place.piece, place.storage, axes))
    return nests


def _nest(
    builder: Builder,
    puller: Puller,
    nodes: Sequence[Node],
    space: Shape,
    places: Sequence[Place],
    arguments: dict[str, Dim] | None,
    apart: bool,
) -> None:
    evaluated = within(nodes, [p.piece.node for p in places])
    breaks: set[int] = set().union(*(p.piece.breaks(p.unrolled) for p in places))
    groups = collapse(evaluated, space, breaks)
    read = {puller.stored[x] for n in evaluated for x in n.operands if x in puller.stored and x not in puller.inside}
    margins = Margins(evaluated, space, groups)
    if apart and margins.worthwhile:
        builder.kernel.parallel = True
        for at in margins.walk(builder):
            _store(builder, puller, places, index_of(groups, at, space, builder.extents), read)
        return
    with ExitStack() as stack:
        if not space and arguments is None:  # beside loops that are shared
            stack.enter_context(builder.once())
        variables = open_loops(builder, stack, [extent(g, space) for g in groups], arguments)
        _store(builder, puller, places, index_of(groups, variables, space, builder.extents), read)


def _store(builder: Builder, puller: Puller, places: Sequence[Place], index: Sequence[Dim], read: set[Storage]) -> None:
    """Every value at ``index``, stored as soon as it is there; behind all loads where it overwrites what is read."""
    late: list[tuple[Storage, Dim, Expr]] = []
    for place in places:
        for at in place.indices(index):
            value: Expr = builder.let("w", puller.value(place.piece.node, at))
            where = place.piece.place(at, builder.extents)
            if place.storage in read:
                late.append((place.storage, where, value))
            else:
                builder.store(place.storage, where, value)
    for storage, where, value in late:
        builder.store(storage, where, value)


def open_loops(
    builder: Builder, stack: ExitStack, extents: Sequence[Dim], arguments: dict[str, Dim] | None = None
) -> list[Dim]:
    """Nested loops, the first of them parallel. A single flat loop takes its extent as an argument, so that kernels
    that differ in size alone are one kernel."""
    if arguments is not None and len(extents) == 1 and extents[0] != 1:
        arguments["n"] = extents[0]
        extents = [symbol("n")]
        builder.kernel.scalars.append("n")
    variables: list[Dim] = []
    shared = False
    for i, e in enumerate(extents):
        mark = "serial" if shared or e == 1 else "parallel"
        shared = shared or e != 1
        if i == len(extents) - 1 and mark == "serial":
            mark = "vector"
        variables.append(stack.enter_context(builder.loop(e, mark)))  # type: ignore[arg-type]
    builder.kernel.parallel = shared
    return variables


def store_all(builder: Builder, puller: Puller, stores: Stores, index: tuple[Dim, ...]) -> None:
    """Every store's value at ``index``. Values are all computed before the first is stored: an update in place reads
    what it overwrites."""
    values: list[Expr] = [builder.let("w", puller.value(node, index)) for node, _ in stores]
    for (node, storage), value in zip(stores, values, strict=True):
        builder.store(storage, flat(index, node.type.shape), value)


def symbols_in(dims: Sequence[Dim]) -> set[str]:
    """The named sizes that appear."""
    return set().union(*(d.names() for d in dims if isinstance(d, Size))) if dims else set()


Epilogue: TypeAlias = Callable[[tuple[Dim, ...], Expr], None]


def shape_of(stores: Stores) -> Shape:
    """The one shape of the stores."""
    return stores[0][0].type.shape
