"""What of a graph can be ordered on its own, and the small dense form that the searches work on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    """

    classes: tuple[tuple[int, ...], ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    own: tuple[int, ...]

    @staticmethod
    def of(graph: Graph, vertices: Iterable[int]) -> Piece:
        """The piece of these intermediates, in program order."""
        alike: dict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = {}
        for v in sorted(vertices):
            alike.setdefault((tuple(sorted(graph.before[v])), tuple(sorted(graph.after[v]))), []).append(v)
        classes = tuple(tuple(twins) for twins in alike.values())
        place = {v: c for c, twins in enumerate(classes) for v in twins[:1]}
        for v in (v for twins in classes for v in twins[1:]):
            place[v] = len(place)
        before = _rows([graph.before[twins[0]] for twins in classes], place)
        after = _rows([graph.after[twins[0]] for twins in classes], place)
        return Piece(classes, before, after, tuple(bits(place[v] for v in twins) for twins in classes))

    def order(self, classes: Iterable[int]) -> list[int]:
        """The vertices of these classes, twins together."""
        return [v for c in classes for v in self.classes[c]]

    def arrange(self, order: Sequence[int]) -> list[int]:
        """The classes in an order of the vertices, each where its last vertex is."""
        last = {v: k for k, v in enumerate(order)}
        return sorted(range(len(self.classes)), key=lambda c: max(last[v] for v in self.classes[c]))


def _rows(links: Sequence[Sequence[int]], place: dict[int, int]) -> tuple[int, ...]:
    """A row of bits for each; vertices outside the piece get the places above those inside."""
    outside: dict[int, int] = {}
    for v in (v for vertices in links for v in vertices if v not in place):
        outside.setdefault(v, len(place) + len(outside))
    return tuple(bits(place[v] if v in place else outside[v] for v in vertices) for vertices in links)


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
    return (max(row.bit_length() for row in (*piece.before, *piece.after)) + 63) // 64


def packed(rows: Sequence[int], words: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """The rows one after the other, each as words of 64 bits."""
    return np.frombuffer(b"".join(row.to_bytes(8 * words, "little") for row in rows), dtype="<u8").astype(np.uint64)
