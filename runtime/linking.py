"""Object code put into memory, and called from Python."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphad.runtime import target
from graphad.runtime.llvm_api import llvm
from graphad.runtime.symbols import CALL, WORK, register


class _Method(ctypes.Structure):
    """PyMethodDef of Python's C interface."""

    _fields_ = (
        ("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p),
    )  # fmt: skip


_FASTCALL = 0x0080  # METH_FASTCALL: arguments come as a C array
_new_function: Any = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(
    ("PyCFunction_NewEx", ctypes.pythonapi)
)


@dataclass(frozen=True)
class Linked:
    """`call(parts, frame_address, team_address, *inputs, *outputs)` runs a program; its answer is 0 if all is well.

    It takes exactly the arrays of the program's specs and checks only how many there are. It runs alone with one part,
    or where another call has the team. ``work`` is the address of the function for the threads of a team.
    """

    call: Callable[..., int]  # has the code, while it is there
    work: int
    engine: Any

    def keep(self) -> None:
        """Never take the code out of memory: threads are in it that nobody waits for."""
        self.engine.detach()


def link(objects: Sequence[bytes]) -> Linked:
    """The program that is made of these."""
    register()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target.new_machine())
    for code in objects:
        engine.add_object_file(llvm.object_file.ObjectFileRef.from_data(code))
    engine.finalize_object()
    method = _Method(CALL.encode(), engine.get_function_address(CALL), _FASTCALL, None)
    call = _new_function(ctypes.addressof(method), (engine, method), None)
    return Linked(call, engine.get_function_address(WORK), engine)
