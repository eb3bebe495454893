"""Published answers, and the theorem of widths that grow or shrink."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphad.chain import Factor, solve


def both(rows: int, columns: int, cost: int) -> Factor:
    return Factor(rows, columns, cost, cost)


def test_three_factors_of_the_literature() -> None:
    answer = solve([both(3, 3, 29), both(1, 3, 14), both(2, 1, 7)])
    assert answer.cost == 56
    assert (answer.tangent_only, answer.adjoint_only, answer.accumulate_then_multiply) == (150, 100, 123)
    assert answer.text.startswith("F3' (F2' <- F1)\n")
    assert answer.adjoint_tape == 50


@pytest.mark.parametrize(
    ("first", "second", "cost"), [((4, 2), (8, 4), 400), ((2, 4), (32, 2), 600), ((2, 4), (4, 2), 432)]
)
def test_two_factors_of_the_literature(first: tuple[int, int], second: tuple[int, int], cost: int) -> None:
    assert solve([both(*first, 100), both(*second, 100)]).cost == cost


CLRS = [30, 35, 15, 5, 10, 20, 25]  # Cormen, Leiserson, Rivest and Stein, section 14.2: A1 is 30 x 35


@pytest.mark.parametrize("matrix_free", [True, False])
@pytest.mark.parametrize("costs", [(), (0, 0)])
def test_the_matrix_chain_of_clrs(matrix_free: bool, costs: tuple[int, ...]) -> None:
    factors = [Factor(m, n, *costs) for m, n in pairwise(CLRS)][::-1]
    answer = solve(factors, matrix_free=matrix_free)
    if costs and matrix_free:
        assert answer.cost == 0  # programs whose sweeps are free are another thing than matrices
    else:
        assert answer.cost == 15125
        assert answer.text.startswith("(F6' (F5' F4')) ((F3' F2') F1')\n")  # ((A1 (A2 A3)) ((A4 A5) A6))


widths = st.lists(st.integers(1, 50), min_size=2, max_size=12).map(sorted)


@given(widths, st.booleans())
def test_growing_widths_want_forward_and_shrinking_ones_reverse(sizes: list[int], matrices: bool) -> None:
    """With n_0 <= n_1 <= ... <= n_q, products from the inputs' side cost n_0 sum(n_k n_k+1), which is the least."""

    def factor(rows: int, columns: int) -> Factor:
        return Factor(rows, columns) if matrices else both(rows, columns, rows * columns)

    growing = solve([factor(m, n) for n, m in pairwise(sizes)])
    assert growing.cost == growing.tangent_only
    shrinking = solve([factor(m, n) for m, n in pairwise(sizes)][::-1])
    assert shrinking.cost == shrinking.adjoint_only == growing.cost


def test_a_bow_tie_is_bracketed_at_its_waists() -> None:
    sizes = [400, 8, 400, 8, 400]
    answer = solve([both(m, n, m * n) for n, m in pairwise(sizes)])
    assert answer.tangent_only == answer.adjoint_only == 400 * 4 * 3200
    assert answer.cost < answer.tangent_only / 1.9


def test_one_factor_takes_its_cheaper_mode() -> None:
    assert solve([Factor(2, 3, 10, 10)]).cost == 20
    assert solve([Factor(2, 3, 10, 20)]).cost == 30
    assert solve([Factor(2, 3, 10, 10, tape=5)], memory_limit=4).cost == 30
    assert solve([Factor(2, 3)]).cost == 0


def test_an_empty_side_costs_nothing() -> None:
    assert solve([both(4, 0, 7), both(3, 4, 7)]).cost == 0
