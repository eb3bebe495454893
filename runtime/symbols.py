"""What compiled code calls outside itself: the system's calls for threads that wait, and Python."""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from graphad.runtime import target
from graphad.runtime.llvm_api import llvm

CALL, RUN, WORK = "graphad_call", "graphad_run", "graphad_work"  # of a program: for Python, one part, a team's thread
YIELD, SYSCALL = "graphad_yield", "graphad_syscall"
ACQUIRE, RELEASE = "PyThread_acquire_lock", "PyThread_release_lock"
TYPE_ERROR = "PyExc_TypeError"  # a variable
_PYTHON = (
    "PyLong_AsLongLong", "PyLong_FromLongLong", "PyEval_SaveThread", "PyEval_RestoreThread", "PyErr_SetString",
    ACQUIRE, RELEASE,
)  # fmt: skip
HEAD = object.__basicsize__  # bytes of an object's head, behind which an array has the address of its elements


def _yielding() -> Any:
    """The system's "let another thread run"; None where there is none."""
    if sys.platform == "win32":
        return ctypes.CDLL("kernel32.dll").SwitchToThread
    return getattr(ctypes.CDLL(None), "sched_yield", None)


def _futex() -> int | None:
    """The number of Linux's system call to sleep and to wake by."""
    number = {"x86_64": 202, "aarch64": 98}.get(platform.machine().lower())
    return number if sys.platform.startswith("linux") else None


_yield = _yielding()  # kept: the symbol is its address
CAN_YIELD = _yield is not None
FUTEX = _futex()


@cache
def register() -> None:
    """Make all of it known to LLVM, and look once whether arrays lie in memory as they are read."""
    target.initialize()
    llvm.create_mcjit_compiler(llvm.parse_assembly(""), target.new_machine())  # makes this process's symbols known
    for name in _PYTHON:
        _add(name, getattr(ctypes.pythonapi, name))
    llvm.add_symbol(TYPE_ERROR, ctypes.addressof(ctypes.c_void_p.in_dll(ctypes.pythonapi, TYPE_ERROR)))
    if CAN_YIELD:
        _add(YIELD, _yield)
    if FUTEX is not None:
        _add(SYSCALL, ctypes.CDLL(None).syscall)
    probe = np.zeros(1)
    if ctypes.c_void_p.from_address(id(probe) + HEAD).value != probe.ctypes.data:
        raise ImportError(f"NumPy {np.__version__} does not keep its arrays' addresses where graphad reads them")


def _add(name: str, function: Any) -> None:
    llvm.add_symbol(name, ctypes.cast(function, ctypes.c_void_p).value)


def missing(symbols: Sequence[str]) -> list[str]:
    """Those that this process does not have: LLVM ends it when it meets one."""
    register()
    return [s for s in symbols if not llvm.address_of_symbol(s)]
