"""Reverse mode within a memory limit. README.md names the files in order, docs/recompute.md explains."""

from graphad.recompute.actions import Action, Advance, Replay, Restore, Snapshot, Tape, Turn, replay
from graphad.recompute.front import grad, plan, vjp
from graphad.recompute.plan import Plan
from graphad.recompute.revolve import extra_steps, revolve
from graphad.recompute.stages import Schedule, Stage, checkpoint

__all__ = [
    # gradients
    "grad", "vjp", "plan", "Plan",
    # chains of equal steps, and of unequal stages
    "revolve", "extra_steps", "Stage", "checkpoint", "Schedule",
    # schedules
    "Action", "Snapshot", "Restore", "Advance", "Tape", "Turn", "replay", "Replay",
]  # fmt: skip
