"""What can be wrong with a graph or an order that a caller hands in, said by label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from graphad.checks import is_iterable
from graphad.compiler.errors import GraphError

_SHOWN = 8  # labels that a message lists


def check_edges(edges: Iterable[Any]) -> list[tuple[Hashable, Hashable]]:
    """The edges as pairs of hashable labels, none from a vertex to itself."""
    if not is_iterable(edges):
        raise GraphError(f"edges are pairs (from, to) of labels, got {edges!r}")
    pairs = []
    for k, edge in enumerate(edges):
        if not isinstance(edge, Sequence) or isinstance(edge, str) or len(edge) != 2:
            raise GraphError(f"edge {k} is no pair (from, to) of labels: {edge!r}")
        pair = (edge[0], edge[1])
        try:
            hash(pair)
        except TypeError:
            raise GraphError(f"edge {k} has a label that cannot be hashed: {edge!r}") from None
        if pair[0] == pair[1]:
            raise GraphError(f"edge {pair!r} leads from a vertex to itself: no value depends on itself")
        pairs.append(pair)
    return pairs


def labels_of(role: str, labels: Any) -> tuple[Hashable, ...]:
    """The labels of ``inputs`` or ``outputs``, each of which can stand for a vertex."""
    if not is_iterable(labels):
        raise GraphError(f"{role} is a list of labels, got {labels!r}; write [{labels!r}]")
    found = tuple(labels)
    for label in found:
        if not isinstance(label, Hashable):
            raise GraphError(f"{role} has a label that cannot be hashed: {label!r}")
    return found


def check_ends(
    pairs: list[tuple[Hashable, Hashable]], inputs: tuple[Hashable, ...], outputs: tuple[Hashable, ...]
) -> tuple[tuple[Hashable, ...], tuple[Hashable, ...]]:
    """Inputs and outputs: some of each, once, on some edge, no input computed, none both."""
    computed = {b for _, b in pairs}
    known = {a for a, _ in pairs} | computed
    for role, labels in (("input", inputs), ("output", outputs)):
        if not labels:
            raise GraphError(f"no {role} is given: a Jacobian needs at least one")
        twice = [label for label, times in Counter(labels).items() if times > 1]
        if twice:
            raise GraphError(f"{role} {_some(twice)} is given twice")
        unknown = [label for label in labels if label not in known]
        if unknown:
            raise GraphError(f"{role} {_some(unknown)} is on no edge")
    sources, sinks = set(inputs), set(outputs)
    both = [label for label in inputs if label in sinks]
    if both:
        raise GraphError(
            f"{_some(both)} is both input and output: its derivative is 1; "
            "for an output that copies an input, add a vertex and an edge marked +1"
        )
    for a, b in pairs:
        if b in sources:
            raise GraphError(f"input {b!r} depends on {a!r}: nothing leads to an input; remove the edge {(a, b)!r}")
    return inputs, outputs


def check_units(
    pairs: list[tuple[Hashable, Hashable]], units: Mapping[Any, int]
) -> Iterable[tuple[Hashable, Hashable]]:
    """The marked edges; one that is given twice is a sum of partials, so no longer +1 or -1."""
    times = Counter(pairs)
    for edge, value in units.items():
        if edge not in times:
            raise GraphError(f"units marks {edge!r}, which is no edge")
        if value not in {1, -1}:
            raise GraphError(f"units marks {edge!r} with {value!r}: only +1 and -1 make products free")
    return [edge for edge in units if times[edge] == 1]


def check_order(order: Iterable[Hashable], number: Mapping[Hashable, int], ends: Mapping[Hashable, str]) -> list[int]:
    """The vertices of an elimination order by number: each intermediate once, no input, no output."""
    labels = labels_of("order", order)
    for label in labels:
        if label in ends:
            raise GraphError(f"the order names {ends[label]} {label!r}: only intermediate vertices are eliminated")
        if label not in number:
            raise GraphError(f"the order names {label!r}, which is no vertex of the graph")
    twice = [label for label, times in Counter(labels).items() if times > 1]
    if twice:
        raise GraphError(f"the order names {_some(twice)} twice")
    named = set(labels)
    missed = [label for label in number if label not in named and label not in ends]
    if missed:
        raise GraphError(f"the order misses {_some(missed)}: every intermediate vertex is eliminated once")
    return [number[label] for label in labels]


def refuse_cycle(after: Mapping[Hashable, list[Hashable]]) -> NoReturn:
    """Raises with a cycle of `after`, whose vertices are those that no topological order reaches."""
    before = {b: a for a, targets in after.items() for b in targets if b in after}
    path = [next(iter(before))]  # walking backwards stays among them, so it comes round
    seen = {path[0]: 0}
    while before[path[-1]] not in seen:
        path.append(before[path[-1]])
        seen[path[-1]] = len(path) - 1
    cycle = path[seen[before[path[-1]]] :][::-1]
    first = cycle.index(min(cycle, key=repr))
    cycle = cycle[first:] + cycle[:first]
    shown = [repr(label) for label in (cycle if len(cycle) <= _SHOWN else cycle[: _SHOWN - 1])]
    rest = [] if len(cycle) <= _SHOWN else [f"({len(cycle) - _SHOWN + 1} more)"]
    raise GraphError(f"the graph has a cycle: {' -> '.join([*shown, *rest, repr(cycle[0])])}")


def _some(labels: Collection[Hashable]) -> str:
    shown = ", ".join(repr(label) for label in list(labels)[:_SHOWN])
    return shown if len(labels) <= _SHOWN else f"{shown} and {len(labels) - _SHOWN} more"
