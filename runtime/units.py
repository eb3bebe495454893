"""The kernels of a program's text, each a module of LLVM IR for the dtypes that it is called with."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Sequence
from typing import Any

from graphad.runtime.expressions import UnsupportedError
from graphad.runtime.ir import ir
from graphad.runtime.objects import Unit
from graphad.runtime.sync import record_failure
from graphad.runtime.translate import Translator

MANY = 64
"""Steps of a run from which on they are data, and not code: reading its arguments costs a step a few loads,
which a net of one image, nine kernels in 15 us, need not pay."""
_CALLS = re.compile(r"\b\w+(?=\()")


class Units:
    """Translates kernels as they are asked for, each once; ``take`` answers those not taken yet.

    ``steps``: the text of ``run`` where that is long, which is then none of the functions.
    """

    def __init__(self, text: str) -> None:
        text, self.steps = _parted(text)
        self.lines = text.splitlines()
        self.functions: dict[str, ast.FunctionDef] = {}
        for statement in ast.parse(text).body:
            match statement:
                case ast.FunctionDef(name=name):
                    self.functions[name] = statement
                case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
                    pass
                case _:
                    raise UnsupportedError(ast.unparse(statement))
        self._contents: dict[str, str] = {}
        self._types: dict[str, Any] = {}  # of functions, by symbol
        self._new: list[Unit] = []

    def take(self) -> list[Unit]:
        units, self._new = self._new, []
        return units

    def declared(self, module: Any, name: str, dtypes: Sequence[str]) -> Any:
        """The kernel for these dtypes, as a function that ``module`` calls."""
        symbol = self._symbol(name, dtypes)
        if symbol not in self._types:
            self._types[symbol] = self._translated(symbol, name, dtypes)
        known = module.globals.get(symbol)
        return ir.Function(module, self._types[symbol], symbol) if known is None else known

    def _symbol(self, name: str, dtypes: Sequence[str]) -> str:
        """The function's name, by its content: the same in every program that has the same kernel."""
        if name not in self.functions:
            raise UnsupportedError(f"call of {name}")
        plain = re.sub(r"^[a-z]\d+_", "", name)
        return f"{plain}.{self._content(name)}.{'.'.join(d.replace('*', 'p') for d in dtypes)}"

    def _content(self, name: str) -> str:
        """Hash of a function's text and of those it calls, without comments and without names, which count kernels."""
        if name not in self._contents:
            definition = self.functions[name]
            lines = self.lines[definition.lineno - 1 : definition.end_lineno]
            text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
            plain = _CALLS.sub(lambda m: self._called(m[0], name), text)
            options = str(_options(definition))
            self._contents[name] = hashlib.sha256(f"{options}\n{plain}".encode()).hexdigest()[:12]
        return self._contents[name]

    def _called(self, word: str, inside: str) -> str:
        """What stands for a function that ``inside`` calls, or for itself: its content."""
        return word if word not in self.functions else "" if word == inside else self._content(word)

    def _translated(self, symbol: str, name: str, dtypes: Sequence[str]) -> Any:
        definition = self.functions[name]
        options = _options(definition)
        if options is None:
            raise UnsupportedError(f"call of {name}")
        module = ir.Module(symbol)

        def callee(called: str, inner: Sequence[str]) -> Any:
            return self.declared(module, called, inner)

        try:
            made = Translator(module, symbol, definition, dtypes, _flags(options), callee, record_failure)
        except UnsupportedError as error:
            error.kernel = error.kernel or name
            raise
        except Exception as error:
            error.add_note(f"in kernel {name}")
            raise
        level = 0 if options.get("scheduled", False) else 2
        self._new.append(Unit(name, str(module), level, reordered=options.get("reassociate", False)))
        return made.function.ftype


def _parted(text: str) -> tuple[str, str]:
    """The kernels, and ``run`` where it is long: to be walked, and not to be parsed line by line."""
    head, _, run = text.rpartition("@entry\n")
    return (head, run) if run.count("\n    barrier(") >= MANY else (text, "")


def _options(definition: ast.FunctionDef) -> dict[str | None, bool] | None:
    """What the decorator says; None where it is no kernel."""
    for decorator in definition.decorator_list:
        match decorator:
            case ast.Name(id="kernel"):
                return {}
            case ast.Call(func=ast.Name(id="kernel"), keywords=keywords):
                return {k.arg: isinstance(k.value, ast.Constant) and bool(k.value.value) for k in keywords}
            case _:
                pass
    return None


def _flags(options: dict[str | None, bool]) -> tuple[str, ...]:
    """LLVM's flags of a kernel's arithmetic."""
    loose = ("reassoc", "nsz") if options.get("reassociate", False) else ()
    return loose + (("contract",) if options.get("contract", True) else ())
