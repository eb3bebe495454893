"""The three ways to run the recurrence take the same decisions, and none overflows."""

import random
from itertools import pairwise

import pytest

from graphad.chain import Factor, solve
from graphad.chain.narrow import choices_narrow
from graphad.chain.problem import Problem
from graphad.chain.recurrence import SMALL, choices_python
from graphad.chain.wide import choices_wide
from tests.chain.exhaustive import random_chain
from tests.chain.replay import price

EXACT_LIMIT = 2**63


def problems(size: int, cost: int, seed: int) -> list[Problem]:
    rng = random.Random(seed)
    chain = tuple(random_chain(rng, 40, size, cost, given=0.1))
    equal = (Factor(size, size, cost, cost),) * 30
    return [Problem(chain), Problem(chain, cost // 2), Problem(chain, matrix_free=False), Problem(equal),
            Problem((Factor(size, size),) * 30)]  # fmt: skip


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize(("size", "cost"), [(3, 2), (100, 10**4), (3 * 10**5, 10**10)])
def test_narrow_integers_decide_like_python(size: int, cost: int, parallel: bool) -> None:
    for problem in problems(size, cost, seed=size):
        assert problem.bound < EXACT_LIMIT
        assert (choices_narrow(problem, parallel) == choices_python(problem, parallel)).all()


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize(
    ("size", "cost"),
    [(3, 2), (2**21, 2**40), (2**31, 2**62), (2**31 - 1, 2**31 - 1), (10**9, 10**30), (10**120, 10**300), (2**400, 1)],
)
def test_wide_integers_decide_like_python(size: int, cost: int, parallel: bool) -> None:
    for problem in problems(size, cost, seed=cost % 1000):
        assert (choices_wide(problem, parallel) == choices_python(problem, parallel)).all()


def test_costs_that_differ_in_the_last_digit_only() -> None:
    """Floating point cannot tell them apart, so the limbs must."""
    rng = random.Random(4)
    big = 2**200
    sizes = [big + rng.randint(0, 2) for _ in range(41)]
    chain = tuple(Factor(m, n, big**2 + rng.randint(0, 3), big**2 + rng.randint(0, 3)) for n, m in pairwise(sizes))
    for parallel in (False, True):
        problem = Problem(chain)
        assert (choices_wide(problem, parallel) == choices_python(problem, parallel)).all()


@pytest.mark.parametrize("power", [62, 63, 64])
def test_around_the_edge_of_64_bits(power: int) -> None:
    """A chain longer than Python's share whose true cost is beyond the edge: never wraps round."""
    chain = [Factor(1, 1, 2**power, 2**power) for _ in range(SMALL + 3)]
    answer = solve(chain)
    assert answer.cost == (SMALL + 3) * 2**power == answer.tangent_only
    assert price(answer.bracketing, chain) == answer.cost


@pytest.mark.parametrize(("size", "cost"), [(100, 10**5), (10**8, 10**20)])
def test_five_hundred_factors(size: int, cost: int) -> None:
    chain = random_chain(random.Random(5), 500, size, cost)
    answer = solve(chain, memory_limit=cost // 2)
    assert price(answer.bracketing, chain, cost // 2) == answer.cost
    assert len(answer.text) < 20_000
