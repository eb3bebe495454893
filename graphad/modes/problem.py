"""What a benchmark graph is: a function at one point, and where to evaluate it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from graphad.autodiff import grad
from graphad.build import refuse
from graphad.compiler.errors import GraphError
from graphad.tensor import Tensor

Sample: TypeAlias = Callable[[np.random.Generator], Any]
"""Random values of x for one point, in kind: an array, or a list of them where x is one."""


@dataclass(frozen=True)
class Problem:
    """y as a function of x, at one point; ``sample`` draws values of x in kind."""

    y: Tensor
    x: Tensor | list[Tensor]
    sample: Sample

    @property
    def inputs(self) -> list[Tensor]:
        """x as a list."""
        return [self.x] if isinstance(self.x, Tensor) else list(self.x)

    def draw(self, seed: int = 0) -> dict[Tensor, Any]:
        """Values for one point, as ``ga.evaluate`` takes them."""
        return {x: values[0] for x, values in zip(self.inputs, self.points(1, seed), strict=True)}

    def points(self, count: int, seed: int = 0) -> list[np.ndarray]:
        """Values of each input for many points: arrays of shape (count, *input.shape)."""
        rng = np.random.default_rng(seed)
        drawn = [self._drawn(rng) for _ in range(count)]
        return [np.array([d[i] for d in drawn], x.dtype) for i, x in enumerate(self.inputs)]

    def _drawn(self, rng: np.random.Generator) -> list[Any]:
        values = self.sample(rng)
        listed = [values] if isinstance(self.x, Tensor) else list(values)
        if len(listed) != len(self.inputs):
            refuse(GraphError, "sample", (), f"draws {len(listed)} values for {len(self.inputs)} inputs")
        return listed


@dataclass(frozen=True)
class BenchmarkGraph:
    """A named function whose Jacobian is worth comparing in every mode.

    Attributes:
        name: what the command line calls it.
        summary: one line.
        source: the paper or book.
        function: builds ``(y, x, sample)`` for one point; its arguments, all with defaults, are sizes.
        hessian: whether the second derivatives of the scalar y are compared, instead of its gradient.
        points: how many points it is evaluated at unless said; 1 where one Jacobian is work enough.
        worked: values of the scalar inputs at which every intermediate value is worth printing; empty for none.
        published: multiplications found in the literature, by mode.
    """

    name: str
    summary: str
    source: str
    function: Callable[..., tuple[Tensor, Any, Sample]]
    hessian: bool = False
    points: int = 1
    worked: tuple[float, ...] = ()
    published: Mapping[str, int] = field(default_factory=dict)

    @property
    def sizes(self) -> dict[str, Any]:
        """The function's arguments and their defaults."""
        return {name: p.default for name, p in inspect.signature(self.function).parameters.items()}

    def build(self, **sizes: Any) -> Problem:
        """The function at one point, with these sizes instead of the defaults.

        Errors: GraphError for a size it does not have, or a function that does not return ``y, x, sample``.
        """
        unknown = [name for name in sizes if name not in self.sizes]
        if unknown:
            known = ", ".join(self.sizes) or "none"
            refuse(GraphError, self.name, (), f"has no size {unknown[0]!r}; its sizes: {known}")
        return Problem(*self._checked(self.function(**sizes)))

    def _checked(self, found: Any) -> tuple[Tensor, Tensor | list[Tensor], Sample]:
        if (
            not isinstance(found, tuple)
            or len(found) != 3
            or not isinstance(found[0], Tensor)
            or not callable(found[2])
        ):
            refuse(GraphError, self.name, (), "returns y, x and a function that draws x: return y, x, sample")
        y, x, sample = found
        leaves = [x] if isinstance(x, Tensor) else x
        if not isinstance(leaves, list) or not leaves or not all(isinstance(leaf, Tensor) for leaf in leaves):
            refuse(GraphError, self.name, (), f"x is a tensor or a list of tensors, got {x!r}")
        if self.hessian and y.shape != ():
            refuse(GraphError, self.name, (y,), f"a Hessian is of a scalar y, got {y.type}")
        return y, x, sample

    def differentiated(self, problem: Problem) -> list[Tensor]:
        """What the modes take the Jacobian of: y, or the gradient of y by each input."""
        return grad(problem.y, problem.inputs) if self.hessian else [problem.y]
