"""graphad: a define-and-run autodiff compiler.

Write a computation once as a static graph; differentiate it; compile it; run it.
"""

from graphad.autodiff import *
from graphad.build import constant
from graphad.compile import compile
from graphad.compiler.errors import (
    DTypeError,
    GraphadError,
    GraphError,
    IndexRangeError,
    NanError,
    ParseError,
    ShapeError,
    TargetError,
)
from graphad.compiler.options import Options
from graphad.evaluate import evaluate
from graphad.function import Function
from graphad.leaves import input, parameter, state
from graphad.numpy_protocol import array_function, array_ufunc  # enters NumPy's functions
from graphad.ops import *
from graphad.tensor import Parameter, State, Tensor
