"""Random networks on small batches: a share of those that ``make fuzz`` tries, with as little of LLVM as will do."""

import dataclasses
from pathlib import Path

import pytest

from graphad.runtime import units
from graphad.runtime.objects import Unit
from tests.networks import check

SEEDS = range(40)


@pytest.fixture
def quickly(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels as they are written, without LLVM's passes, which take most of the time; none of it is kept."""

    def plain(*args: object, **named: object) -> Unit:
        return dataclasses.replace(Unit(*args, **named), level=0)  # type: ignore[arg-type]

    monkeypatch.setattr(units, "Unit", plain)


@pytest.mark.parametrize("first", SEEDS[::5])
def test_random_networks(first: int, quickly: None) -> None:
    for seed in range(first, first + 5):
        check(seed)
