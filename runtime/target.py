"""What the processor that code is compiled for can do: the host, or what Numba was told."""

from __future__ import annotations

import platform

from graphad.runtime.numba_api import config, llvm

_WIDTHS = (("avx512f", 64), ("avx", 32), ("sse2", 16), ("neon", 16))
_ARM = frozenset(("arm64", "aarch64"))


def features() -> frozenset[str]:
    """Names of LLVM's features that code may use."""
    if config.CPU_FEATURES is not None:
        return frozenset(f[1:] for f in str(config.CPU_FEATURES).split(",") if f.startswith("+"))
    if config.CPU_NAME is not None and llvm.get_host_cpu_name() != config.CPU_NAME:
        return frozenset()
    return frozenset(name for name, has in llvm.get_host_cpu_features().items() if has)


def vector_bytes() -> int:
    """Bytes in a vector register; 16 where nothing is known."""
    return next((width for feature, width in _WIDTHS if feature in features()), 16)


def fused() -> bool:
    """Whether a * b + c in one rounding is one instruction."""
    return "fma" in features() or platform.machine().lower() in _ARM
