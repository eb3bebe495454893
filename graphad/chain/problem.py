"""The chain in plain numbers: what starts, pushes and pulls cost, and what the memory limit forbids."""

from dataclasses import dataclass

from graphad.chain.factor import Factor
from graphad.runtime.once import cached_property


@dataclass(frozen=True)
class Problem:
    """What the dynamic programs read. Factors are counted from 0 here, innermost first.

    ``None`` among the costs says that there is no such sweep.
    """

    factors: tuple[Factor, ...]
    memory_limit: int | None = None
    matrix_free: bool = True

    def __len__(self) -> int:
        return len(self.factors)

    @cached_property
    def rows(self) -> list[int]:
        return [f.rows for f in self.factors]

    @cached_property
    def columns(self) -> list[int]:
        return [f.columns for f in self.factors]

    @cached_property
    def tapes(self) -> list[int]:
        return [f.tape or 0 for f in self.factors]

    @cached_property
    def by_adjoint(self) -> list[bool]:
        """Whether the cheapest way to accumulate this factor is by adjoints; ties go to tangents, which keep nothing.

        A given matrix is not accumulated.
        """
        return [
            not f.given
            and self.fits(f.tape or 0)
            and f.rows * (f.adjoint_cost or 0) < f.columns * (f.tangent_cost or 0)
            for f in self.factors
        ]

    @cached_property
    def _swept(self) -> list[int]:
        return [
            f.rows * (f.adjoint_cost or 0) if adjoint else f.columns * (f.tangent_cost or 0)
            for f, adjoint in zip(self.factors, self.by_adjoint, strict=True)
        ]

    @cached_property
    def by_structure(self) -> list[bool]:
        """Whether a factor's structure gives its matrix for less than sweeps do."""
        return [
            f.jacobian_cost is not None and f.jacobian_cost < swept
            for f, swept in zip(self.factors, self._swept, strict=True)
        ]

    @cached_property
    def start(self) -> list[int]:
        """fma(j,j) = min(t_j n_j, a_j m_j): each factor's Jacobian as a matrix, by itself; or by structure."""
        return [
            (f.jacobian_cost or 0) if structured else swept
            for f, structured, swept in zip(self.factors, self.by_structure, self._swept, strict=True)
        ]

    @cached_property
    def push(self) -> list[int | None]:
        """One tangent through each factor. Through a given matrix it is a product, which the multiplications cover."""
        return [f.tangent_cost if self.matrix_free else None for f in self.factors]

    @cached_property
    def pull(self) -> list[int | None]:
        """One adjoint through each factor whose tape fits."""
        return [f.adjoint_cost if self.matrix_free and self.fits(f.tape or 0) else None for f in self.factors]

    def fits(self, tape: int) -> bool:
        """Whether the memory limit allows this much tape."""
        return self.memory_limit is None or tape <= self.memory_limit

    @cached_property
    def bound(self) -> int:
        """No value that a dynamic program forms is larger.

        With D the largest size, T and A the sums of the sweeps' costs: an entry is at most D T + (q-1) D^3, the cost of
        accumulating every factor and multiplying; a candidate is at most two entries and a product, or one and a sweep.
        """
        size = max(1, *self.rows, *self.columns)
        tangents = sum(f.tangent_cost or 0 for f in self.factors)
        adjoints = sum(f.adjoint_cost or 0 for f in self.factors)
        return 2 * (size * tangents + len(self) * size**3) + size * max(tangents, adjoints)
