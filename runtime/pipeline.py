"""How Numba compiles kernels: once, together with the program that calls them.

Numba optimises every function on its own, emits machine code for it, and then does both again in each caller. A kernel
is only ever reached through its program, so it stops at LLVM IR here; the program links all of them and is optimised
once. Kernels also promise LLVM that their buffers do not overlap, which Numba has a flag but no option for.
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, _LowerResult
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.typed_passes import (
    AnnotateTypes,
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
    PreLowerStripPhis,
)
from numba.core.untyped_passes import (
    FixupArgs,
    IRProcessing,
    ReconstructSSA,
    TranslateByteCode,
)


class KernelLibrary(JITCodeLibrary):  # type: ignore[misc]
    """LLVM IR that waits for its caller: neither optimised beyond single functions nor turned into machine code."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)  # type: ignore[untyped-decorator]
class KernelLowering(NativeLowering):  # type: ignore[misc]
    """Numba's lowering, stopped before machine code."""

    _name = "graphad_kernel_lowering"

    def run_pass(self, state: Any) -> bool:
        state.library = KernelLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered = state["cr"]
        # Numba finds compiled functions by their entry point, a builtin. Any unique one serves: it is never called.
        entry = object().__sizeof__
        state.targetctx.insert_user_function(entry, lowered.fndesc, [state.library])
        state["cr"] = _LowerResult(lowered.fndesc, lowered.call_helper, cfunc=entry, env=lowered.env)
        return True


class ProgramCompiler(CompilerBase):  # type: ignore[misc]
    """Numba's nopython pipeline without the passes that generated code never needs (closures, with-blocks, rewrites)."""

    lowering: type = NativeLowering

    def define_pipelines(self) -> list[Any]:
        passes = PassManager("graphad")
        for step, why in (
            (TranslateByteCode, "bytecode to Numba IR"),
            (FixupArgs, "arguments"),
            (IRProcessing, "control flow"),
            (ReconstructSSA, "one type for each version of a variable"),
            (NopythonTypeInference, "types"),
            (PreLowerStripPhis, "phis to assignments"),
            (IRLegalization, "deletions after the last use"),
            (AnnotateTypes, "expected by the backend"),
            (self.lowering, "LLVM IR"),
            (NoPythonBackend, "result"),
        ):
            passes.add_pass(step, why)
        passes.finalize()
        return [passes]


class KernelCompiler(ProgramCompiler):
    """The same for functions that only compiled code calls."""

    lowering = KernelLowering

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.state.flags.noalias = True
