"""graphad: a define-and-run autodiff compiler.

Write a computation down once, as a static graph; differentiate it; compile it to fused kernels; run it.

>>> import graphad as ga
>>> x = ga.input("x", ("N", 3))
>>> w = ga.parameter("w", [1.0, 2.0, 3.0])
>>> loss = ga.mean((x @ w - 1) ** 2)
>>> step = ga.compile([x], loss, updates={w: w - 0.1 * ga.grad(loss, w)})
>>> float(step([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
0.5
>>> w.value
array([1. , 1.9, 3. ], dtype=float32)

`nn`, `optim`, `data`, `train`, `chain`, `elimination`, `modes` and `sparse` are attributes, imported on first use.
"""

from typing import TYPE_CHECKING, Any

import graphad.ops.arithmetic as arithmetic
import graphad.ops.contraction as contraction
import graphad.ops.creation as creation
import graphad.ops.exponential as exponential
import graphad.ops.hyperbolic as hyperbolic
import graphad.ops.indexing as indexing
import graphad.ops.reductions as reductions
import graphad.ops.shape as shape
import graphad.ops.trigonometric as trigonometric
from graphad._lazy import MissingModuleError, load_module
from graphad.autodiff import (
    GradientError,
    UntrainedWarning,
    check_grads,
    custom_derivative,
    jvp,
    parameters,
    stop_gradient,
    vectorize,
)
from graphad.build import constant
from graphad.compile import compile
from graphad.compiler.cost import Cost
from graphad.compiler.errors import (
    DTypeError,
    GraphadError,
    GraphError,
    IndexRangeError,
    NanError,
    ParseError,
    ShapeError,
    TargetError,
    VerifyError,
)
from graphad.compiler.model.calibrate import calibrate
from graphad.compiler.model.machine import Machine
from graphad.compiler.options import Options
from graphad.evaluate import evaluate
from graphad.function import Function
from graphad.leaves import input, parameter, state
from graphad.numpy_protocol import array_function, array_ufunc
from graphad.ops.arithmetic import *  # noqa: F403
from graphad.ops.contraction import *  # noqa: F403
from graphad.ops.creation import *  # noqa: F403
from graphad.ops.exponential import *  # noqa: F403
from graphad.ops.hyperbolic import *  # noqa: F403
from graphad.ops.indexing import *  # noqa: F403
from graphad.ops.reductions import *  # noqa: F403
from graphad.ops.shape import *  # noqa: F403
from graphad.ops.trigonometric import *  # noqa: F403
from graphad.planning import (
    Linearized,
    Plan,
    hessian,
    hvp,
    jacobian,
    linearize,
    load_plan,
    plan_hessian,
    plan_jacobian,
)
from graphad.recompute import grad, vjp
from graphad.runtime import CacheError, CacheWarning, ThreadWarning
from graphad.tensor import Parameter, State, Tensor

if TYPE_CHECKING:
    from graphad import chain, data, elimination, modes, nn, optim, recompute, sparse, train

    __version__: str

_ON_FIRST_USE = ("chain", "data", "elimination", "modes", "nn", "optim", "sparse", "train")
_NUMPY = (array_function, array_ufunc)  # importing them hands NumPy's functions on tensors to graphad

__all__ = [
    # leaves and values
    "input", "parameter", "parameters", "constant", "state", "evaluate", "Tensor", "Parameter", "State",
    # derivatives
    "grad", "jvp", "vjp", "jacobian", "plan_jacobian", "load_plan", "Plan", "hessian", "plan_hessian", "hvp",
    "linearize", "Linearized", "vectorize", "stop_gradient", "custom_derivative", "check_grads",
    # compiled functions
    "compile", "Function", "Options", "Cost", "Machine", "calibrate",
    # packages
    "chain", "data", "elimination", "modes", "nn", "optim", "recompute", "sparse", "train",
    # errors
    "GraphadError", "GraphError", "ShapeError", "DTypeError", "IndexRangeError", "NanError", "GradientError",
    "TargetError", "ParseError", "VerifyError", "CacheError", "CacheWarning", "ThreadWarning", "UntrainedWarning",
    "MissingModuleError",
    "__version__",
]  # fmt: skip
# type checkers follow `+=` to a module that is imported by its own name
__all__ += arithmetic.__all__
__all__ += contraction.__all__
__all__ += creation.__all__
__all__ += exponential.__all__
__all__ += hyperbolic.__all__
__all__ += indexing.__all__
__all__ += reductions.__all__
__all__ += shape.__all__
__all__ += trigonometric.__all__


def __getattr__(name: str) -> Any:
    if name in _ON_FIRST_USE:
        return load_module(f"graphad.{name}")
    if name == "__version__":
        version: str = load_module("importlib.metadata").version("graphad")
        return version
    raise AttributeError(f"module 'graphad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
