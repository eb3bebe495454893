"""What is kept and what runs again, as a record that can be asked and printed."""

from dataclasses import dataclass
from typing import Final

from graphad.recompute.program import Program
from graphad.recompute.search import Choice, Method, Search
from graphad.recompute.stream import Stream
from graphad.tensor import Tensor

_SHOWN: Final = 8


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """How a gradient keeps within a memory limit; sizes in bytes, symbolic ones counted as 64.

    What counts as memory: every value that the kernels store, from the kernel that computes it to the last that reads
    it: forward values, their copies and cotangents. Arguments, parameters, states and constants, and the results, which
    are the caller's, do not count; nor does a kernel's own scratch.

    ``method``: store (all), revolve, chain (dynamic programming over unequal stages) or greedy. ``kept``: the forward
    values alive when the backward sweep begins. ``extra_steps``: stages run forward beyond once each, None for greedy.
    """

    method: Method
    memory_limit: int | None
    peak: int
    peak_of_storing: int
    least: int
    kept: tuple[Tensor, ...]
    bytes_kept: int
    flops: int
    extra_flops: int
    stages: int
    extra_steps: int | None

    def __str__(self) -> str:
        limit = "none" if self.memory_limit is None else size(self.memory_limit)
        steps = "" if self.extra_steps is None else f", {self.extra_steps} stages run again"
        rows = [
            ("method", f"{self.method}, {self.stages} stages{steps}"),
            ("memory limit", limit),
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


def describe_choice(program: Program, search: Search, choice: Choice, limit: int | None) -> Plan:
    """The record of a choice."""
    stream = choice.stream
    kept = sorted(_kept(program, stream), key=lambda i: -program.nbytes[i])
    return Plan(
        method=choice.method,
        memory_limit=limit,
        peak=stream.peak,
        peak_of_storing=search.plain.peak,
        least=search.least.stream.peak,
        kept=tuple(program.items[i] for i in kept),
        bytes_kept=sum(program.nbytes[i] for i in kept),
        flops=sum(program.flops),
        extra_flops=stream.extra_flops,
        stages=search.cuts.stages if search.cuts else 1,
        extra_steps=choice.steps,
    )


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
