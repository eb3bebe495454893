"""The dynamic programs against all bracketings, and laws of the answer."""

import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graphad.chain import Factor, solve
from tests.chain.exhaustive import all_costs, random_chain
from tests.chain.replay import Machine, price
from tests.chain.strategies import chains, limits


@settings(max_examples=300)
@given(chains(), limits, st.booleans())
def test_no_bracketing_is_cheaper(chain: list[Factor], limit: int | None, matrix_free: bool) -> None:
    answer = solve(chain, limit, matrix_free=matrix_free)
    assert answer.cost == all_costs(chain, limit, matrix_free).min()
    assert answer.cost == answer.bracketing.cost == price(answer.bracketing, chain, limit)
    assert answer.accumulate_then_multiply == all_costs(chain, limit, matrix_free=False).min()


def test_no_bracketing_is_cheaper_for_eight_factors() -> None:
    rng = random.Random(8)
    for limit in (None, 0, 40, 100):
        chain = random_chain(rng, 8, 20, 60)
        assert solve(chain, limit).cost == all_costs(chain, limit).min()


@given(chains(longest=12))
def test_rivals_are_never_cheaper(chain: list[Factor]) -> None:
    answer = solve(chain)
    assert answer.cost <= min(answer.tangent_only, answer.adjoint_only, answer.accumulate_then_multiply)


@given(chains(longest=12, given=False))
def test_tangents_alone_and_adjoints_alone(chain: list[Factor]) -> None:
    answer = solve(chain)
    assert answer.tangent_only == chain[0].columns * sum(f.tangent_cost or 0 for f in chain)
    assert answer.adjoint_only == chain[-1].rows * sum(f.adjoint_cost or 0 for f in chain)


@given(chains(longest=12), st.lists(st.integers(0, 400), min_size=2, max_size=6).map(sorted))
def test_more_memory_never_costs_more(chain: list[Factor], some: list[int]) -> None:
    costs = [solve(chain, limit).cost for limit in (*some, None)]
    assert all(less >= more for less, more in pairwise(costs))
    assert solve(chain, sum(f.tape or 0 for f in chain)).cost == costs[-1]


@given(chains(longest=12))
def test_turning_the_chain_round_exchanges_the_modes(chain: list[Factor]) -> None:
    turned = [
        Factor(f.columns, f.rows)
        if f.given
        else Factor(f.columns, f.rows, f.adjoint_cost, f.tangent_cost, f.tape, f.jacobian_cost)
        for f in chain[::-1]
    ]
    assert solve(turned).cost == solve(chain).cost
    assert solve(turned).tangent_only == solve(chain).adjoint_only


@given(chains(longest=10), st.integers(2, 10**30))
def test_costs_scale(chain: list[Factor], by: int) -> None:
    """All sizes and costs times s, s and s squared: every term times s cubed, in integers of any width."""
    scaled = [
        replace(f, rows=f.rows * by, columns=f.columns * by)
        if f.given
        else replace(
            Factor(f.rows * by, f.columns * by, (f.tangent_cost or 0) * by**2, (f.adjoint_cost or 0) * by**2),
            jacobian_cost=None if f.jacobian_cost is None else f.jacobian_cost * by**3,
        )
        for f in chain
    ]
    assert solve(scaled).cost == solve(chain).cost * by**3


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), limits, st.booleans())
def test_carried_out_it_is_the_product_and_costs_what_was_said(
    seed: int, length: int, limit: int | None, matrix_free: bool
) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 12, length + 1)
    matrices = [rng.normal(size=(m, n)) * (rng.random((m, n)) < 0.6) for n, m in pairwise(sizes)]
    entries = [np.count_nonzero(a) for a in matrices]
    chain = [
        Factor(*a.shape) if rng.random() < 0.3 else Factor(*a.shape, e, e)
        for a, e in zip(matrices, entries, strict=True)
    ]
    answer = solve(chain, limit, matrix_free=matrix_free)
    machine = Machine(matrices)
    product = machine.run(answer.bracketing)
    assert machine.count == answer.cost
    expected = matrices[0] if length == 1 else np.linalg.multi_dot(matrices[::-1])
    np.testing.assert_allclose(product, expected, rtol=1e-9, atol=1e-9)
