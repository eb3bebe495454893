"""What is wrong with a chain is said by name."""

import re
from typing import Any

import numpy as np
import pytest

from graphad.chain import Factor, solve
from graphad.compiler.errors import GraphError, ShapeError

FACTOR_ERRORS = [
    ((-1, 2, 3, 3), ShapeError, "chain.Factor: rows must be at least 0, got -1"),
    ((2, -1, 3, 3), ShapeError, "chain.Factor: columns must be at least 0, got -1"),
    ((2, 2.5, 3, 3), ShapeError, "chain.Factor: columns must be a whole number, got 2.5"),
    (("2", 2, 3, 3), ShapeError, "chain.Factor: rows must be a whole number, got '2'"),
    ((None, 2, 3, 3), ShapeError, "chain.Factor: rows must be a whole number, got None"),
    ((2, 2, -3, 3), GraphError, "chain.Factor: tangent_cost must be at least 0, got -3"),
    ((2, 2, 3, -3), GraphError, "chain.Factor: adjoint_cost must be at least 0, got -3"),
    ((2, 2, 3, 3, -1), GraphError, "chain.Factor: tape must be at least 0, got -1"),
    ((2, 2, 3.0, 3), GraphError, "chain.Factor: tangent_cost must be a whole number, got 3.0"),
    ((2, 2, True, 3), GraphError, "chain.Factor: tangent_cost must be a whole number, got True"),
    ((2, 2, 3), GraphError, "chain.Factor: adjoint_cost is missing; give both costs, or neither for a given matrix"),
    ((2, 2, None, 3), GraphError, "chain.Factor: tangent_cost is missing"),
    ((2, 2, None, None, 3), GraphError, "chain.Factor: a given matrix has no tape; give tangent_cost and adjoint_cost"),
]


@pytest.mark.parametrize(("arguments", "kind", "text"), FACTOR_ERRORS)
def test_factors(arguments: tuple[Any, ...], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=re.escape(text)):
        Factor(*arguments)


GOOD = Factor(3, 3, 1, 1)
SOLVE_ERRORS: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    ([], {}, GraphError, "chain.solve: the chain is empty; it needs at least one chain.Factor"),
    (GOOD, {}, GraphError, "chain.solve: expected a list of chain.Factor, got one Factor; write [factor]"),
    (7, {}, GraphError, "chain.solve: expected a list of chain.Factor, got 7"),
    ([GOOD, (3, 3)], {}, GraphError, "chain.solve: factor 2 is no chain.Factor but (3, 3)"),
    ([GOOD], {"memory_limit": -1}, GraphError, "chain.solve: memory_limit must be at least 0, got -1"),
    ([GOOD], {"memory_limit": 1.5}, GraphError, "chain.solve: memory_limit must be a whole number, got 1.5"),
    ([GOOD], {"threads": 0}, GraphError, "chain.solve: threads must be at least 1, got 0"),
    ([GOOD], {"threads": 2.0}, GraphError, "chain.solve: threads must be a whole number, got 2.0"),
    (
        [GOOD, Factor(2, 4, 1, 1)],
        {},
        ShapeError,
        "chain.solve: factor 2 (2 x 4) does not chain: it has 4 columns, but factor 1 (3 x 3) has 3 rows; "
        "factors come innermost first",
    ),
    ([Factor(1, 3, 1, 1), Factor(3, 2, 1, 1)], {}, ShapeError, "innermost first: reverse the list?"),
]


@pytest.mark.parametrize(("factors", "keywords", "kind", "text"), SOLVE_ERRORS)
def test_solve(factors: Any, keywords: dict[str, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=re.escape(text)):
        solve(factors, **keywords)


def test_numpy_integers_are_whole_numbers_and_stay_exact() -> None:
    factor = Factor(np.int8(100), np.int64(100), np.uint8(200), np.int32(5))
    assert all(type(value) is int for value in (factor.rows, factor.columns, factor.tangent_cost, factor.tape))
    assert solve(iter([factor, factor])).cost == 100 * 10


def test_the_answer_is_frozen() -> None:
    answer = solve([GOOD])
    with pytest.raises(AttributeError):
        answer.cost = 3  # type: ignore[misc]
    with pytest.raises(AttributeError):
        answer.bracketing.cost = 3  # type: ignore[misc]
