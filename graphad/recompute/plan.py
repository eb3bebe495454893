"""What is kept and what runs again, as a record that can be asked and printed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from graphad.recompute.allocated import sizes_of
from graphad.recompute.fit import Fit, Fitted
from graphad.recompute.program import TYPICAL, Program
from graphad.recompute.search import Method
from graphad.recompute.stream import Stream
from graphad.runtime.once import cached_property
from graphad.tensor import Tensor

_SHOWN: Final = 8


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """How a gradient keeps within a memory limit; sizes in bytes, for ``sizes`` where some are symbolic.

    What counts as memory is what a call of the compiled gradient allocates for itself, its ``cost.arena``: forward
    values, their copies and cotangents that kernels store, and the kernels' scratch, on the threads that it uses.
    Arguments, parameters, states and constants, and the results, which are the caller's, do not count.

    ``method``: store (all), revolve, chain (dynamic programming over unequal stages) or greedy. ``kept``: the forward
    values alive when the backward sweep begins. ``extra_steps``: stages run forward beyond once each, None for greedy.
    """

    method: Method
    memory_limit: int | None
    peak: int
    peak_of_storing: int
    kept: tuple[Tensor, ...]
    bytes_kept: int
    flops: int
    extra_flops: int
    stages: int
    extra_steps: int | None
    sizes: Mapping[str, int]
    fit: Fit = field(repr=False)

    @cached_property
    def least(self) -> int:
        """Of the ways known here, the arena of the one that takes the least."""
        return self.fit.least.arena

    def __str__(self) -> str:
        limit = "none" if self.memory_limit is None else size(self.memory_limit)
        steps = "" if self.extra_steps is None else f", {self.extra_steps} stages run again"
        rows = [
            ("method", f"{self.method}, {self.stages} stages{steps}"),
            ("memory limit", limit),
            *(("counted at", f"{name} = {number}") for name, number in self.sizes.items()),
            ("peak", size(self.peak)),
            ("peak of storing all", size(self.peak_of_storing)),
            ("least possible", size(self.least)),
            ("kept for the sweep", f"{size(self.bytes_kept)} in {len(self.kept)} values"),
            (
                "recomputed",
                f"{self.extra_flops:,} flops, {self.extra_flops / max(self.flops, 1):.0%} of {self.flops:,}",
            ),
        ]
        table = [f"{name:<20} {value}" for name, value in rows]
        shown = [f"  {describe(x)}" for x in self.kept[:_SHOWN]]
        more = [f"  and {len(self.kept) - _SHOWN} more"] if len(self.kept) > _SHOWN else []
        return "\n".join([*table, *shown, *more])

    def __repr__(self) -> str:
        return f"<recompute.Plan: {self.method}, peak {size(self.peak)}, {self.extra_flops:,} flops again>"


def describe_choice(fit: Fit, found: Fitted, limit: int | None) -> Plan:
    """The record of a choice."""
    program, stream, cuts = fit.program, found.choice.stream, fit.search.cuts
    kept = sorted(_kept(program, stream), key=lambda i: -program.nbytes[i])
    return Plan(
        method=found.choice.method,
        memory_limit=limit,
        peak=found.arena,
        peak_of_storing=fit.plain.arena,
        kept=tuple(program.items[i] for i in kept),
        bytes_kept=sum(program.nbytes[i] for i in kept),
        flops=sum(program.flops),
        extra_flops=stream.extra_flops,
        stages=cuts.stages if cuts else 1,
        extra_steps=found.choice.steps,
        sizes=_sizes(program),
        fit=fit,
    )


def _sizes(program: Program) -> dict[str, int]:
    """The numbers that symbolic sizes count as."""
    return dict.fromkeys(sizes_of(program.items), TYPICAL)


def at_sizes(program: Program) -> str:
    """The same in words, in front of which there is a number of bytes."""
    found = ", ".join(f"{name} = {number}" for name, number in _sizes(program).items())
    return f" (at {found})" if found else ""


def _kept(program: Program, stream: Stream) -> list[int]:
    begin = next((t for t, v in enumerate(stream.runs) if v >= program.forward), None)
    if begin is None:
        return []
    return [i for i in stream.alive(begin) if i < program.forward and program.nbytes[i]]


def largest(program: Program, stream: Stream) -> list[Tensor]:
    """What is alive at the peak, the largest first."""
    there = sorted(stream.alive(stream.peak_at), key=lambda i: -program.nbytes[i])
    return [program.items[i] for i in there]


def describe(x: Tensor) -> str:
    """A value with its type and line."""
    return f"{x.label or x.op.name}: {x.type} ({x.site})"


def size(nbytes: int) -> str:
    """Bytes, in words."""
    return f"{nbytes:,} bytes"
