"""How many examples of a batch a block has: what is left empty, and whether its values stay near, decide."""

import pytest

import graphad as ga
from graphad.compiler.options import Options
from graphad.compiler.ways import NEAR, WAYS, Way, example_bytes, way_of

WIDE = Options(isa="avx512")


@pytest.mark.parametrize(
    ("batch", "share", "one"),
    [
        *((4, 4, True), (5, 2, True), (8, 2, True), (9, 1, True), (16, 1, True)),
        *((17, 2, False), (24, 2, False), (32, 1, False), (33, 1, False), (64, 1, False)),
    ],
)
def test_a_last_block_is_not_left_empty(batch: int, share: int, one: bool) -> None:
    found = way_of(WIDE, [batch])
    assert found.lanes is not None
    assert (found.lanes.share, found.lanes.one_block) == (share, one)


def test_large_values_are_gone_through_in_smaller_blocks() -> None:
    small, large = (way_of(WIDE, [64], example) for example in (NEAR // 16, NEAR // 16 + 1))
    assert small.lanes is not None
    assert large.lanes is not None
    assert (small.lanes.share, large.lanes.share) == (1, 2)


@pytest.mark.parametrize("isa", ["sse", "avx2", "avx512"])
def test_every_way_is_known(isa: str) -> None:
    options = Options(isa=isa)  # type: ignore[arg-type]
    assert {way_of(options, [n], e) for n in range(1, 100) for e in (0, 1 << 20)} <= set(WAYS)
    assert way_of(options, [3]) == Way(few=True)


def test_bytes_of_an_example() -> None:
    x = ga.input("x", ("N", 2, 8, 8))
    y = ga.nn.functional.conv2d(x, ga.parameter("w", [[[[1.0]] * 3] * 2] * 5))
    assert example_bytes(ga.compile([x], y).graph) == 4 * 5 * 6 * 8
    assert example_bytes(ga.compile([ga.input("z", (3, 4))], ga.constant(1.0)).graph) == 0
