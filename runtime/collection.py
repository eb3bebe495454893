"""Python's collection of cycles, put off for a while."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_pausing: list[int] = []  # threads that will put the collector on again


@contextmanager
def collection_paused() -> Iterator[None]:
    """No search for unreachable cycles meanwhile.

    A compiler makes objects by the hundred thousand and keeps most of them: searches find nothing, and each looks at
    everything that was ever imported. They are a third of the time to lower LeNet-5.
    """
    me, enabled = threading.get_ident(), gc.isenabled()
    if enabled:
        _pausing.append(me)
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
            _pausing.remove(me)


def _in_child() -> None:
    """Do what the threads that are not there would have done."""
    if any(thread != threading.get_ident() for thread in _pausing):
        gc.enable()
    _pausing[:] = [thread for thread in _pausing if thread == threading.get_ident()]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
