"""Elimination orders for graphs whose edges are structured matrices: what a product costs depends on both."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from typing import Final

from graphad.planning.dags import Dag, Edge
from graphad.structures import Einsum, Prices, Structured, after, count, plus

GREEDY: Final = 250
"""Vertices up to which the greedy rules run; above, forward and reverse only."""
ANNEALED: Final = 40
EXACT: Final = 8
MOVES: Final = 200


@dataclass(frozen=True)
class Order:
    """An order of the intermediates, the multiplications it takes, and what each method took."""

    order: tuple[int, ...]
    multiplications: int
    methods: dict[str, int]

    @property
    def method(self) -> str:
        """The first method that found it."""
        return min(self.methods, key=lambda name: self.methods[name])


def cheapest(dag: Dag, seed: int = 0, moves: int = MOVES) -> Order:
    """The best order of a portfolio: forward, reverse, Markowitz and min-fill (ties to the last), annealing, exact."""
    plain = dag.intermediates
    orders: dict[str, tuple[int, ...]] = {"forward": plain, "reverse": plain[::-1]}
    if len(plain) <= GREEDY:
        orders["markowitz"] = greedy(dag, _Eliminated.price)
        orders["min_fill"] = greedy(dag, _Eliminated.fill)
    costs = {name: price(dag, order) for name, order in orders.items()}
    best = min(costs, key=lambda name: costs[name])
    if len(plain) <= EXACT:
        orders["exact"] = exact(dag)
        costs["exact"] = price(dag, orders["exact"])
    elif len(plain) <= ANNEALED:
        orders["annealing"], costs["annealing"] = anneal(dag, orders[best], costs[best], seed, moves)
    best = min(costs, key=lambda name: costs[name])
    return Order(orders[best], costs[best], costs)


def price(dag: Dag, order: Iterable[int]) -> int:
    """The multiplications of an order."""
    w = Prices()
    dag.play(w, order)
    return w.multiplications


class _Eliminated:
    """A graph while its vertices are eliminated, with prices for weights."""

    def __init__(self, entries: dict[Edge, Structured], inner: Iterable[int]) -> None:
        self.entries = entries
        self.inner = set(inner)
        self.before: dict[int, set[int]] = {}
        self.after: dict[int, set[int]] = {}
        for a, b in entries:
            self.after.setdefault(a, set()).add(b)
            self.before.setdefault(b, set()).add(a)

    def copy(self) -> _Eliminated:
        return _Eliminated(dict(self.entries), self.inner)

    def _pairs(self, v: int) -> list[Edge]:
        return sorted(product(self.before.get(v, ()), self.after.get(v, ())))

    def price(self, v: int) -> int:
        """Markowitz's degree with structure: the multiplications that eliminating ``v`` takes now."""
        w = Prices()
        for p, s in self._pairs(v):
            after(w, self.entries[v, s], self.entries[p, v])
        return w.multiplications

    def fill(self, v: int) -> int:
        """The elements of the entries that eliminating ``v`` would create."""
        w = Prices()
        made = (
            after(w, self.entries[v, s], self.entries[p, v]) for p, s in self._pairs(v) if (p, s) not in self.entries
        )
        return sum(j.size(j.letters) if isinstance(j, Einsum) else count(j.target_shape) for j in made)

    def eliminate(self, v: int) -> tuple[int, set[int]]:
        """What it took, and the vertices whose own price may have changed."""
        w = Prices()
        for p, s in self._pairs(v):
            found = after(w, self.entries[v, s], self.entries[p, v])
            self.entries[p, s] = plus(w, self.entries.get((p, s)), found)
            self.after[p].add(s)
            self.before[s].add(p)
        before, behind = self.before.pop(v, set()), self.after.pop(v, set())
        for p in before:
            self.after[p].discard(v)
            del self.entries[p, v]
        for s in behind:
            self.before[s].discard(v)
            del self.entries[v, s]
        self.inner.discard(v)
        return w.multiplications, (before | behind) & self.inner


def greedy(dag: Dag, measure: Callable[[_Eliminated, int], int]) -> tuple[int, ...]:
    """The vertex that measures least goes next; of several, the last in program order."""
    state = _Eliminated(dag.start(Prices()), dag.intermediates)
    keys = {v: measure(state, v) for v in dag.intermediates}
    order = []
    while keys:
        v = min(keys, key=lambda u: (keys[u], -u))
        order.append(v)
        del keys[v]
        for u in state.eliminate(v)[1]:
            keys[u] = measure(state, u)
    return tuple(order)


def exact(dag: Dag) -> tuple[int, ...]:
    """The cheapest order by dynamic programming over the sets of vertices that are gone."""
    first = _Eliminated(dag.start(Prices()), dag.intermediates)
    level: dict[frozenset[int], tuple[int, tuple[int, ...], _Eliminated]] = {frozenset(): (0, (), first)}
    for _ in dag.intermediates:
        following: dict[frozenset[int], tuple[int, tuple[int, ...], _Eliminated]] = {}
        for gone, (cost, order, state) in level.items():
            for v in sorted(state.inner):
                new = state.copy()
                total = cost + new.eliminate(v)[0]
                key = gone | {v}
                if key not in following or total < following[key][0]:
                    following[key] = (total, (*order, v), new)
        level = following
    ((_, order, _),) = level.values()
    return order


def anneal(dag: Dag, start: tuple[int, ...], cost: int, seed: int, moves: int = MOVES) -> tuple[tuple[int, ...], int]:
    """Simulated annealing: one vertex moves to another place; the temperature falls from 2 % of the first cost."""
    draw = random.Random(seed)
    current, now, best = start, cost, (start, cost)
    first = max(0.02 * cost, 1.0)
    for move in range(moves):
        order = list(current)
        v = order.pop(draw.randrange(len(order)))
        order.insert(draw.randrange(len(order) + 1), v)
        trial = price(dag, order)
        temperature = first * (0.05 / first) ** (move / moves)
        if trial <= now or draw.random() < math.exp((now - trial) / temperature):
            current, now = tuple(order), trial
            best = min(best, (current, now), key=lambda found: found[1])
    return best
