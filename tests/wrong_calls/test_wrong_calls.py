"""Each wrong call is refused by an error of graphad's own, before anything is compiled, and its message says what."""

import pytest

import graphad as ga
from tests import wrong_calls
from tests.wrong_calls import Row, arrays, calls, derivatives, layers, leaves, planners, training

TABLE: list[Row] = [
    row for part in (leaves, calls, arrays, derivatives, layers, training, planners) for row in part.ROWS
]


@pytest.mark.parametrize(("call", "error", "message"), TABLE, ids=[call for call, _, _ in TABLE])
def test_a_wrong_call_is_refused(call: str, error: type[ga.GraphadError], message: str) -> None:
    with pytest.raises(ga.GraphadError) as caught:
        eval(call, vars(wrong_calls))
    assert type(caught.value) is error
    assert message in str(caught.value)


def test_the_table_is_long_and_has_no_call_twice() -> None:
    assert len({call for call, _, _ in TABLE}) == len(TABLE) >= 350
