"""How many threads this process may use."""

from __future__ import annotations

import os
from pathlib import Path

from graphad.runtime.errors import GraphadError

VARIABLE = "GRAPHAD_NUM_THREADS"


def default_threads() -> int:
    """The number in GRAPHAD_NUM_THREADS, else the cores this process may run on, within its container's quota.

    Raises GraphadError if the variable is set to something that is not a positive whole number.
    """
    asked = os.environ.get(VARIABLE, "").strip()
    if not asked:
        return max(1, min(_cores(), _quota()))
    if not asked.isascii() or not asked.isdigit() or int(asked) == 0:
        raise GraphadError(f"{VARIABLE}={asked!r} is not a number of threads; set a positive whole number, or unset it")
    return int(asked)


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
