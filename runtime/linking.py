"""Object code put into memory, and called from Python."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

from graphad.runtime import target
from graphad.runtime.llvm_api import llvm
from graphad.runtime.symbols import CALL, register


class _Method(ctypes.Structure):
    """PyMethodDef of Python's C interface."""

    _fields_ = (
        ("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p),
    )  # fmt: skip


_FASTCALL = 0x0080  # METH_FASTCALL: arguments come as a C array
_new_function: Any = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(
    ("PyCFunction_NewEx", ctypes.pythonapi)
)


def link(objects: Sequence[bytes]) -> Callable[..., int]:
    """The entry point of a program that is made of these; it keeps the code in memory."""
    register()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target.new_machine())
    for code in objects:
        engine.add_object_file(llvm.object_file.ObjectFileRef.from_data(code))
    engine.finalize_object()
    method = _Method(CALL.encode(), engine.get_function_address(CALL), _FASTCALL, None)
    called: Callable[..., int] = _new_function(ctypes.addressof(method), (engine, method), None)
    return called
