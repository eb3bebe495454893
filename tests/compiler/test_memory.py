"""plan_memory: storages that live at the same time never overlap, and dead ones make room."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphad.compiler.ir.dtypes import DTYPES, ITEMSIZE
from graphad.compiler.ir.size import symbol
from graphad.compiler.loops.ir import Kernel
from graphad.compiler.lower.builder import Launch
from graphad.compiler.lower.storage import Storage
from graphad.compiler.memory import ALIGN, GAP, plan_memory


def launch(storages: list[Storage]) -> Launch:
    return Launch(Kernel("k", [], [], []), storages, {}, [], ())


@st.composite
def schedules(draw: st.DrawFn) -> tuple[list[Launch], list[Storage], int, int]:
    """Launches, their storages, the size N, and the threads."""
    sizes = st.one_of(st.integers(0, 300), st.integers(0, 5).map(lambda c: c * symbol("N") + 1))
    count = draw(st.integers(0, 12))
    storages = [
        Storage("local", i, draw(st.sampled_from(DTYPES)), draw(sizes), draw(st.booleans())) for i in range(count)
    ]
    subsets = st.lists(st.sampled_from(storages), max_size=5, unique=True) if storages else st.just([])
    return draw(st.lists(subsets.map(launch), max_size=10)), storages, draw(st.integers(0, 50)), draw(st.integers(1, 4))


@given(schedules())
def test_no_two_live_storages_overlap(schedule: tuple[list[Launch], list[Storage], int, int]) -> None:
    launches, storages, n, threads = schedule
    offsets, total = plan_memory(launches, storages, {"N": n}, threads)
    ends = [
        at
        + (s.size if isinstance(s.size, int) else s.size.at({"N": n}))
        * ITEMSIZE[s.dtype]
        * (threads if s.per_part else 1)  # type: ignore[operator]
        for s, at in zip(storages, offsets, strict=True)
    ]
    lives = [[i for i, x in enumerate(launches) if s in x.storages] for s in storages]
    assert all(at % ALIGN == 0 for at in offsets)
    for i, a in enumerate(lives):
        for j, b in enumerate(lives[:i]):
            if a and b and a[0] <= b[-1] and b[0] <= a[-1]:
                assert ends[i] <= offsets[j] or ends[j] <= offsets[i] or offsets[i] == ends[i] or offsets[j] == ends[j]
        assert not a or ends[i] <= total


def test_a_chain_needs_two_places() -> None:
    storages = [Storage("local", i, "float32", 1000) for i in range(20)]
    launches = [launch(storages[i : i + 2]) for i in range(19)]
    _, total = plan_memory(launches, storages, {}, 1)
    assert total == 2 * int(np.ceil(4000 / ALIGN)) * ALIGN


def test_a_storage_of_each_thread_counts_once_a_thread() -> None:
    own = Storage("local", 0, "float64", 8, per_part=True)
    assert plan_memory([launch([own])], [own], {}, 3)[1] == 3 * 64 + 2 * GAP
