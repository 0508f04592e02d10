"""What this machine's CPU multiplies fastest, measured once and remembered.

Owns the measurement and its small file. Knows kernels and their shapes, no model.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.nn import functional

from playground.kernels.formats import GROUP
from playground.models.quantization import (
    INT4_UNPACK_FROM_ROWS,
    INT8_UNPACK_FROM_ROWS,
    Int4Linear,
    Int8Linear,
    packed_layout,
)

log = logging.getLogger(__name__)

FILE = "machine.json"
OUT_FEATURES, IN_FEATURES = 4096, 1024
COPIES = 8
"""Layers that are walked through one after the other, so that their weights come from memory as in a real model."""
REPEATS = 4
MANY_ROWS = 512
"""A whole chunk of a prompt. The two ways differ several times there, so that a busy machine does not blur it."""
NEVER = 1 << 30


@dataclass(frozen=True)
class KernelSpeed:
    """Result of the measurement; `key` names the circumstances that it holds for."""

    key: str
    int4_is_faster: bool
    """One row times 4-bit weights takes less time than times bf16 weights."""
    int4_unpacks: bool
    """Many rows are multiplied sooner in bf16, with the 4-bit layer unpacked first, than by the 4-bit kernel."""
    int8_unpacks: bool
    """The same for 8-bit layers."""


def kernel_speed(cache_dir: Path) -> KernelSpeed:
    """The remembered measurement, or a new one (about a quarter of a second). Never raises for an unusable file."""
    key = _key()
    path = cache_dir / FILE
    try:
        remembered = KernelSpeed(**json.loads(path.read_text("utf-8")))
        if remembered.key == key:
            return remembered
    except (OSError, ValueError, TypeError):
        pass
    speed = _measure(key)
    log.info("measured %s", speed)
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_text(json.dumps(asdict(speed), indent=1), "utf-8")
        os.replace(part, path)
    except OSError as error:
        log.info("the measured kernel speed is not kept: %s", error)
    return speed


def give_back_memory() -> None:
    """Return what was freed to the system: reading a tokenizer takes twice what it needs, and glibc would keep it."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def apply(speed: KernelSpeed) -> None:
    """Let every quantised layer of this process follow the measurement."""
    Int4Linear.bf16_from_rows = INT4_UNPACK_FROM_ROWS if speed.int4_unpacks else NEVER
    Int8Linear.bf16_from_rows = INT8_UNPACK_FROM_ROWS if speed.int8_unpacks else NEVER


def _key() -> str:
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{_cpu_name()} | torch {torch.__version__} | {capability} | {torch.get_num_threads()} threads"


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _measure(key: str) -> KernelSpeed:
    with torch.inference_mode():
        random = torch.Generator().manual_seed(0)
        bytes_ = torch.randint(0, 256, (COPIES, OUT_FEATURES, IN_FEATURES), dtype=torch.uint8, generator=random)
        scales = torch.full((IN_FEATURES // GROUP, OUT_FEATURES, 2), 0.01, dtype=torch.bfloat16)
        fours = [Int4Linear(part[:, : IN_FEATURES // 2].contiguous(), scales) for part in bytes_]
        eights = [Int8Linear(part.view(torch.int8), scales[0, :, 0].contiguous()) for part in bytes_]
        halves = [part.to(torch.bfloat16) for part in bytes_]
        row = torch.ones(1, IN_FEATURES, dtype=torch.bfloat16)
        int4_s, bf16_s = _seconds(
            lambda: [layer.multiply(row) for layer in fours],
            lambda: [functional.linear(row, weight) for weight in halves],
        )
        return KernelSpeed(
            key=key,
            int4_is_faster=int4_s < bf16_s,
            int4_unpacks=packed_layout() is not None and _unpacking_pays(fours[0]),
            int8_unpacks=_unpacking_pays(eights[0]),
        )


def _unpacking_pays(layer: Int4Linear | Int8Linear) -> bool:
    rows = torch.ones(MANY_ROWS, IN_FEATURES, dtype=torch.bfloat16)
    kernel_s, bf16_s = _seconds(lambda: layer.multiply(rows), lambda: layer.multiply_unpacked(rows))
    return bf16_s < kernel_s


def _seconds(*works: Callable[[], object]) -> list[float]:
    """The best of a few runs of each, taken in turns: others use the machine too."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(REPEATS):
        for work, taken in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
    return [min(taken) for taken in times]
