"""The loop over the tiles of one size."""

from collections.abc import Iterator
from contextlib import contextmanager

from graphad.compiler.ir.size import Dim
from graphad.compiler.lower.builder import Builder
from graphad.compiler.lower.examples.tiles import Piece


@contextmanager
def along(
    builder: Builder, piece: Piece, extent: Dim, stem: str, shared: bool = False, grain: int = 0
) -> Iterator[Dim]:
    """Where each tile of ``piece`` starts, in 0..extent-1. ``shared``: threads may share them, ``grain`` at a time."""
    if shared:
        with builder.shared(piece.count, stem, grain) as tile:
            yield piece.start + piece.size * tile
    elif piece.count == 1:
        with builder.scope():
            yield piece.start
    else:
        with builder.between(piece.start, piece.stop, extent, piece.size, stem=stem) as first:
            yield first
