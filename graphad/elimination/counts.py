"""What an order costs, counted without making the products: rows of the graph as bits of Python integers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from graphad.elimination.graph import Graph


class Count(NamedTuple):
    """Products of a vertex or an order: all of them, and those without a factor +1 or -1."""

    multiplications: int
    nontrivial: int

    def ranked(self, nontrivial: bool) -> tuple[int, int]:
        """Both counts, first the one that is minimised.

        >>> Count(3, 2).ranked(nontrivial=True)
        (2, 3)
        """
        return (self.nontrivial, self.multiplications) if nontrivial else (self.multiplications, self.nontrivial)


class Rows:
    """Bit u of `before[v]`: entry [u, v] is there; of `after[v]`: entry [v, u]; of `unit[v]`: it is +1 or -1."""

    def __init__(self, graph: Graph) -> None:
        self.before = [bits(vertices) for vertices in graph.before]
        self.after = [bits(vertices) for vertices in graph.after]
        self.unit = [0] * len(graph.labels)
        for a, b in graph.units:
            self.unit[a] |= 1 << b & self.after[a]

    def eliminate(self, v: int) -> Count:
        """Removes the vertex, joining what is before it to what is after it."""
        before, after, unit, one = self.before[v], self.after[v], self.unit[v], 1 << v
        plain, costly = after.bit_count(), (after & ~unit).bit_count()
        nontrivial = 0
        for p in indices(before):
            there = self.after[p]
            if self.unit[p] & one:
                self.unit[p] = (self.unit[p] & ~after & ~one) | (unit & ~there)
            else:
                nontrivial += costly
                self.unit[p] &= ~after
            self.after[p] = (there | after) & ~one
        for s in indices(after):
            self.before[s] = (self.before[s] | before) & ~one
        self.before[v] = self.after[v] = self.unit[v] = 0
        return Count(before.bit_count() * plain, nontrivial)

    def price(self, v: int) -> int:
        """Markowitz's degree: the multiplications that eliminating v takes now."""
        return self.before[v].bit_count() * self.after[v].bit_count()


def replay(graph: Graph, order: Iterable[int]) -> dict[int, Count]:
    """What each vertex costs when eliminated in this order.

    >>> graph = Graph.of([("x", "u"), ("u", "v"), ("v", "y"), ("v", "z")], ["x"], ["y", "z"], {("x", "u"): 1})
    >>> replay(graph, [1, 2])
    {1: Count(multiplications=1, nontrivial=0), 2: Count(multiplications=2, nontrivial=2)}
    """
    rows = Rows(graph)
    return {v: rows.eliminate(v) for v in order}


def total(counts: Iterable[Count]) -> Count:
    """The sum of some counts."""
    plain = nontrivial = 0
    for count in counts:
        plain += count.multiplications
        nontrivial += count.nontrivial
    return Count(plain, nontrivial)


def bits(vertices: Iterable[int]) -> int:
    """The integer with these bits set.

    >>> bits([0, 3])
    9
    """
    row = 0
    for v in vertices:
        row |= 1 << v
    return row


def indices(row: int) -> Iterator[int]:
    """The bits of an integer that are set, lowest first.

    >>> list(indices(9))
    [0, 3]
    """
    while row:
        low = row & -row
        yield low.bit_length() - 1
        row ^= low
