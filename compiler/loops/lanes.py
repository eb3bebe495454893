"""mark_lanes: innermost loops over independent points -> the same, marked as fit for vectors written out.

    for i0 in 0 .. n (parallel):          for i0 in 0 .. n (parallel, lanes):
        v0 = x0[i0]                  ->        v0 = x0[i0]
        y1[i0] = exp(v0)                       y1[i0] = exp(v0)

A loop is left to the target's own vectoriser unless it calls elementary functions, which that one cannot put into
vectors, or is long, where it is slow. Relies on marks: iterations of parallel and vector loops are independent but for
what their mutable scalars carry.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from graphad.compiler.ir.size import Dim, FloorDiv, Size
from graphad.compiler.loops.ir import Assign, Expr, For, If, Kernel, Let, Load, Note, Prim, Stmt, Store, ToDtype

ELEMENTARY: Final = frozenset(
    (
        *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan"),
        *("atan2", "sinh", "cosh", "tanh", "pow"),
    )
)
"""Functions that have a version for vectors."""
_LONG: Final = 100  # operations
_FEW: Final = 4  # points that are sooner computed one by one


def mark_lanes(kernel: Kernel) -> None:
    """Mark the loops of a kernel, in place."""
    blocks = [kernel.body]
    while blocks:
        block = blocks.pop()
        for i, statement in enumerate(block):
            match statement:
                case For(mark="parallel" | "vector") if _fits(statement):
                    block[i] = replace(statement, lanes=True)
                case For() | If():
                    blocks.append(statement.body)
                case _:
                    pass


def _fits(loop: For) -> bool:
    """Straight-line code on points whose results lie at a stride, and worth it."""
    extent = loop.stop - loop.start
    if (isinstance(extent, int) and extent < _FEW) or loop.step != 1 or not all(_plain(s, loop.var) for s in loop.body):
        return False
    stored = [s.buffer for s in loop.body if isinstance(s, Store)]
    expressions = [e for s in loop.body if isinstance(s, Let | Store) for e in _inside(s.value)]
    read_late = _reads_what_is_stored(loop)
    if not stored or read_late or any(isinstance(e, Load) and _divided(e.index, loop.var) for e in expressions):
        return False
    operations = [e.primitive for e in expressions if isinstance(e, Prim)]
    return len(operations) >= _LONG or not ELEMENTARY.isdisjoint(operations)


def _plain(statement: Stmt, variable: str) -> bool:
    match statement:
        case Let(mutable=mutable):
            return not mutable
        case Store(index=index):
            return _degree(index, variable) == 1 and not _divided(index, variable)
        case Note():
            return True
        case _:
            return False


def _reads_what_is_stored(loop: For) -> bool:
    """Whether a load follows a store to its buffer."""
    stored: set[str] = set()
    for statement in loop.body:
        if isinstance(statement, Let | Store | Assign):
            if any(isinstance(e, Load) and e.buffer in stored for e in _inside(statement.value)):
                return True
            if isinstance(statement, Store):
                stored.add(statement.buffer)
    return False


def _inside(value: Expr) -> Iterator[Expr]:
    stack = [value]
    while stack:
        expression = stack.pop()
        yield expression
        if isinstance(expression, Prim):
            stack.extend(expression.args)
        elif isinstance(expression, ToDtype):
            stack.append(expression.arg)


def _degree(index: Dim, variable: str) -> int:
    return max((atoms.count(variable) for atoms, _ in index.terms), default=0) if isinstance(index, Size) else 0


def _divided(index: Dim, variable: str) -> bool:
    """Whether a quotient has the variable in it, or its square stands there: no stride then."""
    if not isinstance(index, Size):
        return False
    if _degree(index, variable) > 1:
        return True
    return any(isinstance(a, FloorDiv) and variable in a.numerator.names() for atoms, _ in index.terms for a in atoms)
