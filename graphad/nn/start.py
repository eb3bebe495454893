"""Where initial values come from."""

import hashlib
from dataclasses import dataclass
from typing import final

import numpy as np

from graphad.build import as_array, refuse
from graphad.compiler.errors import ShapeError
from graphad.leaves import parameter
from graphad.nn.init import Initializer
from graphad.tensor import Parameter


def join(path: str, name: str) -> str:
    """``name`` below ``path``; either may be empty."""
    return f"{path}.{name}" if path and name else path or name


@final
@dataclass(frozen=True, slots=True)
class Start:
    """Where a layer's initial values come from: the seed and the layer's path, and nothing else.

    So a layer starts with the same values whichever layers stand before it and in whichever order they are made.
    ``number`` stands for the path of a layer that has none: which one it was to be created.
    """

    seed: int
    path: str
    number: int | None = None

    def parameter(self, name: str, shape: tuple[int, ...], initializer: Initializer) -> Parameter:
        """A float32 parameter with values drawn for ``seed`` and ``path.name``."""
        path = join(self.path, name)
        words = np.frombuffer(hashlib.sha256(path.encode()).digest(), "<u4")
        branch = () if self.number is None else (self.number,)
        sequence = np.random.SeedSequence([self.seed, *words.tolist()], spawn_key=branch)
        generator = np.random.Generator(np.random.PCG64(sequence))
        drawn = as_array(f"the initializer of {path!r}", initializer(shape, generator))
        if drawn.shape != shape:
            refuse(ShapeError, f"the initializer of {path!r}", (), f"answers {list(drawn.shape)}, not {list(shape)}")
        return parameter(path, drawn.astype(np.float32))
