"""How Numba compiles kernels: once, together with the program that calls them.

Numba optimises every function on its own, emits machine code for it, and then does both again in each caller. A kernel
is only ever reached through its program, so it stops at LLVM IR here; the program links all of them and is optimised
once. Kernels also promise LLVM that their buffers do not overlap, which Numba has a flag but no option for.
"""

from __future__ import annotations

from typing import Any

from graphad.runtime.general.numba_api import (
    CompilerBase,
    JITCodeLibrary,
    LowerResult,
    NativeLowering,
    PassManager,
    register_pass,
    typed_passes,
    untyped_passes,
)


class KernelLibrary(JITCodeLibrary):  # type: ignore[misc]
    """LLVM IR that waits for its caller: neither optimised nor turned into machine code."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True


@register_pass
class KernelLowering(NativeLowering):  # type: ignore[misc]
    """Numba's lowering, stopped before machine code."""

    _name = "graphad_kernel_lowering"

    def run_pass(self, state: Any) -> bool:
        state.library = KernelLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered = state["cr"]
        # Numba finds compiled functions by their entry point, a builtin. This one is unique, and called from Python, as
        # fn(self, args), it raises TypeError.
        entry: Any = [].__getitem__
        state.targetctx.insert_user_function(entry, lowered.fndesc, [state.library])
        state["cr"] = LowerResult(lowered.fndesc, lowered.call_helper, cfunc=entry, env=lowered.env)
        return True


class ProgramCompiler(CompilerBase):  # type: ignore[misc]
    """Numba's pipeline without the passes that generated code never needs (closures, with-blocks, rewrites)."""

    lowering: Any = NativeLowering

    def define_pipelines(self) -> list[Any]:
        passes = PassManager("graphad")
        for step, why in (
            (untyped_passes.TranslateByteCode, "bytecode to Numba IR"),
            (untyped_passes.FixupArgs, "arguments"),
            (untyped_passes.IRProcessing, "control flow"),
            (untyped_passes.ReconstructSSA, "one type for each version of a variable"),
            (typed_passes.NopythonTypeInference, "types"),
            (typed_passes.PreLowerStripPhis, "phis to assignments"),
            (typed_passes.IRLegalization, "deletions after the last use"),
            (typed_passes.AnnotateTypes, "expected by the backend"),
            (self.lowering, "LLVM IR"),
            (typed_passes.NoPythonBackend, "result"),
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
