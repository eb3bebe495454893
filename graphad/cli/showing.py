"""``graphad show FILE:NAME``: a tensor or function of a user's file, as text."""

import importlib.util
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from graphad.compile import compile as compile_
from graphad.compiler.ir.graph import topological
from graphad.compiler.ir.kinds import Leaf
from graphad.function import Function
from graphad.runtime import GraphadError
from graphad.tensor import Tensor


class ShowError(GraphadError):
    """What is to be shown is not there, or is nothing that can be shown."""


def text(what: str, after: str | None, sizes: Sequence[str] = ()) -> str:
    """The text of FILE:NAME after a pass, or of its kernels; ``sizes`` such as "N=64" are filled in first.

    Errors: ShowError for a file or name that is not there, a file that does not run, a value that is neither a tensor
    nor a compiled function, or a size that is no NAME=NUMBER.
    """
    known = dict(_size(size) for size in sizes)
    file, _, name = what.rpartition(":")
    if not file or not name:
        raise ShowError(f"{what!r}: write FILE:NAME, such as examples/lenet5.py:loss")
    function = _function(f"{file}:{name}", _value(file, vars(load(Path(file))), name))
    if known:
        function.specialize(**known)
    return str(function.show() if after is None else function.show(after))


def _size(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not name.isidentifier() or not number.isdecimal():
        raise ShowError(f"--size {text}: write NAME=NUMBER, such as N=64")
    return name, int(number)


def load(path: Path) -> ModuleType:
    """The file, run as a module of its own, with its folder to import from. Errors: ShowError if that fails."""
    if not path.is_file():
        raise ShowError(f"{path}: no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ShowError(f"{path}: no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except GraphadError:
        raise  # it names the line itself
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        at = f", line {lines[-1]}" if lines else ""
        raise ShowError(f"{path}{at}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    return module


def _value(file: str, names: dict[str, Any], name: str) -> Any:
    if name in names:
        return names[name]
    shown = sorted(key for key, value in names.items() if isinstance(value, Tensor | Function))
    raise ShowError(f"{file}: no name {name!r}; there is {', '.join(shown) or 'no tensor and no compiled function'}")


def _function(what: str, value: Any) -> Function:
    if isinstance(value, Function):
        return value
    if not isinstance(value, Tensor):
        raise ShowError(f"{what} is a {type(value).__name__}, neither a tensor nor a compiled function")
    return compile_(_inputs(topological([value])), value)


def _inputs(nodes: Iterable[Any]) -> list[Tensor]:
    return [n for n in nodes if isinstance(n.kind, Leaf) and n.kind.role == "input"]
