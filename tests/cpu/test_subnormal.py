"""Subnormal numbers: zeros in steps that update something, unless precision is strict; as they are everywhere else."""

from __future__ import annotations

import numpy as np
import pytest

import graphad as ga

SMALL = np.float32(1e-39)


def decayed(options: ga.Options, threads: int, size: int = 40_000) -> np.ndarray:
    """A momentum of 1e-37 after a hundred steps that feed it nothing."""
    velocity = ga.parameter("velocity", np.full(size, 1e-37, np.float32))
    step = ga.compile([], ga.sum(velocity), updates={velocity: velocity * 0.9}, threads=threads, options=options)
    for _ in range(100):
        step()
    return velocity.value


@pytest.mark.parametrize("threads", [1, 2])
def test_a_momentum_that_nothing_feeds_becomes_zero(threads: int) -> None:
    assert (decayed(ga.Options(), threads) == 0.0).all()


def test_strict_keeps_it_and_so_does_the_reference() -> None:
    kept = decayed(ga.Options(precision="strict"), 1)
    assert (kept > 0.0).all()
    assert (kept < np.finfo("f4").tiny).all()


def test_the_caller_has_its_subnormal_numbers_afterwards() -> None:
    decayed(ga.Options(), 2)
    assert np.float32(0.5) * SMALL > 0.0
    assert (np.full(100, SMALL) * np.float32(0.5) > 0.0).all()


def test_without_updates_they_are_numbers() -> None:
    x = ga.input("x", (100,))
    found = ga.compile([x], x * 0.5)(np.full(100, SMALL))
    assert (found > 0.0).all()
