"""What holds for every graph and every order."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphad import elimination
from graphad.elimination import sweeps
from graphad.elimination.annealing import anneal
from graphad.elimination.counts import replay, total
from graphad.elimination.exact import exact
from graphad.elimination.large import markowitz_within
from graphad.elimination.pieces import Piece, components
from tests.elimination.graphs import Case, dags, intermediates, multiplications, over_paths, random_dag

values = st.floats(-2, 2, allow_subnormal=False)


@given(dags(), st.randoms(use_true_random=False), st.data())
def test_every_order_gives_the_sum_over_paths(case: Case, shuffle: random.Random, data: st.DataObject) -> None:
    edges, inputs, outputs = case
    partials = {edge: data.draw(values) for edge in edges}
    order = intermediates(case)
    shuffle.shuffle(order)
    expected = [[over_paths(partials, x, y) for x in inputs] for y in outputs]
    np.testing.assert_allclose(elimination.jacobian(partials, inputs, outputs, order), expected, rtol=1e-9, atol=1e-9)


@given(dags(), st.data())
def test_an_entry_called_unit_is_one_or_minus_one(case: Case, data: st.DataObject) -> None:
    edges, _, _ = case
    units = {edge: data.draw(st.sampled_from([1, -1])) for edge in edges if data.draw(st.booleans())}
    order = data.draw(st.permutations(intermediates(case)))
    entries = {edge: float(units.get(edge, 3)) for edge in edges}
    for step in elimination.eliminate(elimination.Graph.of(*case, units), order):
        factors = entries[step.source, step.via], entries[step.via, step.target]
        assert not step.trivial or 1 in map(abs, factors)
        old = 0.0 if step.first else entries[step.source, step.target]
        entries[step.source, step.target] = old + factors[0] * factors[1]


@given(dags(), st.randoms(use_true_random=False))
def test_the_reported_cost_is_that_of_replaying_the_order(case: Case, choose: random.Random) -> None:
    units = {edge: 1 for edge in case[0] if choose.random() < 0.4}
    found = elimination.solve(*case, units=units)
    graph = elimination.Graph.of(*case, units)
    playing = elimination.Elimination(graph)
    number = {label: v for v, label in enumerate(graph.labels)}
    steps = [step for label in found.order for step in playing.eliminate(number[label])]
    assert sorted(found.order) == intermediates(case)
    assert found.multiplications == len(steps) == multiplications(case, list(found.order))
    assert found.nontrivial == sum(not step.trivial for step in steps)


@given(dags(7), st.data())
def test_exact_is_at_most_what_anything_else_costs(case: Case, data: st.DataObject) -> None:
    found = elimination.solve(*case)
    assert found.exact
    assert found.multiplications == found.heuristics["exact"] == min(found.heuristics.values())
    order = data.draw(st.permutations(intermediates(case)))
    assert found.multiplications <= multiplications(case, order)


@given(dags(7), st.data())
def test_exact_with_unit_products_free(case: Case, data: st.DataObject) -> None:
    units = {edge: 1 for edge in case[0] if data.draw(st.booleans())}
    found = elimination.solve(*case, units=units, minimize="nontrivial")
    assert found.exact
    assert found.nontrivial == min(found.heuristics.values())
    graph = elimination.Graph.of(*case, units)
    order = data.draw(st.permutations(graph.live))
    assert found.nontrivial <= total(replay(graph, order).values()).nontrivial
    again = {graph.labels.index(label): None for label in found.order}
    assert found.nontrivial == total(replay(graph, again).values()).nontrivial


@given(dags(), st.randoms(use_true_random=False))
def test_renaming_leaves_forward_and_reverse_alone(case: Case, shuffle: random.Random) -> None:
    edges, inputs, outputs = case
    names = sorted({v for edge in edges for v in edge})
    new = dict(zip(names, shuffle.sample([f"v{k}" for k in names], len(names)), strict=True))
    moved = [(new[a], new[b]) for a, b in edges]
    shuffle.shuffle(moved)
    one = elimination.solve(*case).heuristics
    two = elimination.solve(moved, [new[x] for x in inputs], [new[y] for y in outputs]).heuristics
    assert [one[mode] for mode in ("forward", "reverse", "exact")] == [
        two[mode] for mode in ("forward", "reverse", "exact")
    ]


@given(dags(7), st.data())
def test_twins_merged_or_not_cost_the_same(case: Case, data: st.DataObject) -> None:
    """Each intermediate is doubled or tripled or left; the pieces know twins, the check does not merge them."""
    edges, inputs, outputs = case
    times = {v: data.draw(st.integers(1, 2)) for v in intermediates(case)[:3]}
    several = {v: [v, *(v + k / 10 for k in range(1, times.get(v, 1)))] for edge in edges for v in edge}
    doubled = [(a, b) for p, s in edges for a in several[p] for b in several[s]]
    graph = elimination.Graph.of(doubled, inputs, outputs)
    for part in components(graph):
        merged = Piece.of(graph, part)
        apart = _apart(merged)
        assert exact(merged)[1] == exact(apart)[1]
        assert exact(merged)[1] == total(replay(graph, merged.order(exact(merged)[0])).values()).multiplications


def _apart(piece: Piece) -> Piece:
    """The same piece with every twin a class of its own."""
    groups = [[k for k in range(own.bit_length()) if own >> k & 1] for own in piece.own]
    place = {k: c for c, group in enumerate(groups) for k in group}
    count = len(place)
    rows = [tuple(side[place[k]] for k in range(count)) for side in piece.rows]
    vertices = [v for twins in piece.classes for v in twins[:1]] + [v for twins in piece.classes for v in twins[1:]]
    return Piece(tuple((v,) for v in vertices), (rows[0], rows[1]), tuple(1 << k for k in range(count)))


@given(dags(), st.randoms(use_true_random=False))
def test_the_formulas_for_large_graphs_count_the_same(case: Case, choose: random.Random) -> None:
    graph = elimination.Graph.of(*case, {edge: 1 for edge in case[0] if choose.random() < 0.5})
    assert sweeps.forward(graph) == total(replay(graph, graph.live).values())
    assert sweeps.reverse(graph) == total(replay(graph, graph.live[::-1]).values())
    order, count = markowitz_within(graph, 10**6) or ([], None)
    assert count == total(replay(graph, order).values())


@pytest.mark.parametrize("seed", range(4))
def test_annealing_counts_what_replaying_counts(seed: int) -> None:
    """Also with twins, and with rows of more than one word."""
    edges, inputs, outputs = random_dag(90, 2, 6, seed)
    edges += [(a, b + 0.5) for a, b in edges if b == 40] + [(a + 0.5, b) for a, b in edges if a == 40]
    graph = elimination.Graph.of(edges, inputs, outputs)
    piece = Piece.of(graph, graph.live)
    reverse = total(replay(graph, graph.live[::-1]).values()).multiplications
    start = list(range(len(piece.classes)))
    order, cost = anneal(piece, start, reverse, 3000, seed)
    assert sorted(order) == start
    assert cost == total(replay(graph, piece.order(order)).values()).multiplications < reverse


@pytest.mark.parametrize("seed", range(3))
def test_annealing_with_unit_products_free(seed: int) -> None:
    case = random_dag(90, 2, 6, seed)
    graph = elimination.Graph.of(*case, {edge: 1 for edge in case[0] if sum(edge) % 3})
    piece = Piece.of(graph, graph.live, nontrivial=True)
    order, cost = anneal(piece, range(len(piece.classes)), 100, 3000, seed)
    assert cost == total(replay(graph, piece.order(order)).values()).nontrivial


def test_compiled_and_interpreted_subsets_agree() -> None:
    """Fifteen vertices that hang together: the compiled search, against annealing for long."""
    edges: list[Any] = (
        [(f"x{k % 3}", k) for k in range(15)] + [(k, k + 1) for k in range(14)] + [(k, "y") for k in (5, 14)]
    )
    found = elimination.solve(edges, ["x0", "x1", "x2"], ["y"])
    graph = elimination.Graph.of(edges, ["x0", "x1", "x2"], ["y"])
    piece = Piece.of(graph, graph.live)
    assert len(piece.classes) == 15
    assert found.exact
    assert found.multiplications == anneal(piece, list(range(15)), 100, 20000, 0)[1]
    units = dict.fromkeys(edges[::2], 1)
    free = elimination.solve(edges, ["x0", "x1", "x2"], ["y"], units=units, minimize="nontrivial")
    piece = Piece.of(elimination.Graph.of(edges, ["x0", "x1", "x2"], ["y"], units), graph.live, nontrivial=True)
    assert free.exact
    assert free.nontrivial == anneal(piece, list(range(15)), 100, 20000, 0)[1]
