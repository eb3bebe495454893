"""The plan of a Jacobian: what every mode would cost, which is chosen, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from graphad.autodiff.structure import flatten, unflatten
from graphad.build import refuse
from graphad.compiler.errors import GraphError
from graphad.ops.creation import zeros
from graphad.planning import drawing
from graphad.planning.candidates import Candidate
from graphad.planning.problem import Problem
from graphad.planning.table import rows_of
from graphad.planning.writing import save_plan
from graphad.tensor import Tensor

CLEARLY: Final = 0.9
"""Chain and eliminate mode are chosen if they are predicted to take less than this part of the better plain mode."""
DENSEST: Final = 2**32
"""Bytes of a Jacobian above which only the sparse one is offered."""
UNRIVALLED: Final = "no other mode has nearly as few multiplications"
"""The reason for a mode that is compared with none."""


@dataclass(frozen=True)
class ModeCost:
    """What one mode takes.

    Attributes:
        multiplications: of the products of local Jacobians, those with +1 and -1 being free.
        plain: for scalar code, the products counted as published counts are, +1 and -1 included; else None.
        seconds: predicted, for one evaluation on one thread; None where only products were counted.
        work: the same without what every call costs: what modes are compared by, since many points repeat it.
        memory: predicted bytes of intermediates; None likewise.
        how: the order of the products in words.
    """

    multiplications: int
    seconds: float | None = None
    memory: int | None = None
    plain: int | None = None
    how: str = ""
    work: float | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """What `ga.plan_jacobian` answers: print it, draw it, save it, or build the Jacobian by it.

    Attributes:
        cost: by mode.
        skipped: the modes that are not there, with the reason.
        chosen: the mode that ``mode="auto"`` takes; why: the reason.
        order: for eliminate mode, the numbers of the vertices in the order in which they go.
        scalar: what it is the Hessian of, if that was asked for.
    """

    cost: Mapping[str, ModeCost]
    skipped: Mapping[str, str]
    chosen: str
    why: str
    problem: Problem = field(repr=False)
    trees: tuple[Any, Any] = field(repr=False)  # the outputs and the inputs as they were given
    candidates: Mapping[str, Candidate] = field(repr=False)
    scalar: Tensor | None = field(default=None, repr=False)

    def jacobian(self, mode: str | None = None) -> Any:
        """The Jacobian's nodes by the chosen mode, or by another one that the plan has: as `ga.jacobian` answers.

        Errors: GraphError for a mode that was skipped, or that a loaded plan does not have.
        """
        mode = mode or self.chosen
        if mode not in self.candidates:
            known = ", ".join(map(repr, self.candidates))
            reason = f" ({self.skipped[mode]})" if mode in self.skipped else ""
            refuse(GraphError, "plan.jacobian", self.problem.outputs, f"the plan has {known}, not {mode!r}{reason}")
        return answered(self.problem, self.candidates[mode].blocks, self.trees)

    @property
    def order(self) -> tuple[int, ...] | None:
        found = self.candidates.get("eliminate")
        return None if found is None else found.order

    @property
    def text(self) -> str:
        """A table: a line for each mode, what is chosen and why."""
        return "\n".join([*rows_of(self.cost, self.skipped, self.chosen), f"{self.chosen}: {self.why}"])

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Plan: {self.chosen}, {self.cost[self.chosen].multiplications:,} multiplications>"

    def save(self, path: str | Path) -> None:
        """Writes the plan as text, for `ga.load_plan`."""
        save_plan(self, path)

    def draw(self, target: str | Path | Any) -> Any:
        """Draws multiplications and times by mode into a file (by its suffix) or into a matplotlib figure."""
        return drawing.draw(target, self)


def answered(problem: Problem, blocks: list[list[Tensor]], trees: tuple[Any, Any]) -> Any:
    """One tensor for each output and input, in kind of the outputs, and inside of the inputs; zeros for ends that the
    problem leaves out.
    """
    outputs, inputs = trees
    known = {
        (y, x): block
        for y, row in zip(problem.outputs, blocks, strict=True)
        for x, block in zip(problem.inputs, row, strict=True)
    }
    rows = [
        unflatten(inputs, [known[y, x] if (y, x) in known else _zeros(y, x) for x in flatten("jacobian", inputs)])
        for y in flatten("jacobian", outputs)
    ]
    return rows[0] if isinstance(outputs, Tensor) else unflatten(outputs, rows)


def _zeros(y: Tensor, x: Tensor) -> Tensor:
    return zeros((*y.shape, *x.shape), y.dtype)


def choose(cost: Mapping[str, ModeCost]) -> tuple[str, str]:
    """The mode to take and the reason: the quickest by prediction, a plain one unless another is clearly quicker."""
    timed = all(c.work is not None for c in cost.values())
    unit = "time" if timed else "multiplications"

    def measure(mode: str) -> float:
        work = cost[mode].work
        return work if timed and work is not None else cost[mode].multiplications

    # of equals reverse first, then forward: they are the plainest
    order = [m for m in ("reverse", "forward", "chain", "eliminate") if m in cost]
    plain = min((m for m in order if m in ("reverse", "forward")), key=measure)
    best = min(order, key=measure)
    others = [m for m in order if m != plain]
    if not others:
        return plain, UNRIVALLED
    if best == plain:
        ahead = min(others, key=measure)
        return plain, f"{_times(measure(ahead), measure(plain))} the {unit} of {ahead}, the next"
    if measure(best) >= CLEARLY * measure(plain):
        return plain, f"{best} is not clearly quicker"
    return best, f"{_times(measure(plain), measure(best))} the {unit} of {plain}, the better of forward and reverse"


def _times(other: float, own: float) -> str:
    return f"1/{other / own:.2g} of" if own and other > 1.05 * own else "about"
