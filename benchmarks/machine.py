"""Where and when something was measured: processor, cores, memory bandwidth, versions.

Also how much of it other programs used meanwhile: the threads of a product wait for each other by spinning, on every
side, so a second busy program makes a measurement worthless. Imports torch for a copy in memory. Knows no figure.
"""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

import psutil
import torch

from benchmarks.sides import THREADS
from playground.hardware import available_cores

COPIED_BYTES = 256 * 2**20
"""Far more than any cache holds."""
COPIES = 8


def describe_machine() -> dict[str, str]:
    """Facts by name, in the order in which they are shown. Takes about a second."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": f"{_cpu_name()}, {available_cores()} cores, {torch.backends.cpu.get_cpu_capability()}",
        "memory bandwidth": f"{copy_bandwidth() / 1e9:.0f} GB/s (read and written by a copy with {THREADS} threads)",
        "versions": ", ".join(
            [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in ("torch", "transformers"))]
        ),
    }


class Neighbours:
    """What others make the machine's processors do from now on."""

    def __init__(self) -> None:
        self._start_s = time.perf_counter()
        self._busy_s, self._ours_s = _busy_s(), _ours_s()

    def share(self) -> float:
        """The part of all processors' time that other programs took since; our children count once they have ended."""
        all_s = (time.perf_counter() - self._start_s) * (os.cpu_count() or 1)
        return max(0.0, (_busy_s() - self._busy_s) - (_ours_s() - self._ours_s)) / all_s


def copy_bandwidth() -> float:
    """Bytes a second that a plain copy reads and writes, the best of a few."""
    torch.set_num_threads(THREADS)
    source, target = (torch.ones(COPIED_BYTES, dtype=torch.uint8) for _ in range(2))
    seconds = []
    for _ in range(COPIES):
        start = time.perf_counter()
        target.copy_(source)
        seconds.append(time.perf_counter() - start)
    return 2 * COPIED_BYTES / min(seconds)


def _busy_s() -> float:
    times = psutil.cpu_times()
    # Linux counts guests in "user" and "nice" too.
    elsewhere = ("idle", "iowait", "guest", "guest_nice")
    return sum(times) - sum(getattr(times, name, 0.0) for name in elsewhere)


def _ours_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
