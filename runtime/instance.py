"""A program bound to sizes and storage: what a call goes through."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import get_ident

import numpy as np
from numpy.typing import NDArray

from graphad.runtime.errors import GuardError
from graphad.runtime.frame import Frame
from graphad.runtime.linking import Linked
from graphad.runtime.pace import Pace
from graphad.runtime.pool import pool
from graphad.runtime.program import Layout, Program
from graphad.runtime.turns import Turn, Visit, line, wait

Array = NDArray[np.generic]


class Instance:
    """Runs a program for one layout. Several threads may call it at once: each call has a frame of its own."""

    def __init__(
        self,
        program: Program,
        linked: Linked,
        layout: Layout,
        states: Sequence[Array],
        constants: Sequence[Array],
        turn: Turn | None = None,
    ) -> None:
        _check(program, layout, states)
        self.program = program
        self.layout = layout
        self.bytes = layout.nbytes  # of the arena, which every call in flight has for itself
        self._linked, self._call = linked, linked.call
        self._states = tuple(states)  # kept: the frames hold bare addresses
        self._constants = tuple(constants)
        self._threads = layout.threads
        self._pace = Pace()
        self._turn = turn
        self._free: list[Frame] = [self._frame()]

    def _frame(self) -> Frame:
        visit = None if self._turn is None else Visit(self._turn)
        return Frame(self.program, self.layout, self._states, self._constants, visit)

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        """Compute outputs from inputs: C-contiguous arrays of the specs' dtypes and the right shapes, unchecked.

        Raises GuardError if the program called `fail`.
        """
        try:
            frame = self._free.pop()  # atomic, as append is: no lock
        except IndexError:
            frame = self._frame()
        visit = frame.visit
        if visit is not None:
            visit.thread = get_ident()
        try:
            if visit is not None:
                line.append(visit)
                if len(line) > 1:
                    wait(visit)
            if self._threads == 1:
                failed = self._call(1, frame.address, 0, *inputs, *outputs)
            else:
                started = time.perf_counter()
                parts = 1 if self._pace.alone else self._threads
                failed = self._run_parts(parts, frame, inputs, outputs)
                self._pace.took(time.perf_counter() - started)
            if failed:
                self._raise(frame)
        finally:
            if visit is not None:
                line.remove(visit)
                if visit.waiting:
                    visit.leave()
            self._free.append(frame)

    def _run_parts(self, parts: int, frame: Frame, inputs: Sequence[Array], outputs: Sequence[Array]) -> int:
        parts, team = pool.team(parts, self._linked)
        return self._call(parts, frame.address, team, *inputs, *outputs)

    def _raise(self, frame: Frame) -> None:
        failure = frame.failure()
        if failure is not None:
            raise GuardError(self.program.name, *failure)

    def profile(self, inputs: Sequence[Array], outputs: Sequence[Array], repeats: int = 10) -> list[float]:
        """Seconds of each kernel, in launch order: medians, scaled so that they sum to the median call's wall time.

        The program must call stamp(clock, part, k) before kernel k and once more after the last one.
        """
        ticks = np.zeros((repeats, len(self.program.kernels) + 1), np.int64)
        walls = np.array([self._profile_once(inputs, outputs, ticks[k]) for k in range(repeats)])
        spent = np.median(np.diff(ticks, axis=1), axis=0)
        total = float(spent.sum())
        wall = float(np.median(walls))
        if total <= 0.0:
            return [wall / max(len(spent), 1)] * len(spent)
        return [float(s) * wall / total for s in spent]

    def _profile_once(self, inputs: Sequence[Array], outputs: Sequence[Array], clock: NDArray[np.int64]) -> float:
        """Seconds of one call whose stamps go to `clock`. Its frame is not shared, so that no other call is timed."""
        frame = self._frame()
        frame.header[3] = clock.ctypes.data
        started = time.perf_counter()
        self._run_parts(self._threads, frame, inputs, outputs)
        seconds = time.perf_counter() - started
        self._raise(frame)
        return seconds


def _check(program: Program, layout: Layout, states: Sequence[Array]) -> None:
    """A wrong address is a crash without a message, so the few things that fix addresses are checked, once."""
    if len(layout.offsets) != program.locals:
        raise ValueError(
            f"program {program.name!r} has {program.locals} locals, the layout {len(layout.offsets)} offsets"
        )
    if any(not 0 <= at <= layout.nbytes for at in layout.offsets):
        raise ValueError(f"program {program.name!r}: an offset lies outside the arena of {layout.nbytes} bytes")
    if layout.threads < 1:
        raise ValueError(f"program {program.name!r}: threads is {layout.threads}, must be at least 1")
    if len(states) != len(program.states):
        raise ValueError(f"program {program.name!r} has {len(program.states)} states, got {len(states)}")
    for spec, state in zip(program.states, states, strict=True):
        if state.dtype != np.dtype(spec.dtype) or state.ndim != spec.ndim or not state.flags.c_contiguous:
            raise ValueError(
                f"state {spec.name!r} of program {program.name!r} must be a C-contiguous {spec.dtype} array with "
                f"{spec.ndim} dimensions, got {state.dtype} with {state.ndim}"
            )
