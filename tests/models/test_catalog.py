"""The catalogue holds facts that can be checked, and finds what people type."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from playground.errors import ModelUnavailable
from playground.models.catalog import CPU_DEFAULT, GPU_DEFAULT, MODELS, SMALLEST, ModelSpec, find

embedded = pytest.mark.parametrize("spec", [spec for spec in MODELS if spec.gguf], ids=lambda spec: spec.id)
every = pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.id)


@every
def test_an_entry_is_found_by_its_id_and_by_its_repo_in_any_case(spec: ModelSpec) -> None:
    assert find(spec.id) is spec
    assert find(f"  {(spec.hub_repo or '').upper()} ") is spec
    assert find(f"https://huggingface.co/{spec.hub_repo}/") is spec


@every
def test_an_entry_says_what_a_person_wants_to_know(spec: ModelSpec) -> None:
    assert spec.name and spec.licence and spec.languages and len(spec.good_at) <= 90
    assert spec.download_bytes and spec.memory_bytes and spec.cuda_memory_bytes and spec.context_length
    assert spec.memory_bytes > spec.download_bytes


def test_ids_and_folder_names_are_unique() -> None:
    assert len({spec.id for spec in MODELS}) == len({spec.folder_name for spec in MODELS}) == len(MODELS)


@embedded
def test_an_embedded_model_has_a_fingerprint_a_size_and_two_sources(spec: ModelSpec) -> None:
    assert spec.gguf and spec.mirror and spec.hub_repo
    assert re.fullmatch(r"[0-9a-f]{64}", spec.gguf.sha256)
    assert spec.gguf.bytes == spec.download_bytes
    # Four to seven bits a parameter, and wheels that compress a little: a slip of a digit shows.
    assert 0.5 < spec.gguf.bytes / (spec.parameters or 1) < 1.05
    assert 0.9 < spec.mirror.download_bytes / spec.gguf.bytes < 1.0


@embedded
def test_mirror_packages_are_pinned_and_in_numeric_order(spec: ModelSpec) -> None:
    assert spec.mirror
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", package) for package in spec.mirror.packages)
    numbers = [int(found[1]) for package in spec.mirror.packages if (found := re.search(r"part(\d+)==", package))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_defaults_are_entries_that_fit_their_purpose() -> None:
    assert CPU_DEFAULT.gguf and SMALLEST.gguf and GPU_DEFAULT.gguf is None
    assert min(MODELS, key=lambda spec: spec.download_bytes or 0) is SMALLEST
    assert {spec.id for spec in (CPU_DEFAULT, SMALLEST, GPU_DEFAULT)} <= {spec.id for spec in MODELS if spec.chat}


def test_any_repo_of_the_hub_can_be_named() -> None:
    spec = find("https://huggingface.co/acme/Some_Model-1.5b")
    assert (spec.id, spec.hub_repo, spec.name) == ("acme/Some_Model-1.5b", "acme/Some_Model-1.5b", "Some_Model-1.5b")
    assert spec.gguf is None and spec.context_length is None
    assert find(spec.id) == spec and "/" not in spec.folder_name


def test_a_folder_with_a_configuration_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "qwen3"}')
    spec = find(str(tmp_path))
    assert (spec.folder, spec.family, spec.hub_repo) == (tmp_path, "qwen3", None)
    assert find(spec.id) == spec


def test_a_folder_wins_over_a_repo_of_that_name_unless_folders_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "acme/model"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert find("acme/model").folder == folder
    assert find("acme/model", allow_folder=False).hub_repo == "acme/model"
    with pytest.raises(ModelUnavailable) as caught:
        find(str(folder), allow_folder=False)
    assert "config.json" not in str(caught.value)


def test_a_folder_whose_configuration_is_no_json_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{not json")
    with pytest.raises(ModelUnavailable, match="cannot be read as JSON"):
        find(str(tmp_path))


@pytest.mark.parametrize(
    "typed",
    ["", " ", "gpt5", "a/b/c", "../x", "acme/..", "acme/mo del", "/no/such/folder", "a\0b", "x" * 9000, "~nobody/x"],
)
def test_what_is_no_model_is_answered_with_what_would_be_one(typed: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        find(typed)
    assert all(spec.id in str(caught.value) for spec in MODELS)
    assert len(str(caught.value)) < 600
