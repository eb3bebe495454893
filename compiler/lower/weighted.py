"""A vector times a matrix: rows of the matrix, weighted and added up where they lie, several at a time.

    y[j] = sum over k of v[k] m[k, j]       with j along memory

    for each block of columns j (or chunk of k), in parallel:
        for k by 8:
            for j in the block:
                t[j] = t[j] + v[k] m[k, j] + ... + v[k+7] m[k+7, j]

The matrix is read once, in order, and nothing is packed. Threads share blocks of columns where there are several, else
chunks of the depth, whose number is fixed, so that results do not depend on the threads.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from graphad.compiler.ir.kinds import Contract
from graphad.compiler.ir.node import Node
from graphad.compiler.ir.size import Dim, product
from graphad.compiler.loops.index import split
from graphad.compiler.loops.ir import Expr, Lit, Load, Prim, Ref
from graphad.compiler.lower.builder import Builder, Launch
from graphad.compiler.lower.context import Context
from graphad.compiler.lower.letters import Strided, joint, start, strided
from graphad.compiler.lower.maps import Stores, store_all
from graphad.compiler.lower.panels import least
from graphad.compiler.lower.pull import Puller
from graphad.compiler.lower.storage import Storage

AT_ONCE: Final = 8
"""Rows added in one pass over the sums, whose loads and stores are then a tenth of the work. Of 16, that lie 16 KiB
apart, the same takes 3.4 ms: they meet in one set of the cache."""
COLUMNS: Final = 2048
"""Columns of a block: its sums stay in the first cache, its pieces of rows are long enough to be fetched ahead. A row
times 4096 x 4096 takes 2.4 ms, with blocks of 512 columns 4.2 ms (Zen, AVX-512, one thread)."""
DEEP: Final = 512  # rows summed before their sum is added on: keeps the rounding error small
CHUNKS: Final = 16  # parts of the depth; fixed, so that results do not depend on the threads
_FEW: Final = 8  # columns or rows of a matrix below which a sum of its own for each column is as quick
_SMALL: Final = 65536  # elements of a matrix that one thread reads sooner than several agree


@dataclass(frozen=True)
class Roles:
    """The letters: ``outer`` in both operands and the result, ``columns`` in the matrix and the result, ``depth``."""

    out: str
    outer: str
    columns: str
    depth: str
    sizes: dict[str, Dim]
    matrix: Strided
    vector: Strided
    step: Dim
    stride: Dim

    @property
    def width(self) -> Dim:
        return product(self.sizes[c] for c in self.columns)

    @property
    def count(self) -> Dim:
        return product(self.sizes[c] for c in self.depth)


def roles(node: Node, context: Context) -> Roles | None:
    """How a contraction is a vector times a matrix that is stored row by row; None if it is not."""
    kind = node.kind
    assert isinstance(kind, Contract)
    sizes = {
        c: d
        for letters, x in ((kind.left, node.operands[0]), (kind.right, node.operands[1]))
        for c, d in zip(letters, x.type.shape, strict=True)
    }
    both = set(kind.left) & set(kind.right)
    outer = "".join(c for c in kind.out if c in both and sizes[c] != 1)
    own = ["".join(c for c in kind.out if c in x and c not in both and sizes[c] != 1) for x in (kind.left, kind.right)]
    if (own[0] == "") == (own[1] == ""):
        return None
    matrix, vector = (0, 1) if own[0] else (1, 0)
    letters = (kind.left, kind.right)
    depth = "".join(c for c in letters[matrix] if c not in kind.out)
    if set(depth) != {c for c in both if c not in kind.out} or set(letters[vector]) - both - _units(sizes):
        return None
    m, v = (strided(node.operands[i], letters[i], context) for i in (matrix, vector))
    if m is None or v is None or joint(own[matrix], m.strides, sizes) != 1:
        return None
    step, stride = joint(depth, m.strides, sizes), joint(depth, v.strides, sizes)
    if step is None or stride is None:
        return None
    found = Roles(kind.out, outer, own[matrix], depth, sizes, m, v, step, stride)
    few = any(isinstance(d, int) and d < _FEW for d in (found.width, found.count))
    return None if few else found


def _units(sizes: dict[str, Dim]) -> set[str]:
    return {c for c, d in sizes.items() if d == 1}


def lower_weighted(context: Context, nodes: Sequence[Node], anchor: Node, found: Roles, stores: Stores) -> list[Launch]:
    """The product with its epilogue."""
    work = _Work(context, nodes, anchor, found, stores)
    return work.chunks() if in_chunks(found) else [work.blocks()]


def in_chunks(found: Roles) -> bool:
    """Whether threads share the depth: of a matrix with few columns and many rows."""
    wide = not isinstance(found.width, int) or found.width > COLUMNS
    deep = not isinstance(found.count, int) or found.count >= CHUNKS * AT_ONCE
    total = found.width * found.count
    return not found.outer and deep and not wide and not (isinstance(total, int) and total <= _SMALL)


def scratch_of(found: Roles, width: int) -> int:
    """Elements that a thread works with, ``width`` the columns in numbers."""
    own = min(width, COLUMNS)
    return own + (CHUNKS * width if in_chunks(found) else own)


@dataclass(frozen=True)
class _Work:
    context: Context
    nodes: Sequence[Node]
    anchor: Node
    roles: Roles
    stores: Stores

    @property
    def dtype(self) -> str:
        return self.anchor.type.dtype

    def blocks(self) -> Launch:
        """Blocks of columns, of each index of the outer letters."""
        builder, puller = self.context.builder("contract", self.nodes)
        found = self.roles
        width = COLUMNS if not isinstance(found.width, int) else min(COLUMNS, found.width)
        sums = self.context.local(self.dtype, width, per_part=True)
        extents = [found.sizes[c] for c in found.outer]
        parts = (found.width + width - 1) // width
        with ExitStack() as stack:
            number = stack.enter_context(builder.loop(product([*extents, parts]), "parallel", stem="o"))
            builder.kernel.parallel = product([*extents, parts]) != 1
            *outer, part = split(number, (*extents, parts), builder.extents)
            known = dict(zip(found.outer, outer, strict=True))
            first = part * width
            columns: Dim = width
            if not isinstance(found.width, int) or found.width % width:
                columns = builder.index(least(found.width - first, width), width + 1)
            self._sum(builder, known, sums, 0, (first, columns), (0, found.count))
            self._finish(builder, puller, known, first, columns, lambda q: Load(builder.buffer(sums), q, self.dtype))
        return builder.launch(tuple(self.nodes))

    def chunks(self) -> list[Launch]:
        """Chunks of the depth to a row of sums each; then these, in order."""
        found, width = self.roles, self.roles.width
        partial = self.context.local(self.dtype, CHUNKS * width)
        builder, _ = self.context.builder("partial", self.nodes)
        with builder.loop(CHUNKS, "parallel", stem="c") as chunk:
            low, high = ((found.count * (chunk + i)) // CHUNKS for i in (0, 1))
            self._sum(builder, {}, partial, chunk * width, (0, width), (low, high))
        first = builder.launch((self.anchor,), "partial sums")
        builder, puller = self.context.builder("combine", self.nodes)

        def total(q: Dim) -> Expr:
            value: Expr = builder.let("v", Load(builder.buffer(partial), q, self.dtype))
            for i in range(1, CHUNKS):
                more = Load(builder.buffer(partial), i * width + q, self.dtype)
                value = builder.let("v", Prim("add", (value, more), self.dtype))
            return value

        self._finish(builder, puller, {}, 0, width, total)
        builder.kernel.parallel = False
        return [first, builder.launch(tuple(self.nodes))]

    def _sum(
        self,
        builder: Builder,
        known: dict[str, Dim],
        sums: Storage,
        at: Dim,
        columns: tuple[Dim, Dim],
        depth: tuple[Dim, Dim],
    ) -> None:
        """sums[at ..] = the sums of ``columns`` (the first, how many) over the rows ``depth`` (from, to)."""
        count, (low, high) = self.roles.count, depth
        self._clear(builder, sums, at, columns[1])
        if depth == (0, count) and isinstance(count, int) and count <= 2 * DEEP:
            self._rows(builder, known, sums, at, columns, depth)
            return
        width = columns[1] if isinstance(columns[1], int) else COLUMNS
        inner = self.context.local(self.dtype, width, per_part=True)
        with builder.between(low, high, count, DEEP, stem="b") as start:
            stop = builder.index(least(start + DEEP, high), count + 1)
            self._clear(builder, inner, 0, columns[1])
            self._rows(builder, known, inner, 0, columns, (start, stop))
            with builder.loop(columns[1], "vector", stem="q") as q:
                old, more = (Load(builder.buffer(s), p + q, self.dtype) for s, p in ((sums, at), (inner, 0)))
                builder.store(sums, at + q, Prim("add", (old, more), self.dtype))

    def _clear(self, builder: Builder, sums: Storage, at: Dim, width: Dim) -> None:
        with builder.loop(width, "vector", stem="z") as q:
            builder.store(sums, at + q, Lit(0, self.dtype))

    def _rows(
        self,
        builder: Builder,
        known: dict[str, Dim],
        sums: Storage,
        at: Dim,
        columns: tuple[Dim, Dim],
        depth: tuple[Dim, Dim],
    ) -> None:
        """Whole groups of rows, then what is left over."""
        low, high = depth
        groups = (high - low) // AT_ONCE
        left = low + groups * AT_ONCE
        with builder.between(low, left, self.roles.count, AT_ONCE, stem="k") as k:
            self._add(builder, known, sums, at, columns, k, AT_ONCE)
        if left != high:
            with builder.between(left, high, self.roles.count, stem="k") as k:
                self._add(builder, known, sums, at, columns, k, 1)

    def _add(
        self,
        builder: Builder,
        known: dict[str, Dim],
        sums: Storage,
        at: Dim,
        columns: tuple[Dim, Dim],
        k: Dim,
        several: int,
    ) -> None:
        """Rows k, k + 1, ... onto the sums."""
        found, first = self.roles, columns[0]
        m, v = (self.context.stored[x.stored] for x in (found.matrix, found.vector))
        weights: list[Ref] = []
        for i in range(several):
            place = start(found.vector, known) + (k + i) * found.stride
            weights.append(builder.let("v", Load(builder.buffer(v), place, self.dtype)))
        with builder.loop(columns[1], "vector", stem="q") as q:
            total: Expr = Load(builder.buffer(sums), at + q, self.dtype)
            for i, weight in enumerate(weights):
                place = start(found.matrix, known) + (k + i) * found.step + first + q
                one = Prim("mul", (weight, Load(builder.buffer(m), place, self.dtype)), self.dtype)
                total = Prim("add", (total, one), self.dtype)
            builder.store(sums, at + q, total)

    def _finish(
        self,
        builder: Builder,
        puller: Puller,
        known: dict[str, Dim],
        first: Dim,
        columns: Dim,
        total: Callable[[Dim], Expr],
    ) -> None:
        """The maps that follow, on each sum."""
        found = self.roles
        with builder.loop(columns, "vector", stem="q") as q:
            shape = tuple(found.sizes[c] for c in found.columns)
            at = known | dict(zip(found.columns, split(first + q, shape, builder.extents), strict=True))
            puller.substituted[self.anchor] = builder.let("v", total(q))
            store_all(builder, puller, self.stores, tuple(at.get(c, 0) for c in found.out))
