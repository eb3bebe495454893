"""Kernels that the translator compiles, as functions that Numba can call."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graphad.runtime.buffers import Buffer
from graphad.runtime.expressions import UnsupportedError
from graphad.runtime.numba_api import intrinsic, signature, types
from graphad.runtime.sync import record_failure
from graphad.runtime.translate import Translator


class Translation:
    """Whether kernels are translated, and what could not be, in the program being compiled (under Numba's lock)."""

    def __init__(self) -> None:
        self.enabled = True
        self.refused: list[str] = []

    @contextmanager
    def off(self) -> Iterator[None]:
        self.enabled = False
        try:
            yield
        finally:
            self.enabled = True


translation = Translation()
_parsed: dict[str, Any] = {}


def without_bodies(text: str, path: str) -> ast.Module:
    """A module's syntax tree with empty kernels: their text goes to the translator, and needs no bytecode."""
    module = ast.parse(text)
    _remember(path, text, module)
    outline = [_outline(node) for node in module.body]
    return ast.Module(outline, module.type_ignores)


def _outline(node: ast.stmt) -> ast.stmt:
    if not isinstance(node, ast.FunctionDef) or not any(_is_kernel(d) for d in node.decorator_list):
        return node
    empty: list[ast.stmt] = [ast.copy_location(ast.Pass(), node)]
    made = ast.FunctionDef(node.name, node.args, empty, node.decorator_list)
    return ast.fix_missing_locations(ast.copy_location(made, node))


def _is_kernel(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id == "kernel"


def _remember(path: str, text: str, module: ast.Module) -> None:
    found = {n.name: n for n in module.body if isinstance(n, ast.FunctionDef)}
    _parsed.update(path=path, text=text, found=found)  # one program at a time


def _definition(function: Callable[..., Any]) -> ast.FunctionDef | None:
    """The function's syntax tree, if its text is at hand; a module's text is parsed once."""
    path = function.__code__.co_filename
    text = "".join(linecache.getlines(path))
    if _parsed.get("path") != path or _parsed.get("text") != text:
        _remember(path, text, ast.parse(text))
    definition: ast.FunctionDef | None = _parsed["found"].get(function.__name__)
    return definition


class _Translated:
    """A kernel's functions in each module, by argument dtypes."""

    def __init__(self, function: Callable[..., Any], flags: tuple[str, ...], definition: ast.FunctionDef) -> None:
        self.function, self.flags, self.definition = function, flags, definition

    def in_module(self, module: Any, dtypes: Sequence[str]) -> Any:
        name = f"{self.function.__name__}.{'.'.join(d.replace('*', 'p') for d in dtypes)}"
        known = module.globals.get(name)
        if known is not None:
            return known

        def callee(called: str, inner: Sequence[str]) -> Any:
            target = self.function.__globals__.get(called)
            inside = getattr(target, "translated_kernel", None)
            if not isinstance(inside, _Translated):
                raise UnsupportedError(f"call of {called}")
            return inside.in_module(module, inner)

        built = Translator(module, name, self.definition, dtypes, self.flags, callee, record_failure)
        return built.function


def translated(function: Callable[..., Any], flags: tuple[str, ...]) -> Any:
    """The kernel as a Numba intrinsic: a call of a function that the translator writes into the caller's module.

    None where the kernel's text is not to be had.
    """
    definition = _definition(function)
    if definition is None:
        return None
    kernel = _Translated(function, flags, definition)

    def typed(arguments: Sequence[Any]) -> Any:
        kinds = [k if isinstance(k, Buffer) else types.int64 for k in arguments]
        dtypes = [f"{_dtype(k)}*" if isinstance(k, Buffer) else "int64" for k in kinds]

        def codegen(context: Any, builder: Any, sig: Any, args: tuple[Any, ...]) -> Any:
            values = [context.cast(builder, a, k, t) for a, k, t in zip(args, arguments, kinds, strict=True)]
            try:
                builder.call(kernel.in_module(builder.module, dtypes), values)
            except UnsupportedError as error:
                translation.refused.append(f"{function.__name__}: {error}")
                raise
            except Exception as error:
                error.add_note(f"in kernel {function.__name__}")
                raise
            return context.get_dummy_value()

        return signature(types.none, *arguments), codegen

    made = intrinsic(_with_names(typed, function.__name__, [a.arg for a in kernel.definition.args.args]))
    object.__setattr__(made, "translated_kernel", kernel)
    return made


def _with_names(typed: Callable[[Sequence[Any]], Any], name: str, arguments: Sequence[str]) -> Any:
    """``typed`` with one parameter an argument: Numba matches calls by the names in a signature, not by *args."""
    names = ", ".join(f"a_{a}" for a in arguments)
    function = eval(f"lambda typingctx, {names}: typed(({names},))", {"typed": typed})
    function.__name__ = function.__qualname__ = name
    return function


def _dtype(buffer: Buffer) -> str:
    return "bool" if buffer.dtype == types.boolean else str(buffer.dtype)
