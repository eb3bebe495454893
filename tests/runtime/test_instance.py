"""Running programs: results under any number of threads, states, guards, awkward arrays, profiles."""

import threading

import numpy as np
import pytest

from graphad.runtime import ArraySpec, GraphadError, GuardError, Layout
from tests.runtime.programs import SCALAR_LAYOUT, axpy_layout


def expected(x, s):
    return s + 3.0 * x[::-1]


@pytest.mark.parametrize("threads", [1, 2, 4, 7])  # more than there are cores here: the barrier has to yield
def test_every_number_of_threads_gives_the_same(axpy, threads):
    n = 10_001
    x, s, y = np.arange(float(n)), np.linspace(0, 1, n), np.empty(n)
    instance = axpy.instantiate(axpy_layout(n, threads), [s])
    for _ in range(50):
        x += 1.0  # the arena still holds the last call's local: a barrier that lets through too early would show
        instance.run([x], [y])
        np.testing.assert_array_equal(y, expected(x, s))


@pytest.mark.parametrize("threads", [1, 3])
def test_empty_arrays(axpy, threads):
    y = np.empty(0)
    axpy.instantiate(axpy_layout(0, threads), [np.empty(0)]).run([np.empty(0)], [y])


def test_arrays_without_dimensions(square):
    y = np.zeros(())
    square.instantiate(SCALAR_LAYOUT, []).run([np.array(-1.5)], [y])
    assert y == 2.25


@pytest.mark.parametrize("threads", [1, 2])
def test_read_only_inputs(axpy, threads):
    x, y = np.arange(4.0), np.empty(4)
    x.flags.writeable = False
    axpy.instantiate(axpy_layout(4, threads), [np.zeros(4)]).run([x], [y])
    np.testing.assert_array_equal(y, [9, 6, 3, 0])


def test_states_are_shared_not_copied(axpy):
    s, y = np.zeros(3), np.empty(3)
    instance = axpy.instantiate(axpy_layout(3), [s])
    s[:] = [5, 6, 7]
    instance.run([np.zeros(3)], [y])
    np.testing.assert_array_equal(y, [5, 6, 7])


@pytest.mark.parametrize("threads", [1, 4])
def test_a_guard_raises_and_is_forgotten(axpy, threads):
    x, y = np.ones(100), np.empty(100)
    instance = axpy.instantiate(axpy_layout(100, threads), [np.zeros(100)])
    x[42] = -1
    with pytest.raises(GuardError, match=r"program 'axpy' stopped with guard 7 \(detail 42\)") as caught:
        instance.run([x], [y])
    assert (caught.value.code, caught.value.detail) == (7, 42)
    assert isinstance(caught.value, GraphadError)
    x[42] = 1
    instance.run([x], [y])
    np.testing.assert_array_equal(y, 3.0)


def test_only_the_first_of_many_failures_counts(axpy):
    x, y = -np.ones(1000), np.empty(1000)
    instance = axpy.instantiate(axpy_layout(1000, 4), [np.zeros(1000)])
    with pytest.raises(GuardError) as caught:
        instance.run([x], [y])
    assert caught.value.code == 7
    assert caught.value.detail in {0, 250, 500, 750}  # the first index of one of the parts


@pytest.mark.parametrize("threads", [1, 2])
def test_eight_threads_share_an_instance(axpy, threads):
    n, s = 3000, np.ones(3000)
    instance = axpy.instantiate(axpy_layout(n, threads), [s])
    wrong: list[int] = []

    def work(k: int) -> None:
        x, y = np.full(n, float(k)) + np.arange(n), np.empty(n)
        for _ in range(30):
            instance.run([x], [y])
            if not np.array_equal(y, expected(x, s)):
                wrong.append(k)

    callers = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(timeout=60)
        assert not caller.is_alive()
    assert wrong == []


def test_profile_has_a_time_for_each_kernel(axpy):
    n = 200_000
    instance = axpy.instantiate(axpy_layout(n), [np.zeros(n)])
    seconds = instance.profile([np.ones(n)], [np.empty(n)], repeats=5)
    assert len(seconds) == 2
    assert all(1e-7 < s < 1 for s in seconds)
    assert instance.bytes == 8 * n


def test_arena_is_aligned(axpy):
    instance = axpy.instantiate(axpy_layout(3), [np.zeros(3)])
    frame = instance._frame()
    assert frame.address % 64 == 0
    assert frame.words[-8 : -8 + 5][4] % 64 == 0  # table: x, y, s, constant, local


@pytest.mark.parametrize(
    ("layout", "states", "message"),
    [
        (Layout((3,), (), 24, ((3,),), 1), [np.zeros(3)], "has 1 locals, the layout 0 offsets"),
        (Layout((3,), (25,), 24, ((3,),), 1), [np.zeros(3)], "outside the arena of 24 bytes"),
        (Layout((3,), (0,), 24, ((3,),), 0), [np.zeros(3)], "threads is 0"),
        (axpy_layout(3), [], "has 1 states, got 0"),
        (axpy_layout(3), [np.zeros(3, np.float32)], "state 's' of program 'axpy' must be a C-contiguous float64 array"),
        (axpy_layout(3), [np.zeros(6)[::2]], "must be a C-contiguous"),
    ],
)
def test_a_layout_that_would_crash_is_refused(axpy, layout, states, message):
    with pytest.raises(ValueError, match=message):
        axpy.instantiate(layout, states)


def test_a_dtype_that_buffers_lack_is_refused():
    with pytest.raises(ValueError, match="array 'x' has dtype 'float16'; write one of float32, float64"):
        ArraySpec("x", "float16", 1)
