"""Where and when something was measured: processor, cores, memory bandwidth, versions.

Imports torch only for its version and a copy in memory. Knows no figure.
"""

from __future__ import annotations

import platform
import time
from importlib.metadata import version
from pathlib import Path

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


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
