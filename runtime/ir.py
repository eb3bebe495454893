"""llvmlite's functions that write LLVM IR, without types; not needed to run what is compiled."""

from __future__ import annotations

from typing import Any

import llvmlite.ir

ir: Any = llvmlite.ir


def insert_function(module: Any, kind: Any, name: str) -> Any:
    """The module's function of that name; declared now if it has none."""
    known = module.globals.get(name)
    return ir.Function(module, kind, name) if known is None else known
