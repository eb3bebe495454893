"""What a user may ask of the compiler; the whole of it is part of every cache key."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Options:
    precision: Literal["default", "strict"] = "default"
    deterministic: bool = True
    nan_guard: bool = False
    fast_math: bool = False
    convolution: Literal["auto", "im2col", "direct"] = "auto"
    disable: tuple[str, ...] = ()
