"""What this process may use of its machine: cores and memory, within the limits of its container.

Knows no model and no setting. A container's limits are those of Linux control groups, version 2.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import psutil

SYSTEM = Path("/sys")


def available_cores(system: Path = SYSTEM) -> int:
    """Physical cores that this process may use: its CPU affinity and its container's quota count, twins once."""
    if not hasattr(os, "sched_getaffinity"):
        return psutil.cpu_count(logical=False) or os.cpu_count() or 1
    cores = set()
    for cpu in os.sched_getaffinity(0):
        try:
            twins = system / f"devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
            cores.add(twins.read_text().strip())
        except OSError:
            cores.add(str(cpu))
    try:
        quota, period = (system / "fs/cgroup/cpu.max").read_text().split()
        allowed = math.ceil(int(quota) / int(period))
    except (OSError, ValueError):  # no such file, or "max"
        allowed = len(cores)
    return max(1, min(len(cores), allowed))


def memory_bytes(system: Path = SYSTEM) -> int:
    """Memory that this process may use at the most."""
    machine, limit = psutil.virtual_memory().total, _limit_bytes(system)
    return machine if limit is None else min(machine, limit)


def free_memory_bytes(system: Path = SYSTEM) -> int:
    """Memory that this process could still take; what only keeps copies of files counts as free."""
    machine, limit = psutil.virtual_memory().available, _limit_bytes(system)
    if limit is None:
        return machine
    try:
        used = int((system / "fs/cgroup/memory.current").read_text())
        figures = dict(line.split() for line in (system / "fs/cgroup/memory.stat").read_text().splitlines())
        files = int(figures["active_file"]) + int(figures["inactive_file"])
    except (OSError, ValueError, KeyError):
        return min(machine, limit)
    return max(0, min(machine, limit - used + files))


def _limit_bytes(system: Path) -> int | None:
    """What the container may use, None without such a limit."""
    try:
        return int((system / "fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return None
