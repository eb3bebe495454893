"""How many threads this process may use."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Final

from graphad.runtime.errors import GraphadError, ThreadWarning

VARIABLE = "GRAPHAD_NUM_THREADS"
OVER: Final = 4  # threads for each of the machine's cores: more are a mistake, and may be more than the system gives
_DIGITS: Final = 9  # of a number that is read to the last one


def default_threads() -> int:
    """The number in GRAPHAD_NUM_THREADS, else the cores this process may run on, within its container's quota.

    More than four times the machine's cores are not used, with a ThreadWarning. Raises GraphadError if the variable is
    set to something that is not a positive whole number.
    """
    asked = os.environ.get(VARIABLE, "").strip()
    if not asked:
        return max(1, min(_cores(), _quota()))
    if not asked.isascii() or not asked.isdigit() or not asked.strip("0"):
        raise GraphadError(f"{VARIABLE}={asked!r} is not a number of threads; set a positive whole number, or unset it")
    number = asked.lstrip("0")
    return allowed_threads(f"{VARIABLE}={number[:_DIGITS]}", int(number) if len(number) <= _DIGITS else 10**_DIGITS)


def allowed_threads(asked: str, count: int) -> int:
    """``count``, or four times the machine's cores and a ThreadWarning, if these are fewer.

    >>> allowed_threads("threads=1", 1)
    1
    """
    most = OVER * (os.cpu_count() or 1)
    if count <= most:
        return count
    warnings.warn(
        f"{asked} is more than {OVER} threads for each of this machine's cores; {most} are used",
        ThreadWarning,
        stacklevel=3,
    )
    return most


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # absent on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota(root: Path = Path("/sys/fs/cgroup")) -> int:
    """Cores granted by the control group, rounded up; a large number without one."""
    unlimited = 1 << 16
    try:
        quota, period = (root / "cpu.max").read_text().split()[:2]  # version 2
    except (OSError, ValueError):
        try:
            quota = (root / "cpu" / "cpu.cfs_quota_us").read_text().strip()  # version 1
            period = (root / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return unlimited
    if not quota.isdigit() or not period.isdigit() or int(quota) == 0 or int(period) == 0:
        return unlimited  # "max", or -1
    return -(-int(quota) // int(period))
