"""Which contractions are a vector, or a few, times a matrix that is stored row by row, and how their work is shared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, product
from graphad.compiler.lower.accumulate import CHUNKS
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.examples.way import FEWEST
from graphad.compiler.lower.letters import Strided, joint, strided

AT_ONCE: Final = 8
"""Rows added in one pass over the sums, whose loads and stores are then a tenth of the work. Of 16, that lie 16 KiB
apart, the same takes 3.4 ms: they meet in one set of the cache."""
COLUMNS: Final = 2048
"""Columns of a block: its sums stay in the first cache, its pieces of rows are long enough to be fetched ahead. A row
times 4096 x 4096 takes 2.4 ms, with blocks of 512 columns 4.2 ms (Zen, AVX-512, one thread)."""
VECTORS: Final = FEWEST - 1  # that go through a matrix together: what a batch of a handful has at most
_SHORT: Final = 8  # columns or rows of a matrix below which a sum of its own for each column is as quick
_SMALL: Final = 65536  # elements of a matrix that one thread reads sooner than several agree


@dataclass(frozen=True)
class Roles:
    """The letters. ``outer``: in both operands and the result; ``rows``: in the vectors and the result; ``columns``: in
    the matrix and the result; ``depth``: in both operands.

    ``step``, ``stride``, ``line``: from row to row of the matrix, from element to element of a vector, to the next one.
    """

    out: str
    outer: str
    rows: str
    columns: str
    depth: str
    sizes: dict[str, Dim]
    matrix: Strided
    vector: Strided
    step: Dim
    stride: Dim
    line: Dim

    @property
    def rows_at_most(self) -> int:
        """Vectors that there may be."""
        return VECTORS if self.rows else 1

    @property
    def width(self) -> Dim:
        return product(self.sizes[c] for c in self.columns)

    @property
    def count(self) -> Dim:
        return product(self.sizes[c] for c in self.depth)


def roles(node: Node, context: Context) -> Roles | None:
    """How a contraction is a vector, or a few, times a matrix that is stored row by row; None if it is not."""
    kind = node.kind
    assert isinstance(kind, Contract)
    letters = (kind.left, kind.right)
    sizes = {
        c: d
        for x, operand in zip(letters, node.operands, strict=True)
        for c, d in zip(x, operand.type.shape, strict=True)
    }
    both = set(kind.left) & set(kind.right)
    outer = "".join(c for c in kind.out if c in both and sizes[c] != 1)
    own = ["".join(c for c in kind.out if c in x and c not in both and sizes[c] != 1) for x in letters]
    tried = (_roles(node, context, sizes, outer, own, matrix) for matrix in (0, 1))
    return next((found for found in tried if found is not None), None)


def _roles(
    node: Node, context: Context, sizes: dict[str, Dim], outer: str, own: Sequence[str], matrix: int
) -> Roles | None:
    """With one of the operands as the matrix."""
    kind = node.kind
    assert isinstance(kind, Contract)
    letters, vector = (kind.left, kind.right), 1 - matrix
    columns, rows = own[matrix], own[vector]
    if not columns or not all(_few(sizes[c], context) for c in rows) or len(rows) > 1:
        return None
    depth = "".join(c for c in letters[matrix] if c not in kind.out)
    if set(depth) != {c for c in letters[vector] if c not in kind.out}:
        return None
    m, v = (strided(node.operands[i], letters[i], context) for i in (matrix, vector))
    if m is None or v is None or joint(columns, m.strides, sizes) != 1:
        return None
    step, stride, line = joint(depth, m.strides, sizes), joint(depth, v.strides, sizes), joint(rows, v.strides, sizes)
    if step is None or stride is None or line is None:
        return None
    found = Roles(kind.out, outer, rows, columns, depth, sizes, m, v, step, stride, line if rows else 0)
    small = any(isinstance(d, int) and d < _SHORT for d in (found.width, found.count))
    return None if small else found


def _few(size: Dim, context: Context) -> bool:
    """At most so many vectors that each may meet a row of the matrix while that is near."""
    return size <= VECTORS if isinstance(size, int) else context.few and str(size) in context.most


def in_chunks(found: Roles) -> bool:
    """Whether threads share the depth: of a matrix with few columns and many rows."""
    wide = not isinstance(found.width, int) or found.width > COLUMNS
    deep = not isinstance(found.count, int) or found.count >= CHUNKS * AT_ONCE
    total = found.width * found.count
    return not found.outer and deep and not wide and not (isinstance(total, int) and total <= _SMALL)


def scratch_of(found: Roles, width: int) -> int:
    """Elements that a thread works with, ``width`` the columns in numbers."""
    own = min(width, COLUMNS)
    return found.rows_at_most * (own + (CHUNKS * width if in_chunks(found) else own))
