"""Binomial checkpointing of equal steps: Griewank and Walther, Algorithm 799 (ACM TOMS 26(1), 2000)."""

from math import comb

from graphad.checks import whole
from graphad.recompute.actions import Action, Advance, Restore, Snapshot, Tape, Turn


def extra_steps(steps: int, snapshots: int) -> int:
    """t(l, s): the forward steps, beyond the l taped ones, that reverse l steps with s snapshots.

    The initial state is one of them. t(l, s) = r l - C(s + r, r - 1), with r the least integer for which
    C(s + r, s) >= l.

    >>> extra_steps(10, 3), extra_steps(100, 5), extra_steps(1000, 10), extra_steps(7, 7)
    (15, 316, 3636, 6)
    """
    _check("extra_steps", steps, snapshots)
    r = _repeats(steps, snapshots)
    return r * steps - (comb(snapshots + r, r - 1) if r else 0)


def revolve(steps: int, snapshots: int) -> list[Action]:
    """The schedule with the fewest forward steps, ``steps`` taped ones and ``extra_steps`` more.

    Errors: GraphError for fewer than one step or snapshot.

    >>> revolve(2, 1)  # doctest: +NORMALIZE_WHITESPACE
    [Snapshot(step=0), Advance(first=0, last=1), Tape(step=1), Turn(step=1),
     Restore(step=0), Tape(step=0), Turn(step=0)]
    """
    _check("revolve", steps, snapshots)
    found: list[Action] = [Snapshot(0)]
    stack: list[tuple[int, int, int] | Restore] = [(0, steps, snapshots)]
    while stack:
        entry = stack.pop()
        if isinstance(entry, Restore):
            found.append(entry)
            continue
        first, last, left = entry
        if last - first == 1:
            found += [Tape(first), Turn(first)]
            continue
        middle = first + _advance(last - first, left)
        found.append(Advance(first, middle))
        stack += [(first, middle, left), Restore(first)]
        if last - middle > 1:
            found.append(Snapshot(middle))
        stack.append((middle, last, left - 1))
    return found


def _advance(steps: int, snapshots: int) -> int:
    """How far to advance before the next snapshot: the least that keeps both parts within the optimum's repeats."""
    if snapshots == 1:
        return steps - 1
    r = _repeats(steps, snapshots)
    return max(comb(snapshots + r - 2, snapshots) if r > 1 else 1, steps - comb(snapshots - 1 + r, r))


def _repeats(steps: int, snapshots: int) -> int:
    r = 0
    while comb(snapshots + r, snapshots) < steps:
        r += 1
    return r


def _check(name: str, steps: int, snapshots: int) -> None:
    whole(f"recompute.{name}", "steps", steps, 1)
    whole(f"recompute.{name}", "snapshots", snapshots, 1)
