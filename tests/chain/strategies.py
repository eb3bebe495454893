"""Chains for Hypothesis."""

import random

from hypothesis import strategies as st

from graphad.chain import Factor
from tests.chain.exhaustive import random_chain


@st.composite
def chains(draw: st.DrawFn, longest: int = 8, given: bool = True) -> list[Factor]:
    """Short chains with small sizes, where modes compete; costs from far below to far above those of products."""
    rng = random.Random(draw(st.integers(0, 2**32 - 1)))
    length = draw(st.integers(1, longest))
    cost = draw(st.sampled_from([1, 5, 30, 200]))
    return random_chain(rng, length, draw(st.sampled_from([2, 8, 30])), cost, draw(st.sampled_from([0.0, 0.3])) * given)


limits = st.none() | st.integers(0, 300)
