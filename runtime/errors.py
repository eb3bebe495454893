"""The errors of every room.

They live in the lowest room, so that one `except GraphadError` catches whatever graphad raises on purpose.
"""

from __future__ import annotations


class GraphadError(Exception):
    """Root of all errors that graphad raises on purpose."""


class CompileError(GraphadError):
    """A generated program could not be compiled: a fault of graphad's.

    `kernel` is the one that Numba or LLVM stumbled on ("" if that is not known), `path` where the text was left.
    """

    def __init__(self, program: str, kernel: str, path: str, reason: str) -> None:
        super().__init__(f"program {program!r}, kernel {kernel!r} in {path}: {reason}")
        self.program = program
        self.kernel = kernel
        self.path = path
        self.reason = reason


class FormatError(GraphadError, ValueError):
    """What was read is not of the form that it should have.

    `place` is where, such as "cost.forward.seconds" ("" for the whole), `reason` what is wrong there.
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}" if place else reason)
        self.place = place
        self.reason = reason


class CacheError(GraphadError):
    """A setting of the cache is none: GRAPHAD_CACHE_DIR or GRAPHAD_CACHE_LIMIT."""


class CacheWarning(UserWarning):
    """Something is wrong with the cache, but the work goes on without it."""


class ThreadWarning(UserWarning):
    """Fewer threads are used than were asked for."""


class GuardError(GraphadError):
    """A compiled program found at run time that its result would be wrong.

    `code` is the number the program passed to `fail`, `detail` its second number; the caller knows what they mean.
    """

    def __init__(self, program: str, code: int, detail: int) -> None:
        super().__init__(f"program {program!r} stopped with guard {code} (detail {detail})")
        self.program = program
        self.code = code
        self.detail = detail
