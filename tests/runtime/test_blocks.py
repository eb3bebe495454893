"""Memory of large results: the caller's as long as anything looks into it, then used again."""

import threading

import numpy as np

from graphad.runtime import empty, release
from graphad.runtime.blocks import KEPT, LARGE

FLOAT = np.dtype("float32")


def test_used_again_when_dropped() -> None:
    release()
    first = empty((1024, 513), FLOAT)
    address = first.ctypes.data
    view = first[3:, ::2]
    del first
    second = empty((1024, 513), FLOAT)
    assert second.ctypes.data != address, "a view looks into the block"
    view[:] = 7
    del view
    assert empty((1024, 513), FLOAT).ctypes.data == address
    del second


def test_small_ones_are_numpys() -> None:
    assert empty((LARGE // 8,), FLOAT).flags.owndata


def test_no_more_than_a_limit_waits() -> None:
    release()
    arrays = [empty((KEPT // 8,), np.dtype("uint8")) for _ in range(10)]
    del arrays
    assert KEPT // 2 < release() <= KEPT


def test_threads_never_share_a_block() -> None:
    failed = []

    def work(number: int) -> None:
        for _ in range(200):
            block = empty((LARGE,), FLOAT)
            block[:100] = number
            if not (block[:100] == number).all():
                failed.append(number)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    release()
    assert not failed
