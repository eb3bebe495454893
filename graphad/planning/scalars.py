"""Scalar code as elimination sees it: a vertex for each number, an edge for each local partial.

Vectors may stand at both ends: an input that is read element by element (``x[3]``) has a vertex for each element read,
an output that is stacked of scalars one for each scalar. Everything in between is a tensor without axes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from graphad.autodiff.custom import CustomOp
from graphad.build import broadcast
from graphad.compiler.ir.kinds import Constant, Join, Map, View
from graphad.compiler.ir.size import Dim
from graphad.compiler.ir.view import Affine, Reshape
from graphad.ops.creation import zeros
from graphad.ops.shape import reshape, stack
from graphad.planning.problem import Problem
from graphad.structures import Nodes, Structured, dense
from graphad.structures.letters import Einsum
from graphad.tensor import Tensor

Element: TypeAlias = tuple[Tensor, int]
"""An element of a tensor, by its place in row-major order."""

LARGEST = 4096
"""Elements at either end up to which vectors are taken apart."""


@dataclass(frozen=True, eq=False)
class Scalars:
    """``edges``: (from, to) -> local partials, whose sum counts. ``results``: what each output's elements are."""

    edges: dict[tuple[Element, Element], list[Structured]]
    order: tuple[Element, ...]  # all vertices, in program order
    inputs: tuple[Element, ...]
    results: dict[Element, Element]  # element of an output -> the vertex that it is

    @property
    def outputs(self) -> tuple[Element, ...]:
        """The vertices that are outputs, each once."""
        return tuple(dict.fromkeys(v for v in self.results.values() if v not in set(self.inputs)))

    @property
    def units(self) -> dict[tuple[Element, Element], int]:
        """The edges whose partial is +1 or -1."""
        return {
            ends: -1 if parts[0].negative else 1
            for ends, parts in self.edges.items()
            if len(parts) == 1 and isinstance(parts[0], Einsum) and parts[0].weight is None
        }


class _NotScalarError(Exception):
    """Some tensor with axes is computed with as a whole."""


def scalars(problem: Problem, share: bool = False) -> Scalars | None:
    """The scalar graph of a problem, or None where it computes with tensors as a whole.

    ``share``: equal operations on equal operands are one vertex. Published counts are of graphs that do not share.
    """
    sizes = [x.size for x in (*problem.inputs, *problem.outputs)]
    if any(not isinstance(n, int) or n > LARGEST for n in sizes) or any(map(problem.edges.of, problem.inputs)):
        return None
    try:
        reader = _Reader(problem)
        if share:
            reader.share()
        results = {(y, k): reader.resolve(y, k) for y in problem.outputs for k in range(_size(y))}
        return _graph(reader, {e: v for e, v in results.items() if v is not None})
    except _NotScalarError:
        return None


def _graph(reader: _Reader, results: dict[Element, Element]) -> Scalars:
    problem = reader.problem
    edges: dict[tuple[Element, Element], list[Structured]] = {}
    inputs = {(x, k) for x in problem.inputs for k in range(_size(x))}
    seen: dict[Element, bool] = {}
    stack_ = list(dict.fromkeys(results.values()))[::-1]
    order: list[Element] = []
    into: dict[Element, list[tuple[Element, Structured]]] = {}
    while stack_:
        v = stack_[-1]
        if v not in seen:
            seen[v] = False
            into[v] = [] if v in inputs else list(reader.partials(v[0]))
            stack_ += [u for u, _ in reversed(into[v]) if u not in seen]
            continue
        stack_.pop()
        if not seen[v]:
            seen[v] = True
            order.append(v)
            for u, j in into[v]:
                edges.setdefault((u, v), []).append(j)
    rank = {node: k for k, node in enumerate(problem.nodes)}
    order.sort(key=lambda v: (v not in inputs, rank[v[0]], v[1]))
    return Scalars(edges, tuple(order), tuple(v for v in order if v in inputs), results)


class _Reader:
    """Finds the vertex that an element is."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.inputs = set(problem.inputs)
        self.same: dict[Tensor, Tensor] = {}  # the first of several equal nodes

    def share(self) -> None:
        """Makes equal operations on equal operands one vertex."""
        first: dict[Hashable, Tensor] = {}
        for node in self.problem.nodes:
            if isinstance(node.kind, Map) and node.ndim == 0 and not isinstance(node.op, CustomOp):
                key = (node.op.name, node.dtype, tuple(self._name(x) for x in node.operands))  # type: ignore[arg-type]
                self.same[node] = first.setdefault(key, node)

    def _name(self, x: Tensor) -> Hashable:
        if x in self.problem.place:
            found = self.resolve(x, 0)
            return found if found is None else (id(found[0]), found[1])
        return x.kind.bits if isinstance(x.kind, Constant) else id(x)

    def partials(self, node: Tensor) -> Iterator[tuple[Element, Structured]]:
        """(vertex, local partial) for each operand on which a scalar depends."""
        if not isinstance(node.kind, Map) or isinstance(node.op, CustomOp):
            raise _NotScalarError
        for x, edge in self.problem.edges.of(node):
            u = self.resolve(x, 0)
            if u is not None:
                yield u, edge

    def resolve(self, x: Tensor, place: int) -> Element | None:
        """The vertex that an element is, behind views and joins; None if it depends on no input."""
        while x in self.problem.place:
            if x in self.inputs:
                return x, place
            if isinstance(x.op, CustomOp):
                raise _NotScalarError
            match x.kind:
                case View(map=Reshape()):
                    x = x.operands[0]  # type: ignore[assignment]
                case View(map=Affine() as found):
                    inner = _read(found, place, x.operands[0].type.shape)
                    if inner is None:
                        return None
                    x, place = x.operands[0], inner  # type: ignore[assignment]
                case Join(axis=axis):
                    x, place = _joined(x, axis, place)
                case _ if x.ndim == 0:
                    return self.same.get(x, x), 0
                case _:
                    raise _NotScalarError
        return None


def _size(x: Tensor) -> int:
    assert isinstance(x.size, int)
    return x.size


def _number(dim: Dim) -> int:
    if not isinstance(dim, int):
        raise _NotScalarError
    return dim


def _index(place: int, shape: tuple[Dim, ...]) -> list[int]:
    found = []
    for d in reversed(shape):
        place, rest = divmod(place, _number(d))
        found.append(rest)
    return found[::-1]


def _read(found: Affine, place: int, operand: tuple[Dim, ...]) -> int | None:
    """The operand's element that a view reads; None where it reads the fill value."""
    index = _index(place, found.shape)
    flat = 0
    for axis, d in zip(found.axes, operand, strict=True):
        at, rest = divmod(_number(axis.offset) + sum(c * index[i] for i, c in axis.terms), axis.divisor)
        if rest or not 0 <= at < _number(d):
            return None
        flat = flat * _number(d) + at
    return flat


def _joined(x: Tensor, axis: int, place: int) -> Element:
    index = _index(place, x.shape)
    for part in x.operands:
        extent = _number(part.type.shape[axis])
        if index[axis] < extent:
            flat = 0
            for i, d in zip(index, part.type.shape, strict=True):
                flat = flat * _number(d) + i
            return part, flat  # type: ignore[return-value]
        index[axis] -= extent
    raise AssertionError(place)


def assembled(
    w: Nodes, problem: Problem, graph: Scalars, entries: dict[tuple[Element, Element], Structured]
) -> list[list[Tensor]]:
    """For each output, for each input: the entries joined to a tensor of shape y.shape + x.shape."""
    return [[_block(w, graph, entries, y, x) for x in problem.inputs] for y in problem.outputs]


def _block(
    w: Nodes, graph: Scalars, entries: dict[tuple[Element, Element], Structured], y: Tensor, x: Tensor
) -> Tensor:
    zero, one = zeros((), y.dtype), broadcast(w.number(1, y.dtype), ())
    found: list[Tensor] = []
    known: dict[tuple[Element, Element], Tensor] = {}
    for k in range(_size(y)):
        v = graph.results.get((y, k))
        for i in range(_size(x)):
            if v is None:
                found.append(zero)
            elif v[0] is x and v[1] == i:
                found.append(one)
            elif (entry := entries.get(((x, i), v))) is None:
                found.append(zero)
            else:
                if ((x, i), v) not in known:
                    known[(x, i), v] = dense(w, entry)  # type: ignore[assignment]
                found.append(known[(x, i), v])
    if y.ndim == 0 and x.ndim == 0:
        return found[0]
    if not found:
        return zeros((*y.shape, *x.shape), y.dtype)
    return reshape(stack([f.astype(y.dtype) for f in found]), (*y.shape, *x.shape))
