"""From a program's text to its object code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphad.runtime.code import Code
from graphad.runtime.entry import entry_unit, numba_unit
from graphad.runtime.expressions import UnsupportedError
from graphad.runtime.lazy import lazy_import
from graphad.runtime.objects import Unit, emit, emit_all
from graphad.runtime.program import Program
from graphad.runtime.symbols import missing
from graphad.runtime.units import Units

general = lazy_import("graphad.runtime.general.compiling")


def compile_program(program: Program, name: str, path: str) -> Code:
    """Compile the text, for a module of that name and a file that need not exist yet.

    Kernels are translated directly; a program with one that is beyond the translator goes through Numba as a whole.
    """
    try:
        return translated(program)
    except UnsupportedError as error:
        refused = f"{error.kernel}: {error}"
    try:
        return through_numba(program, name, path, refused)
    except Exception as error:
        error.add_note(f"not translated either: {refused}")
        raise


def units(program: Program) -> Iterator[Unit]:
    """The program's modules. Raises UnsupportedError where the translator knows no way."""
    found = Units(program.source)
    yield entry_unit(found, _arrays(program), program.flushes)
    yield from found.take()


def translated(program: Program) -> Code:
    """Object code by way of the translator."""
    made = list(units(program))
    if absent := missing(_outside(made)):
        raise UnsupportedError(f"nothing here has {', '.join(absent)}")
    return Code(tuple(emit_all(made)))


def through_numba(program: Program, name: str, path: str, refused: str = "") -> Code:
    """Object code by way of Numba."""
    code, symbol = general.compile_source(program.source, name, path)
    return Code((code, emit(numba_unit(symbol, _arrays(program), program.flushes))), general.version(), refused)


def _arrays(program: Program) -> int:
    return len(program.inputs) + len(program.outputs)


def _outside(made: list[Unit]) -> list[str]:
    """What the modules call and none of them has."""
    declared = {name for unit in made for name in re.findall(r"^declare [^@]*@\"?([\w.$]+)", unit.text, re.MULTILINE)}
    defined = {name for unit in made for name in re.findall(r"^define [^@]*@\"?([\w.$]+)", unit.text, re.MULTILINE)}
    return sorted(name for name in declared - defined if not name.startswith("llvm."))
