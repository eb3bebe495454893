"""The order of kernels: one that needs little memory, with updates as soon as nobody reads the old value."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from graphad.compiler.ir.dtypes import ITEMSIZE
from graphad.compiler.ir.graph import Graph
from graphad.compiler.ir.kinds import Gather, Map, Scatter
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.scalar import Apply, Cast, Scalar
from graphad.compiler.ir.size import evaluate
from graphad.compiler.lower.ranges import in_range
from graphad.compiler.passes.kernels.groups import Group
from graphad.runtime.once import cached_property

WORTH: Final = 0.9
"""What an order may leave alive of what the order as written does, to be taken instead."""

LARGE: Final = 1024
"""What a symbolic size counts as, where an order is chosen before sizes are known: memory is short when it is large."""


def order_groups(groups: Sequence[Group], graph: Graph) -> list[Group]:
    """The groups in the best of four orders, by the bytes of stored values alive at once.

    As written, depth first, unless another saves a tenth (or anything, where a memory limit made nodes wait): what was
    written one after the other finds its operands in the caches. The others are made by choosing, among the kernels
    that are ready, one that leaves less alive than before, else one that leaves as much, else the next: as written,
    the one that is needed first, or the one whose operands were there first. So a weight's gradient is computed as soon
    as its operands are there, which frees them, and not after the whole backward sweep.

    An update is made last, or once nobody reads the old value any more and no kernel can fail, so that it is made in
    place; updates that wait for each other do not.
    """
    work = _Work(groups, graph)
    best = min(map(work.greedy, (range(len(groups)), work.urgency, work.arrival)), key=work.peak)
    limited = any(g.waits for g in groups)
    worth = work.peak(best) < (1 if limited else WORTH) * work.peak(work.written)
    return [groups[i] for i in (best if worth else work.written)]


def can_fail(node: Node) -> bool:
    """Whether computing the node can stop the run."""
    match node.kind:
        case Gather(axis=axis):
            return not in_range(node.operands[1], node.operands[0].type.shape[axis])
        case Scatter(size=size):
            return not in_range(node.operands[0], size)
        case Map(scalar=scalar):
            return _requires(scalar)
        case _:
            return False


@lru_cache(maxsize=4096)
def _requires(scalar: Scalar) -> bool:
    match scalar:
        case Apply(primitive, args):
            return primitive == "require" or any(_requires(a) for a in args)
        case Cast(_, arg):
            return _requires(arg)
        case _:
            return False


def _nbytes(node: Node) -> int:
    """A value's size in bytes, where symbolic sizes count as LARGE."""
    size = node.type.size
    number = size if isinstance(size, int) else evaluate(size, dict.fromkeys(size.names(), LARGE))
    assert isinstance(number, int)
    return number * ITEMSIZE[node.type.dtype]


@dataclass
class _Work:
    """Groups by number: what each stores and reads of the others, and what it has to wait for."""

    groups: Sequence[Group]
    graph: Graph

    def __post_init__(self) -> None:
        home = {s: i for i, g in enumerate(self.groups) for s in g.stores}
        self.reads = [sorted(g.reads & home.keys(), key=home.__getitem__) for g in self.groups]
        self.sources = [list(dict.fromkeys(home[n] for n in reads)) for reads in self.reads]
        self.readers: dict[Node, int] = dict.fromkeys(home, 0)
        for reads in self.reads:
            for n in reads:
                self.readers[n] += 1
        elsewhere = {*self.graph.outputs, *(value for _, value in self.graph.updates)}
        self.bytes = {n: 0 if n in elsewhere else _nbytes(n) for n in home}
        self.stored = [sum(self.bytes[n] for n in g.stores) for g in self.groups]

    @cached_property
    def updates(self) -> set[int]:
        """Groups that only store new values of states, which nobody else reads."""
        values = {value for _, value in self.graph.updates}
        found: set[int] = set()
        early: set[Node] = set()
        for i in reversed(range(len(self.groups))):
            if all(s in values and s not in early for s in self.groups[i].stores):
                found.add(i)
            else:
                early.update(self.reads[i])
        return found

    @property
    def written(self) -> list[int]:
        """As the graph was written, updates last."""
        return [i for i in range(len(self.groups)) if i not in self.updates] + sorted(self.updates)

    @cached_property
    def urgency(self) -> list[int]:
        """The rank of each group when those with the longest way to the end come first."""
        depth = [0] * len(self.groups)
        for i in reversed(range(len(self.groups))):
            for j in self.sources[i]:
                depth[j] = max(depth[j], depth[i] + 1)
        ranked = sorted(range(len(self.groups)), key=lambda i: (-depth[i], i))
        rank = [0] * len(self.groups)
        for place, i in enumerate(ranked):
            rank[i] = place
        return rank

    @cached_property
    def arrival(self) -> list[int]:
        """The rank of each group when those whose operands are there first come first, as the graph was written.

        What only an update reads, such as a copy for a weight's gradient, is written behind the whole backward sweep.
        """
        ranked = sorted(range(len(self.groups)), key=lambda i: (max(self.sources[i], default=-1), i))
        rank = [0] * len(self.groups)
        for place, i in enumerate(ranked):
            rank[i] = place
        return rank

    @cached_property
    def waits(self) -> list[set[int]]:
        """For each group those that come before: what it reads; for updates the readers of the old value, too."""
        found = [set(sources) for sources in self.sources]
        failing = {i for i, g in enumerate(self.groups) if any(can_fail(n) for n in g.nodes)}
        old: dict[Node, list[int]] = {leaf: [] for leaf, _ in self.graph.updates}
        for i, group in enumerate(self.groups):
            for n in group.reads & old.keys():
                old[n].append(i)
        for leaf, value in self.graph.updates:
            for i in self.updates:
                if value in self.groups[i].stores:
                    found[i].update(j for j in old[leaf] if j != i)
        for i in self.updates - failing:
            found[i] |= failing
        return found

    def greedy(self, rank: Sequence[int]) -> list[int]:
        """An order by list scheduling; ``rank`` decides between kernels that are as good."""
        left = [len(w) for w in self.waits]
        behind: list[list[int]] = [[] for _ in self.groups]
        for i, waits in enumerate(self.waits):
            for j in sorted(waits):
                behind[j].append(i)
        unread = dict(self.readers)
        last_of: dict[Node, list[int]] = {n: [] for n in unread}
        for i, reads in enumerate(self.reads):
            for n in reads:
                last_of[n].append(i)
        done: list[int] = []
        placed = [False] * len(self.groups)

        def key(i: int) -> tuple[int, int, int]:
            change = self.stored[i] - sum(self.bytes[n] for n in self.reads[i] if unread[n] == 1)
            return ((change > 0) - (change < 0), rank[i], i)

        ready = [key(i) for i, count in enumerate(left) if not count]
        heapq.heapify(ready)
        while len(done) < len(self.groups):
            if not ready:  # updates that wait for each other: the first is made from a copy
                i = min(j for j in range(len(self.groups)) if not placed[j] and all(placed[s] for s in self.sources[j]))
                ready.append(key(i))
            entry = heapq.heappop(ready)
            i = entry[2]
            if placed[i]:
                continue
            if (now := key(i)) != entry:
                heapq.heappush(ready, now)
                continue
            placed[i] = True
            done.append(i)
            for n in self.reads[i]:
                unread[n] -= 1
                if unread[n] == 1:
                    for j in last_of[n]:
                        if not placed[j] and left[j] <= 0:
                            heapq.heappush(ready, key(j))
            for j in behind[i]:
                left[j] -= 1
                if not left[j] and not placed[j]:
                    heapq.heappush(ready, key(j))
        return done

    def peak(self, order: Sequence[int]) -> int:
        """The most bytes of stored values alive at once."""
        unread = dict(self.readers)
        alive = most = 0
        for i in order:
            alive += self.stored[i]
            most = max(most, alive)
            for n in self.reads[i]:
                unread[n] -= 1
                if not unread[n]:
                    alive -= self.bytes[n]
            alive -= sum(self.bytes[n] for n in self.groups[i].stores if not self.readers[n])
        return most
