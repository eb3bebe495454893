"""mark_lanes: innermost loops over independent points -> the same, marked as fit for vectors written out.

    for i0 in 0 .. n (parallel):          for i0 in 0 .. n (parallel, lanes):
        v0 = x0[i0]                  ->        v0 = x0[i0]
        y1[i0] = exp(v0)                       y1[i0] = exp(v0)

A loop is left to the target's own vectoriser unless it calls elementary functions or keeps the greatest or least of its
points, which that one cannot put into vectors, or is long, where it is slow, or stores a large result: then its stores
are marked, too, so that they pass the caches by. Relies on marks: iterations of parallel and
vector loops are independent but for what their mutable scalars carry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from graphad.compiler.ir.dtypes import ITEMSIZE, is_float
from graphad.compiler.ir.size import Dim, FloorDiv, Size
from graphad.compiler.loops.ir import (
    Assign,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    Note,
    Prefetch,
    Prim,
    Put,
    Ref,
    Stmt,
    Store,
    Together,
)
from graphad.compiler.loops.straight import parts_of

ELEMENTARY: Final = frozenset(
    (
        *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan"),
        *("atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "cbrt", "hypot", "pow"),
        *("mod", "floordiv"),
    )
)
"""Functions that have a version for vectors."""
_LONG: Final = 100  # operations
_FEW: Final = 4  # points that are sooner computed one by one
_MANY: Final = 64  # points whose greatest is sooner found in vectors, whatever is left over
_SEVERAL: Final = 4  # folds side by side, none of which waits for another
_LARGE: Final = 1 << 20  # bytes of a result that nobody may want to keep in the caches


def mark_lanes(kernel: Kernel, results: Mapping[str, Dim] | None = None) -> None:
    """Mark the loops of a kernel, in place.

    Args:
        results: elements of the buffers that the caller gets.
    """
    dtypes = {p.name: p.dtype for p in kernel.buffers}
    again = _read(kernel.body)
    found = {b: n for b, n in (results or {}).items() if b not in again}
    large = {b: n for b, n in found.items() if not isinstance(n, int) or n * ITEMSIZE[dtypes[b]] >= _LARGE}
    blocks = [kernel.body]
    while blocks:
        block = blocks.pop()
        for i, statement in enumerate(block):
            match statement:
                case For(mark="parallel" | "vector") if statement.lanes or _fits(statement, large):
                    body = [_streamed(s, large) for s in statement.body]
                    block[i] = replace(statement, lanes=True, body=body)
                case For() | If():
                    blocks.append(statement.body)
                case _:
                    pass


def _read(block: Sequence[Stmt]) -> set[str]:
    """Buffers that something is loaded from: a result among them is read again, and stays in the caches."""
    found: set[str] = set()
    blocks = [block]
    while blocks:
        for statement in blocks.pop():
            if isinstance(statement, For | If | Together):
                blocks.append(statement.body)
            elif isinstance(statement, Let | Store | Assign | Put):
                found |= {e.buffer for e in parts_of(statement.value) if isinstance(e, Load)}
    return found


def _streamed(statement: Stmt, large: Mapping[str, Dim]) -> Stmt:
    if isinstance(statement, Store) and statement.buffer in large:
        return replace(statement, stream=large[statement.buffer])
    return statement


def _fits(loop: For, large: Mapping[str, Dim]) -> bool:
    """Straight-line code on points whose results lie at a stride, and worth it."""
    extent = loop.stop - loop.start
    if (isinstance(extent, int) and extent < _FEW) or loop.step != 1 or not all(_plain(s, loop.var) for s in loop.body):
        return False
    stored = [s for s in loop.body if isinstance(s, Store | Assign)]
    expressions = [e for s in loop.body if isinstance(s, Let | Store | Assign) for e in parts_of(s.value)]
    read_late = _reads_what_is_stored(loop)
    if not stored or read_late or any(isinstance(e, Load) and _divided(e.index, loop.var) for e in expressions):
        return False
    operations = [e.primitive for e in expressions if isinstance(e, Prim) and not _of_integers(e)]
    folds = [s for s in loop.body if isinstance(s, Assign)]
    if folds:
        if not all(_once(f, expressions) for f in folds) or loop.mark != "vector":
            return False
        if isinstance(extent, int) and extent < _MANY:
            return False
        if (
            len(folds) >= _SEVERAL
            or "div" in operations
            or any(isinstance(f.value, Prim) and f.value.primitive != "add" for f in folds)
        ):
            return True
    if any(_fills(s, large, extent) for s in loop.body):
        return True
    return len(operations) >= _LONG or not ELEMENTARY.isdisjoint(operations)


def _of_integers(value: Prim) -> bool:
    """A remainder of integers, for which processors have no vectors."""
    return value.primitive in ("mod", "floordiv") and not is_float(value.dtype)


def _fills(statement: Stmt, large: Mapping[str, Dim], extent: Dim) -> bool:
    """Stores a result that is or may be large, or a row of one."""
    if not isinstance(statement, Store) or statement.buffer not in large:
        return False
    return not isinstance(extent, int) or isinstance(large[statement.buffer], int) or extent >= _MANY


def _once(fold: Assign, expressions: Sequence[Expr]) -> bool:
    """Read nowhere but where it is set."""
    return sum(isinstance(e, Ref) and e.name == fold.name for e in expressions) == 1


def _plain(statement: Stmt, variable: str) -> bool:
    match statement:
        case Assign(name, Prim("add" | "max" | "min", (Ref(same), _), dtype)):
            return name == same and is_float(dtype)
        case Let(mutable=mutable):
            return not mutable
        case Store(index=index):
            return _degree(index, variable) == 1 and not _divided(index, variable)
        case Note() | Prefetch():
            return True
        case _:
            return False


def _reads_what_is_stored(loop: For) -> bool:
    """Whether a load follows a store to its buffer."""
    stored: set[str] = set()
    for statement in loop.body:
        if isinstance(statement, Let | Store | Assign):
            if any(isinstance(e, Load) and e.buffer in stored for e in parts_of(statement.value)):
                return True
            if isinstance(statement, Store):
                stored.add(statement.buffer)
    return False


def _degree(index: Dim, variable: str) -> int:
    return max((atoms.count(variable) for atoms, _ in index.terms), default=0) if isinstance(index, Size) else 0


def _divided(index: Dim, variable: str) -> bool:
    """Whether a quotient has the variable in it, or its square stands there: no stride then."""
    if not isinstance(index, Size):
        return False
    if _degree(index, variable) > 1:
        return True
    return any(isinstance(a, FloorDiv) and variable in a.numerator.names() for atoms, _ in index.terms for a in atoms)
