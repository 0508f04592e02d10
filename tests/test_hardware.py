"""What a process may use: its own share of the machine, not the machine's."""

from __future__ import annotations

from pathlib import Path

import pytest

from playground import hardware
from playground.hardware import available_cores, free_memory_bytes, memory_bytes

MB = 1 << 20


def container(system: Path, **files: str) -> Path:
    folder = system / "fs/cgroup"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return system


def test_cores_count_twins_once_and_a_quota_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    for cpu, twins in enumerate(("0,2", "1,3", "0,2", "1,3")):
        topology = tmp_path / f"devices/system/cpu/cpu{cpu}/topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(twins + "\n")
    assert available_cores(tmp_path) == 2
    (tmp_path / "fs/cgroup").mkdir(parents=True)
    (tmp_path / "fs/cgroup/cpu.max").write_text("50000 100000\n")
    assert available_cores(tmp_path) == 1
    (tmp_path / "fs/cgroup/cpu.max").write_text("max 100000\n")
    assert available_cores(tmp_path) == 2


def test_a_containers_memory_counts_and_copies_of_files_are_free(tmp_path: Path) -> None:
    system = container(tmp_path, memory_max=f"{256 * MB}\n", memory_current=f"{200 * MB}\n")
    container(tmp_path, memory_stat=f"anon {120 * MB}\nactive_file {30 * MB}\ninactive_file {50 * MB}\n")
    assert memory_bytes(system) == 256 * MB
    assert free_memory_bytes(system) == (256 - 200 + 80) * MB


def test_without_a_limit_the_machines_memory_counts(tmp_path: Path) -> None:
    unlimited = container(tmp_path / "unlimited", memory_max="max\n")
    assert memory_bytes(unlimited) == memory_bytes(tmp_path) >= free_memory_bytes(tmp_path) > 0


def test_a_limit_without_figures_is_the_most_that_can_be_free(tmp_path: Path) -> None:
    assert free_memory_bytes(container(tmp_path, memory_max=f"{MB}\n")) == MB
