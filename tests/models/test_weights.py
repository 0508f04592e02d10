"""Weights arrive whole or not at all, from whichever source works, through the real clients of both."""

from __future__ import annotations

import dataclasses
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from playground.errors import ModelUnavailable
from playground.models import disk
from playground.models.catalog import ModelSpec
from playground.models.weights import Cancelled, Progress, Sources, fetch, find_on_disk
from tests.models.hub_server import HubServer
from tests.models.wheels import CONTENT, REPO, tiny_spec

HUB_ONLY = Sources(use_mirror=False)


def from_hub(server: HubServer, **changes: Any) -> Sources:
    return dataclasses.replace(Sources(use_mirror=False, hub_endpoint=server.endpoint), **changes)


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.suffix in (".part", ".joining", ".whl"))


def test_a_file_comes_from_the_hub_whole_and_is_not_asked_for_again(tmp_path: Path, server: HubServer) -> None:
    path = fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server))
    assert path.read_bytes() == CONTENT
    asked = len(server.requests)
    assert fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server)) == path
    assert len(server.requests) == asked
    assert leftovers(tmp_path) == []


def test_progress_only_grows_within_a_phase_and_ends_at_the_total(tmp_path: Path, server: HubServer) -> None:
    reports: list[Progress] = []
    fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server), progress=reports.append)
    for phase in ("downloading", "checking"):
        done = [report.done_bytes for report in reports if report.phase == phase]
        assert done == sorted(done) and done[-1] == len(CONTENT)
    assert {report.total_bytes for report in reports} == {len(CONTENT)}


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_cut_connection_is_taken_up_again(tmp_path: Path, server: HubServer, knows_ranges: bool) -> None:
    server.cut_after_bytes, server.knows_ranges = [300_000, 600_000], knows_ranges
    assert fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server)).read_bytes() == CONTENT
    ranges = [request.range for request in server.downloads()]
    assert len(ranges) == 3 and ranges[0] is None and ranges[1] == "bytes=300000-"


def test_a_connection_that_keeps_breaking_is_given_up_and_gone_on_with_next_time(
    tmp_path: Path, server: HubServer
) -> None:
    server.cut_after_bytes = [400_000] + [0] * 10
    with pytest.raises(ModelUnavailable, match="could not be reached"):
        fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server))
    server.cut_after_bytes.clear()
    fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server))
    assert server.downloads()[-1].range == "bytes=400000-"


def test_cancel_keeps_what_has_arrived(tmp_path: Path, server: HubServer) -> None:
    part = tmp_path / "models/tiny/tiny.gguf.part"
    with pytest.raises(Cancelled):
        fetch(
            tiny_spec(), cache_dir=tmp_path, sources=from_hub(server),
            cancelled=lambda: part.exists() and part.stat().st_size > 0,
        )  # fmt: skip
    arrived_bytes = part.stat().st_size
    assert 0 < arrived_bytes < len(CONTENT)
    assert leftovers(tmp_path) == ["tiny.gguf.part"]
    assert find_on_disk(tiny_spec(), cache_dir=tmp_path) is None
    fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server))
    assert server.downloads()[-1].range == f"bytes={arrived_bytes}-"


def test_a_token_goes_to_the_hub_and_to_no_other_host(tmp_path: Path, server: HubServer) -> None:
    server.gated, server.valid_token = True, "hf_right"
    fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server, hub_token="hf_right"))
    assert {request.token for request in server.requests if "/resolve/" in request.path} == {"hf_right"}
    assert {request.token for request in server.downloads()} == {None}


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"gated": True}, "accepted its terms.*HF_TOKEN"),
        ({"repos": {}}, "no public model “acme/tiny-GGUF”.*Check the name"),
        ({"repos": {REPO: {}}}, "does not have that file"),
        ({"stated": {"tiny.gguf": CONTENT + b"!"}}, "another file under that name"),
        ({"repos": {REPO: {"tiny.gguf": CONTENT[::-1]}}, "stated": {"tiny.gguf": CONTENT}}, "a damaged file"),
        ({"repos": {REPO: {"tiny.gguf": CONTENT[:-9]}}, "stated": {"tiny.gguf": CONTENT}}, "less than the whole file"),
        ({"status": 503}, "problem of its own"),
        ({"status": 403}, "refused the access token"),
        ({"status": 200}, "not come from a Hub"),
    ],
)
def test_each_fault_of_the_hub_has_its_sentence_and_leaves_no_model(
    tmp_path: Path, server: HubServer, fault: dict[str, object], sentence: str
) -> None:
    for name, value in fault.items():
        setattr(server, name, value)
    with pytest.raises(ModelUnavailable, match=sentence) as caught:
        fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server))
    assert "PLAYGROUND_MODEL" in str(caught.value) and "PLAYGROUND_MIRROR=on" in str(caught.value)
    assert not (tmp_path / "models/tiny/tiny.gguf").exists()


def test_no_source_reachable_names_what_was_tried_and_what_to_do(tmp_path: Path, mirror) -> None:
    broken = ModelSpec(**{**vars(tiny_spec(mirror)), "mirror": type(mirror)(("absent==1.0",), "*/data/*", 10)})
    with pytest.raises(ModelUnavailable) as caught:
        fetch(broken, cache_dir=tmp_path, sources=Sources(hub_endpoint="http://127.0.0.1:9"))
    sentence = str(caught.value)
    assert "the Hugging Face Hub could not be reached" in sentence
    assert "the package mirror does not offer the package absent" in sentence
    assert "Connect this machine" in sentence and "pip config list" in sentence


def test_both_sources_off_touches_no_network_and_says_how_to_switch_them_on(tmp_path: Path, server: HubServer) -> None:
    sources = Sources(use_hub=False, use_mirror=False, hub_endpoint=server.endpoint)
    with pytest.raises(ModelUnavailable, match=r"PLAYGROUND_HUB=on.*PLAYGROUND_MIRROR=on"):
        fetch(tiny_spec(), cache_dir=tmp_path, sources=sources)
    assert server.requests == []


def test_a_file_that_was_changed_on_the_disk_is_noticed_and_fetched_again(tmp_path: Path, server: HubServer) -> None:
    path = fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server))
    path.write_bytes(CONTENT[:-5])
    assert find_on_disk(tiny_spec(), cache_dir=tmp_path) is None
    assert fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server)).read_bytes() == CONTENT


def test_a_file_that_the_user_copied_there_is_checked_once_and_taken(tmp_path: Path) -> None:
    path = tmp_path / "models/tiny/tiny.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    nothing = Sources(use_hub=False, use_mirror=False)
    assert fetch(tiny_spec(), cache_dir=tmp_path, sources=nothing) == path
    assert find_on_disk(tiny_spec(), cache_dir=tmp_path) == path


def test_too_little_room_is_said_before_anything_is_fetched(
    tmp_path: Path, server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "free_bytes", lambda folder: 50_000_000)
    with pytest.raises(ModelUnavailable, match=r"needs 101 MB .* has 50 MB.*PLAYGROUND_CACHE_DIR"):
        fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server))
    assert server.downloads() == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_midway_leaves_nothing_under_the_final_name(tmp_path: Path, server: HubServer) -> None:
    part = tmp_path / "models/tiny/tiny.gguf.part"
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    with pytest.raises(ModelUnavailable, match=r"disk of .* is full"):
        fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server))
    assert not (tmp_path / "models/tiny/tiny.gguf").exists()


def test_a_cache_folder_that_cannot_be_written_gets_a_sentence(tmp_path: Path, server: HubServer) -> None:
    (tmp_path / "models").write_text("a file in the way")
    with pytest.raises(ModelUnavailable, match="PLAYGROUND_CACHE_DIR"):
        fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server))


def test_two_threads_fetch_once(tmp_path: Path, server: HubServer) -> None:
    paths: list[Path] = []
    threads = [
        threading.Thread(target=lambda: paths.append(fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server))))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 2 and paths[0].read_bytes() == CONTENT
    assert len(server.downloads()) == 1


def test_a_folder_of_the_user_is_returned_as_it_is(tmp_path: Path) -> None:
    own = ModelSpec(id="own", name="own", family="", kind="causal", parameters=None, hub_repo=None, folder=tmp_path)
    assert fetch(own, cache_dir=tmp_path / "unused", sources=HUB_ONLY) == tmp_path
    assert not (tmp_path / "unused").exists()
    shutil.rmtree(tmp_path)
