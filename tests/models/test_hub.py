"""A model folder from the Hub: only what is needed, whole, taken up again, never a pickle."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import hf_hub_download

from playground.errors import ModelUnavailable
from playground.models.catalog import ModelSpec
from playground.models.hub import CONVERSION_TITLE, CONVERTER
from playground.models.weights import Progress, Sources, fetch, find_on_disk
from tests.models.hub_server import PULL_REQUEST_COMMIT, HubServer
from tests.models.wheels import CONTENT, REPO, tiny_spec


def from_hub(server: HubServer, **changes: Any) -> Sources:
    return dataclasses.replace(Sources(use_mirror=False, hub_endpoint=server.endpoint), **changes)


MODEL_FILES = {
    "config.json": b'{"model_type": "llama"}',
    "tokenizer.json": b"{}" * 100,
    "model-00001-of-00002.safetensors": CONTENT[:700_000],
    "model-00002-of-00002.safetensors": CONTENT[700_000:],
    "model.safetensors.index.json": b"{}",
    "consolidated.safetensors": CONTENT,
    "pytorch_model.bin": b"a pickle",
    "modeling_custom.py": b"code",
    "onnx/model.json": b"another layout",
}
SNAPSHOT = ModelSpec(id="acme/big", name="big", family="", kind="causal", parameters=None, hub_repo="acme/big")


def test_a_model_folder_holds_safetensors_and_texts_only(tmp_path: Path, server: HubServer) -> None:
    server.repos["acme/big"] = MODEL_FILES
    reports: list[Progress] = []
    folder = fetch(SNAPSHOT, cache_dir=tmp_path, sources=from_hub(server), progress=reports.append)
    unwanted = {"consolidated.safetensors", "pytorch_model.bin", "modeling_custom.py", "onnx/model.json"}
    wanted = {name: content for name, content in MODEL_FILES.items() if name not in unwanted}
    assert {name: (folder / name).read_bytes() for name in wanted} == wanted
    assert not any((folder / name).exists() for name in (*unwanted, "model.json"))
    done = [report.done_bytes for report in reports if report.phase == "downloading"]
    assert done == sorted(done) and done[-1] == sum(map(len, wanted.values()))
    asked = len(server.requests)
    assert fetch(SNAPSHOT, cache_dir=tmp_path, sources=from_hub(server)) == folder and len(server.requests) == asked


def test_a_model_folder_is_gone_on_with_at_the_byte_where_it_broke_off(tmp_path: Path, server: HubServer) -> None:
    server.repos["acme/big"] = MODEL_FILES
    whole = [len(content) for name, content in MODEL_FILES.items() if name.endswith(".json") and "/" not in name]
    server.cut_after_bytes = [*whole, 700_000, 100_000] + [0] * 10
    with pytest.raises(ModelUnavailable):
        fetch(SNAPSHOT, cache_dir=tmp_path, sources=from_hub(server))
    assert find_on_disk(SNAPSHOT, cache_dir=tmp_path) is None
    server.cut_after_bytes, server.requests = [], []
    fetch(SNAPSHOT, cache_dir=tmp_path, sources=from_hub(server))
    weights_asked = [request for request in server.downloads() if request.path.endswith(".safetensors")]
    assert [(request.path[-31:-12], request.range) for request in weights_asked] == [
        ("odel-00002-of-00002", "bytes=100000-")
    ]


@pytest.mark.parametrize("name", ["config.json", "model-00002-of-00002.safetensors"])
def test_a_damaged_file_of_a_model_folder_is_not_kept(tmp_path: Path, server: HubServer, name: str) -> None:
    server.repos["acme/big"] = {**MODEL_FILES, name: MODEL_FILES[name][::-1]}
    server.stated = {name: MODEL_FILES[name]}
    with pytest.raises(ModelUnavailable, match="damaged"):
        fetch(SNAPSHOT, cache_dir=tmp_path, sources=from_hub(server))
    assert not (tmp_path / "models" / SNAPSHOT.folder_name / name).exists()


@pytest.mark.parametrize("missing", ["config.json", "safetensors"])
def test_a_repo_that_cannot_be_opened_is_refused_before_the_download(
    tmp_path: Path, server: HubServer, missing: str
) -> None:
    server.repos["acme/big"] = {name: data for name, data in MODEL_FILES.items() if missing not in name}
    with pytest.raises(ModelUnavailable, match=f"without .*{missing}"):
        fetch(SNAPSHOT, cache_dir=tmp_path, sources=from_hub(server))
    assert server.downloads() == []


PICKLES = {name: data for name, data in MODEL_FILES.items() if not name.endswith((".safetensors", ".index.json"))}
OFFERED = {"model.safetensors": CONTENT, "source.spm": b"pieces"}


def test_weights_that_the_hubs_robot_has_converted_are_taken_from_its_offer(tmp_path: Path, server: HubServer) -> None:
    server.repos["acme/big"] = PICKLES
    server.offers["acme/big"] = (CONVERTER, CONVERSION_TITLE, OFFERED)
    folder = fetch(SNAPSHOT, cache_dir=tmp_path, sources=from_hub(server))
    wanted = {**OFFERED, "config.json": PICKLES["config.json"], "tokenizer.json": PICKLES["tokenizer.json"]}
    assert {name: (folder / name).read_bytes() for name in wanted} == wanted
    assert not (folder / "pytorch_model.bin").exists()
    commits = {request.path.split("/resolve/")[1][:40] for request in server.requests if "/resolve/" in request.path}
    assert commits == {PULL_REQUEST_COMMIT}, "all files are of one commit"


@pytest.mark.parametrize(("author", "title"), [("somebody", CONVERSION_TITLE), (CONVERTER, "Better weights"), ("", "")])
def test_nobody_elses_offer_is_taken(tmp_path: Path, server: HubServer, author: str, title: str) -> None:
    server.repos["acme/big"] = PICKLES
    server.offers["acme/big"] = (author, title, OFFERED)
    with pytest.raises(ModelUnavailable, match="without safetensors"):
        fetch(SNAPSHOT, cache_dir=tmp_path, sources=from_hub(server))
    assert server.downloads() == []


def test_what_another_program_has_fetched_is_not_fetched_again(
    tmp_path: Path, server: HubServer, no_client_cache: Path
) -> None:
    other = Path(hf_hub_download(REPO, "tiny.gguf", endpoint=server.endpoint, cache_dir=no_client_cache))
    server.requests.clear()
    path = fetch(tiny_spec(), cache_dir=tmp_path, sources=from_hub(server))
    assert path.read_bytes() == CONTENT and server.downloads() == []
    path.unlink()
    assert other.read_bytes() == CONTENT
