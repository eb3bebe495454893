"""Sparse Jacobians and Hessians: patterns, colourings, compressed sweeps. See the README of this folder."""

from graphad.sparse.analysis import hessian_pattern, pattern
from graphad.sparse.bicolouring import colour_both
from graphad.sparse.colouring import Colouring, colour_columns, colour_rows, colour_star
from graphad.sparse.compression import Compression
from graphad.sparse.jacobian import compress_hessian, compress_jacobian, sparse_hessian, sparse_jacobian
from graphad.sparse.recovery import is_direct, recover
from graphad.sparse_tensor import SparseTensor

__all__ = [
    "Colouring",
    "Compression",
    "SparseTensor",
    "colour_both",
    "colour_columns",
    "colour_rows",
    "colour_star",
    "compress_hessian",
    "compress_jacobian",
    "hessian_pattern",
    "is_direct",
    "pattern",
    "recover",
    "sparse_hessian",
    "sparse_jacobian",
]
