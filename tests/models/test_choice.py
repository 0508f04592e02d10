"""The choice follows the hardware, never promises what cannot be had, and says why."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from playground.errors import ModelUnavailable
from playground.models.catalog import CPU_DEFAULT, GB, GPU_DEFAULT, MODELS, SMALLEST
from playground.models.choice import candidates, choose

ROOMY: dict[str, Any] = {"cuda_memory_bytes": None, "free_memory_bytes": 8 * GB, "free_disk_bytes": 50 * GB}


@pytest.mark.parametrize(
    ("machine", "expected", "why"),
    [
        ({}, CPU_DEFAULT, "no GPU"),
        ({"cuda_memory_bytes": 8 * GB}, GPU_DEFAULT, "8 GB"),
        ({"cuda_memory_bytes": 4 * GB}, CPU_DEFAULT, "GPU"),
        ({"cuda_memory_bytes": 8 * GB, "hub_allowed": False}, CPU_DEFAULT, "switched on"),
        ({"cuda_memory_bytes": 8 * GB, "hub_allowed": False, "present": {GPU_DEFAULT.id}}, GPU_DEFAULT, "8 GB"),
        ({"cuda_memory_bytes": 8 * GB, "free_disk_bytes": 5 * GB}, CPU_DEFAULT, "disk"),
        ({"free_memory_bytes": 1 * GB}, SMALLEST, "1.0 GB of memory"),
        ({"free_disk_bytes": GB // 2}, SMALLEST, "0.5 GB of disk"),
        ({"free_disk_bytes": 0, "present": {CPU_DEFAULT.id}}, CPU_DEFAULT, "no GPU"),
    ],
)
def test_auto_follows_the_machine(machine: dict[str, Any], expected: object, why: str) -> None:
    spec, reason = choose("auto", **{**ROOMY, **machine})
    assert spec is expected
    assert why in reason and reason.endswith(".")


def test_a_named_model_is_taken_whatever_the_machine() -> None:
    spec, reason = choose(GPU_DEFAULT.id, cuda_memory_bytes=None, free_memory_bytes=0, free_disk_bytes=0)
    assert spec is GPU_DEFAULT and "named" in reason


def test_a_name_that_does_not_exist_is_not_replaced_by_another_model() -> None:
    with pytest.raises(ModelUnavailable):
        choose("no-such-model", **ROOMY)


def test_auto_always_ends_with_a_small_model_that_needs_no_hub() -> None:
    sizes = (0, 1 * GB, 100 * GB)
    for cuda, memory, disk, hub in product((None, *sizes), sizes, sizes, (True, False)):
        chosen = candidates(
            "AUTO", cuda_memory_bytes=cuda, free_memory_bytes=memory, free_disk_bytes=disk, hub_allowed=hub
        )
        specs = [spec for spec, _ in chosen]
        assert specs[-1] is SMALLEST and len(set(map(id, specs))) == len(specs)
        assert all(spec in MODELS for spec in specs)
        assert hub or all(spec.mirror for spec in specs)
