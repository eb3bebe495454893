"""Python's collection of cycles, put off for a while."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """No search for unreachable cycles meanwhile.

    A compiler makes objects by the hundred thousand and keeps most of them: searches find nothing, and each looks at
    everything that was ever imported. They are a third of the time to lower LeNet-5.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
