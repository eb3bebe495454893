"""The searches on one part of a graph, and the best of each part joined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from graphad.elimination.annealing import anneal, moves_within
from graphad.elimination.counts import Count, replay, total
from graphad.elimination.exact import CLASSES, exact
from graphad.elimination.graph import Graph
from graphad.elimination.greedy import markowitz
from graphad.elimination.pieces import Piece, blocks

ANNEALED = 300  # classes; above, a move costs so much that too few can be tried


@dataclass
class Part:
    """Intermediates that no edge joins to others, with the orders found for them."""

    graph: Graph
    vertices: list[int]
    nontrivial: bool = False  # what is minimised: products without a factor +1 or -1, or all
    orders: dict[str, list[int]] = field(default_factory=dict)
    counts: dict[str, Count] = field(default_factory=dict)

    @property
    def piece(self) -> Piece:
        return Piece.of(self.graph, self.vertices, self.nontrivial)

    @property
    def best(self) -> str:
        """The method of the lowest cost; of several, the one lower in the other count; then the first."""
        return min(self.counts, key=lambda name: self.counts[name].ranked(self.nontrivial))

    def cost(self, name: str) -> int:
        """What the method's order costs, in the count that is minimised."""
        return self.counts[name].ranked(self.nontrivial)[0]

    def take(self, name: str, order: Iterable[int], counts: Mapping[int, Count] | None = None) -> None:
        """Enters an order; its counts are replayed where not given."""
        self.orders[name] = list(order)
        counts = counts or replay(self.graph, self.orders[name])
        self.counts[name] = total(counts[v] for v in self.orders[name])


def improve(part: Part, seed: int, seconds: float) -> None:
    """Adds the exact order where it can be had, otherwise annealing's, or that of the biconnected pieces."""
    piece = part.piece
    moves = moves_within(piece, seconds)
    if len(piece.classes) <= CLASSES:
        part.take("exact", piece.order(exact(piece)[0]))
    elif len(piece.classes) <= ANNEALED and moves:
        start = piece.arrange(part.orders[part.best])
        found, _ = anneal(piece, start, part.cost("reverse"), moves, seed)
        part.take("annealing", piece.order(found))
    else:
        order = _by_blocks(part)
        if order:
            part.take("pieces", order)


def _by_blocks(part: Part) -> list[int] | None:
    """Each biconnected piece on its own, exactly where it is small, then the vertices that join them.

    The joints are kept until the end, which need not be best: so this is a heuristic, though its pieces are exact.
    """
    inner, joints = blocks(part.graph, part.vertices)
    if not joints:
        return None
    order: list[int] = []
    for block in inner:
        piece = Piece.of(part.graph, block, part.nontrivial)
        small = len(piece.classes) <= CLASSES
        order += piece.order(exact(piece)[0]) if small else markowitz(part.graph, block)
    return order + markowitz(part.graph, joints, first=order)
