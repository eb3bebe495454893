"""What a schedule is made of: the actions that reverse a chain of steps with little memory, and their replay."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from graphad.checks import is_iterable, whole
from graphad.compiler.errors import GraphError


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state before ``step``, at which the sweep is, is kept until its last Restore."""

    step: int


@dataclass(frozen=True, slots=True)
class Restore:
    """The sweep goes on from the kept state before ``step``."""

    step: int


@dataclass(frozen=True, slots=True)
class Advance:
    """Steps ``first`` to ``last - 1`` run forward, nothing of them is kept."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Tape:
    """``step`` runs forward and what its adjoint reads is kept."""

    step: int


@dataclass(frozen=True, slots=True)
class Turn:
    """The adjoint of ``step``, whose tape is used up."""

    step: int


Action: TypeAlias = Snapshot | Restore | Advance | Tape | Turn


@dataclass(frozen=True, slots=True)
class Replay:
    """What a schedule turned out to do: ``forward`` counts how often each step ran, taped or not."""

    forward: tuple[int, ...]
    snapshots: int
    """The most kept at a time, the initial state included."""
    tapes: int

    @property
    def extra(self) -> int:
        """Forward steps beyond one a step."""
        return sum(self.forward) - len(self.forward)


def replay(actions: Iterable[Action], steps: int) -> Replay:
    """Runs a schedule on a chain that only counts.

    Errors: GraphError where an action finds no state or no tape, or where adjoints do not go from last to first.
    """
    if not is_iterable(actions):
        raise GraphError(f"recompute.replay: actions are a list, got {actions!r}")
    steps = whole("recompute.replay", "steps", steps, 0, 10**9)
    actions = tuple(actions)
    for action in actions:
        if not isinstance(action, Snapshot | Restore | Advance | Tape | Turn):
            raise GraphError(f"recompute.replay: an action is Snapshot, Restore, Advance, Tape or Turn, got {action!r}")
    uses = _uses(actions)
    forward = [0] * steps
    kept: set[int] = set()
    tapes: set[int] = set()
    at: int | None = 0  # the step before which the sweep is
    left = steps
    most_kept = most_taped = 0
    for i, action in enumerate(actions):
        match action:
            case Snapshot(step):
                _need(step == at, f"{action} at step {at}")
                kept.add(step)
            case Restore(step):
                _need(step in kept, f"{action} without a snapshot")
                at = step
                if uses[i] == 0:
                    kept.remove(step)
            case Advance(first, last):
                _need(first == at and first < last <= steps, f"{action} at step {at}")
                for k in range(first, last):
                    forward[k] += 1
                at = last
            case Tape(step):
                _need(step == at and step not in tapes, f"{action} at step {at}")
                forward[step] += 1
                tapes.add(step)
                at = step + 1
            case Turn(step):
                _need(step in tapes and step == left - 1, f"{action} with {left} steps to reverse")
                tapes.remove(step)
                left, at = step, None
        most_kept, most_taped = max(most_kept, len(kept)), max(most_taped, len(tapes))
    _need(left == 0, f"the schedule ends with {left} steps to reverse")
    return Replay(tuple(forward), most_kept, most_taped)


def _uses(actions: Sequence[Action]) -> list[int]:
    """For each Restore, how many follow it before the state is kept anew."""
    later: dict[int, int] = {}
    found = [0] * len(actions)
    for i in reversed(range(len(actions))):
        match actions[i]:
            case Restore(step):
                found[i] = later.get(step, 0)
                later[step] = found[i] + 1
            case Snapshot(step):
                later[step] = 0
            case _:
                pass
    return found


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise GraphError(f"recompute.replay: {what}")
