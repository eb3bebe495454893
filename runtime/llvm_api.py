"""LLVM's compiler as llvmlite gives it, without types: theirs differ from version to version."""

from __future__ import annotations

from typing import Any

import llvmlite
import llvmlite.binding

from graphad.runtime import forks

llvm: Any = llvmlite.binding
VERSION = str(llvmlite.__version__)
_lock: Any = getattr(getattr(llvm.ffi.lib, "_lock", None), "_lock", None)  # llvmlite's own, where it is as expected
if _lock is not None:
    forks.hold(_lock)


def unlocked(function: Any) -> Any:
    """A function of LLVM without llvmlite's lock, which lets one thread at a time into LLVM.

    For work on contexts of the thread's own, which LLVM does side by side. With its lock where llvmlite hides it
    otherwise than this expects.
    """
    return getattr(function, "_cfn", function)
