"""Storage: the memory each stored value lives in, before any address is known."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from graphad.compiler.ir.size import Dim

Place: TypeAlias = Literal["input", "output", "state", "constant", "local"]


@dataclass(eq=False, slots=True)
class Storage:
    """``size`` elements of ``dtype``. ``slot`` counts within its place; ``per_part``: each thread has its own copy."""

    place: Place
    slot: int
    dtype: str
    size: Dim
    per_part: bool = False
