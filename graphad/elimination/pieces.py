"""What of a graph can be ordered on its own, and the small dense form that the searches work on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphad._lazy import lazy_import
from graphad.elimination.counts import bits
from graphad.elimination.graph import Graph

networkx = lazy_import("networkx")


@dataclass(frozen=True)
class Piece:
    """Some intermediates to be ordered while all other vertices stay.

    False twins (same vertices before, same after) are one class. Eliminating them one after the other is optimal:
    moving both to where the first is, or both to where the second is, costs no more, because a vertex between sees
    A + 2, B + 1 or B neighbours when none, one or both are gone, and A <= B.

    Bit c < len(classes) of a row stands for class c, and a class of k twins has k - 1 more bits further up, so that the
    bits of a row count entries; `own[c]` has all bits of the class.

    `rows` are those before each class and those after; where only entries other than +1 and -1 cost, also the entries
    before and after that do, and no classes are merged.
    """

    classes: tuple[tuple[int, ...], ...]
    rows: tuple[tuple[int, ...], ...]
    own: tuple[int, ...]

    @staticmethod
    def of(graph: Graph, vertices: Iterable[int], nontrivial: bool = False) -> Piece:
        """The piece of these intermediates, in program order; `nontrivial`: products with +1 and -1 are free."""
        classes = tuple((v,) for v in sorted(vertices)) if nontrivial else _twins(graph, vertices)
        place = {v: c for c, twins in enumerate(classes) for v in twins[:1]}
        for v in (v for twins in classes for v in twins[1:]):
            place[v] = len(place)
        first = [twins[0] for twins in classes]
        rows = _rows([[(p, (p, v) in graph.units) for p in graph.before[v]] for v in first], place)
        after = _rows([[(s, (v, s) in graph.units) for s in graph.after[v]] for v in first], place)
        sides = (rows[0], after[0], rows[1], after[1])[: 4 if nontrivial else 2]
        return Piece(classes, sides, tuple(bits(place[v] for v in twins) for twins in classes))

    def order(self, classes: Iterable[int]) -> list[int]:
        """The vertices of these classes, twins together."""
        return [v for c in classes for v in self.classes[c]]

    def arrange(self, order: Sequence[int]) -> list[int]:
        """The classes in an order of the vertices, each where its last vertex is."""
        last = {v: k for k, v in enumerate(order)}
        return sorted(range(len(self.classes)), key=lambda c: max(last[v] for v in self.classes[c]))


def _twins(graph: Graph, vertices: Iterable[int]) -> tuple[tuple[int, ...], ...]:
    alike: dict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = {}
    for v in sorted(vertices):
        alike.setdefault((tuple(sorted(graph.before[v])), tuple(sorted(graph.after[v]))), []).append(v)
    return tuple(tuple(twins) for twins in alike.values())


def _rows(
    links: Sequence[Sequence[tuple[int, bool]]], place: Mapping[int, int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows of all entries and of those that are not units; vertices outside get the places above those inside."""
    places = dict(place)
    for v in (v for entries in links for v, _ in entries):
        places.setdefault(v, len(places))
    every = tuple(bits(places[v] for v, _ in entries) for entries in links)
    return every, tuple(bits(places[v] for v, unit in entries if not unit) for entries in links)


def components(graph: Graph) -> list[list[int]]:
    """The live intermediates in parts that no edge between intermediates joins.

    What a vertex costs depends on which vertices of its own part are gone and on nothing else, so the best order of the
    whole is the best order of each part, one after the other.

    >>> graph = Graph.of([("x", "a"), ("a", "y"), ("x", "b"), ("b", "c"), ("c", "y")], ["x"], ["y"])
    >>> [[graph.labels[v] for v in part] for part in components(graph)]
    [['a'], ['b', 'c']]
    """
    left = dict.fromkeys(graph.live)
    parts = []
    while left:
        start = next(iter(left))
        del left[start]
        part = [start]
        for v in part:  # grows while it is walked
            for u in (*graph.before[v], *graph.after[v]):
                if u in left:
                    del left[u]
                    part.append(u)
        parts.append(sorted(part))
    return parts


def blocks(graph: Graph, part: Iterable[int]) -> tuple[list[list[int]], list[int]]:
    """The insides of the part's biconnected pieces, and the articulation vertices that join them.

    >>> edges = [("x", "a"), ("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("d", "y"), ("b", "y")]
    >>> graph = Graph.of(edges, ["x"], ["y"])
    >>> inner, joints = blocks(graph, graph.live)
    >>> [[graph.labels[v] for v in block] for block in inner], [graph.labels[v] for v in joints]
    ([['a', 'b'], ['d']], ['c'])
    """
    vertices = sorted(part)
    inside = set(vertices)
    undirected = networkx.Graph()
    undirected.add_nodes_from(vertices)
    undirected.add_edges_from((v, u) for v in vertices for u in graph.after[v] if u in inside)
    joints = set(networkx.articulation_points(undirected))
    found = (sorted(set(block) - joints) for block in networkx.biconnected_components(undirected))
    return sorted(block for block in found if block), sorted(joints)


def words_of(piece: Piece) -> int:
    """How many 64-bit words a row of the piece takes."""
    return (max(row.bit_length() for rows in piece.rows for row in rows) + 63) // 64


def packed(rows: Sequence[int], words: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """The rows one after the other, each as words of 64 bits."""
    return np.frombuffer(b"".join(row.to_bytes(8 * words, "little") for row in rows), dtype="<u8").astype(np.uint64)
