"""The processor that code is compiled for: the host, or the one that Numba's variables name."""

from __future__ import annotations

import os
import platform
import threading
from functools import cache
from typing import Any

from graphad.runtime.llvm_api import llvm

_WIDTHS = (("avx512f", 64), ("avx", 32), ("sse2", 16), ("neon", 16))
_ARM = frozenset(("arm64", "aarch64"))
_local = threading.local()


def cpu() -> str:
    """LLVM's name of it."""
    return os.environ.get("NUMBA_CPU_NAME") or _host()[0]


def feature_string() -> str:
    """LLVM's features, each with + or -: the host's, none of another processor, or what NUMBA_CPU_FEATURES says."""
    given = os.environ.get("NUMBA_CPU_FEATURES")
    if given is not None:
        return given
    name, found = _host()
    return found if cpu() == name else ""


def features() -> frozenset[str]:
    """Names of LLVM's features that code may use."""
    return _present(feature_string())


@cache
def _present(text: str) -> frozenset[str]:
    return frozenset(f[1:] for f in text.split(",") if f.startswith("+"))


@cache
def _host() -> tuple[str, str]:
    return str(llvm.get_host_cpu_name()), str(llvm.get_host_cpu_features().flatten())


def vector_bytes() -> int:
    """Bytes in a vector register; 16 where nothing is known."""
    return next((width for feature, width in _WIDTHS if feature in features()), 16)


def fused() -> bool:
    """Whether a * b + c in one rounding is one instruction."""
    return "fma" in features() or platform.machine().lower() in _ARM


def machine() -> Any:
    """LLVM's description of the processor for this thread: its objects are not for two threads at once."""
    wanted = (cpu(), feature_string())
    known: tuple[tuple[str, str], Any] | None = getattr(_local, "machine", None)
    if known is None or known[0] != wanted:
        known = (wanted, new_machine())
        _local.machine = known
    return known[1]


def new_machine() -> Any:
    """One for a user of its own."""
    initialize()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(
        cpu=cpu(), features=feature_string(), opt=3, reloc="default", codemodel="jitdefault", jit=True
    )


@cache
def initialize() -> None:
    """Make LLVM ready to compile for this machine."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()  # for the assembly in barriers
