"""Loops that threads share, an iteration at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from graphad.compiler.ir.size import Dim, symbol
from graphad.compiler.loops.ir import For
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.examples.tiles import Piece


@contextmanager
def shared_loop(builder: Builder, extent: Dim, stem: str = "i") -> Iterator[Dim]:
    """A loop whose iterations are much work each; of one iteration one thread's."""
    name = builder.fresh(stem)
    builder.extents[name] = extent
    statement = For(name, 0, extent, [], 1, "parallel", grain=1)
    builder.emit(statement)
    with builder.scope(statement.body):
        yield 0 if extent == 1 else symbol(name)


@contextmanager
def tiles_of(builder: Builder, piece: Piece, extent: Dim, stem: str, shared: bool) -> Iterator[Dim]:
    """Where each tile of one size starts."""
    if shared:
        with shared_loop(builder, piece.count, stem) as tile:
            yield piece.start + piece.size * tile
    elif piece.count == 1:
        with builder.scope():
            yield piece.start
    else:
        with builder.between(piece.start, piece.stop, extent, piece.size, stem=stem) as first:
            yield first
