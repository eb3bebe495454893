"""What this folder uses of Numba, in one place and without types: theirs differ from version to version.

The decorators are typed here, so that the functions under them stay typed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import llvmlite.ir
import numba
import numba.core.codegen
import numba.extending

from graphad.runtime import forks

Decorated = TypeVar("Decorated")

_numba: Any = numba
VERSION = str(numba.__version__)
_core: Any = numba.core
ir: Any = llvmlite.ir
types: Any = _numba.types
njit: Any = _numba.njit
float32: Any = types.float32
float64: Any = types.float64
int32: Any = types.int32
int64: Any = types.int64
boolean: Any = types.boolean

typed_passes: Any = _core.typed_passes
untyped_passes: Any = _core.untyped_passes
models: Any = _core.datamodel.models
signature: Any = _core.typing.templates.signature
global_compiler_lock: Any = _core.compiler_lock.global_compiler_lock
_lock: Any = getattr(global_compiler_lock, "_lock", None)  # where it is as expected
if _lock is not None:
    forks.hold(_lock)
cpu_target: Any = _core.registry.cpu_target
rtsys: Any = _core.runtime.rtsys
LowerResult: Any = _core.compiler._LowerResult
PassManager: Any = _core.compiler_machinery.PassManager

# base classes
Type: Any = types.Type
PrimitiveModel: Any = models.PrimitiveModel
AbstractTemplate: Any = _core.typing.templates.AbstractTemplate
JITCodeLibrary: Any = _core.codegen.JITCodeLibrary
CompilerBase: Any = _core.compiler.CompilerBase
NativeLowering: Any = typed_passes.NativeLowering


def intrinsic(function: Callable[..., Any]) -> Any:
    """Numba's decorator for functions that emit LLVM instructions."""
    decorate: Any = numba.extending.intrinsic
    return decorate(function)


def intrinsic_of_literals(function: Callable[..., Any]) -> Any:
    """The same for functions that want to know the constants among their arguments."""
    decorate: Any = numba.extending.intrinsic(prefer_literal=True)
    return decorate(function)


def register_model(kind: type) -> Callable[[Decorated], Decorated]:
    """Say how values of a Numba type lie in memory."""
    decorate: Any = _core.datamodel.register_default(kind)
    return lambda model: decorate(model) or model


def infer_global(function: object) -> Callable[[Decorated], Decorated]:
    """Say what type a global function returns."""
    decorate: Any = _core.typing.templates.infer_global(function)
    return lambda template: decorate(template) or template


def lower_builtin(function: object, *kinds: Any) -> Callable[[Decorated], Decorated]:
    """Say which instructions a function is, for arguments of these types."""
    decorate: Any = _numba.extending.lower_builtin(function, *kinds)
    return lambda emit: decorate(emit) or emit


def register_pass(step: Decorated) -> Decorated:
    """Make a compiler pass known to Numba."""
    decorate: Any = _core.compiler_machinery.register_pass(mutates_CFG=True, analysis_only=False)
    decorate(step)
    return step
