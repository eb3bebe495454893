"""The letters of a contraction: which are rows, columns and depth, and how operands lie in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from graphad.compiler.ir.kinds import Constant, Contract, View
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, Size, product
from graphad.compiler.ir.view import Affine, Reshape
from graphad.compiler.lower.context import Context


@dataclass(eq=False)
class Plan:
    """How the letters of a contraction are looped over."""

    node: Node
    columns_operand: Node
    rows_operand: Node
    columns_letters: str
    rows_letters: str
    outer: str
    rows: str
    columns: str
    steps: str
    depth: str
    out: str
    sizes: dict[str, Dim]

    def extent(self, letters: str) -> Dim:
        return product(self.sizes[c] for c in letters)

    def shape(self, letters: str) -> tuple[Dim, ...]:
        return tuple(self.sizes[c] for c in letters)


def plan(node: Node, columns_from: Node | None = None, out: str | None = None) -> Plan:
    """The roles of the letters. ``out`` may give the result another order of axes, where the caller is free."""
    kind = node.kind
    assert isinstance(kind, Contract)
    left, right = node.operands
    out = kind.out if out is None else out
    sizes = {
        c: d
        for letters, x in ((kind.left, left), (kind.right, right))
        for c, d in zip(letters, x.type.shape, strict=True)
    }
    last = out[-1] if out else ""
    by_left = last in kind.left and not (last in kind.right and columns_from is right)
    both = set(kind.left) & set(kind.right)
    columns_letters, rows_letters = (kind.left, kind.right) if by_left else (kind.right, kind.left)
    columns = ""
    for c in reversed(out):
        if c in both or c not in columns_letters or isinstance(sizes[c], Size):
            break
        columns = c + columns
    rows = "".join(c for c in out if c in rows_letters and c not in both)
    outer = "".join(c for c in out if c not in rows and c not in columns)
    summed = [c for c in columns_letters if c not in out]
    return Plan(
        node,
        left if by_left else right,
        right if by_left else left,
        columns_letters,
        rows_letters,
        outer,
        rows,
        columns,
        "",
        "".join(summed),
        out,
        sizes,
    )


@dataclass(frozen=True)
class Strided:
    """A stored tensor read with one stride a letter, from ``start`` on; in elements."""

    stored: Node
    start: Dim
    strides: dict[str, Dim]


def strided(node: Node, letters: str, context: Context) -> Strided | None:
    """How ``node`` lies in memory, through views that neither fill nor divide; None where it has to be packed."""
    views: list[Affine] = []
    while node not in context.stored or isinstance(node.kind, Constant):
        if not isinstance(node.kind, View):
            return None
        found = node.kind.map
        (x,) = node.operands
        if isinstance(found, Reshape):
            if x not in context.stored or isinstance(x.kind, Constant):
                return None
            break
        if found.guarded or any(a.divisor != 1 for a in found.axes):
            return None
        views.append(found)
        node = x
    start: Dim = 0
    steps = row_major(node.type.shape)
    for view in reversed(views):
        outer: list[Dim] = [0] * len(view.shape)
        for axis, step in zip(view.axes, steps, strict=True):
            start = start + axis.offset * step
            for j, c in axis.terms:
                outer[j] = outer[j] + c * step
        steps = outer
    stored = node if node in context.stored else node.operands[0]
    return Strided(stored, start, dict(zip(letters, steps, strict=True)))


def row_major(shape: Sequence[Dim]) -> list[Dim]:
    """The stride of each axis of a tensor that lies row after row.

    >>> row_major((2, 3, 4))
    [12, 4, 1]
    """
    steps: list[Dim] = []
    step: Dim = 1
    for d in reversed(shape):
        steps.insert(0, step)
        step = step * d
    return steps


def joint(letters: str, strides: dict[str, Dim], sizes: dict[str, Dim]) -> Dim | None:
    """The one stride that walks ``letters`` in row-major order, or None."""
    found: Dim | None = None
    expected: Dim | None = None
    for c in reversed(letters):
        if sizes[c] == 1:
            continue
        if found is None:
            found = strides[c]
        elif strides[c] != expected:
            return None
        expected = strides[c] * sizes[c]
    return 1 if found is None else found


def start(operand: Strided, known: dict[str, Dim]) -> Dim:
    start = operand.start
    for c, at in known.items():
        start = start + operand.strides.get(c, 0) * at
    return start
