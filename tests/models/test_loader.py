"""Prepared models, on a machine that runs our own kernels and on one that does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from gguf import GGMLQuantizationType
from torch import nn

from playground.errors import ModelUnavailable
from playground.kernels.library import Library
from playground.models import loader, prepared
from playground.models.loader import LoadedModel
from playground.models.opening import in_transformers
from playground.models.packed_layers import PackedEmbedding, PackedLinear
from playground.models.quantization import Int4Linear, Int8Embedding, Int8Linear, bitsandbytes_config
from playground.models.scheme import choose_scheme
from tests.models.tiny_gguf import TinyModel, tiny_spec, write_tiny_model

IDS = [1, 40, 7, 200, 77, 13, 13, 90, 150, 3, 2, 60]
FAMILIES = ["llama", "qwen2", "gemma3"]
pytestmark = pytest.mark.usefixtures("kernels")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TinyModel]:
    folder = tmp_path_factory.mktemp("gguf")
    return {family: write_tiny_model(folder, family) for family in FAMILIES}


def open_tiny(tiny: TinyModel, cache_dir: Path, **choices: str) -> LoadedModel:
    return loader.load(tiny.spec, tiny.file, cache_dir=cache_dir, **choices)


def logits(loaded: LoadedModel, ids: list[int] = IDS) -> torch.Tensor:
    with torch.inference_mode():
        return in_transformers(loaded.model)(torch.tensor([ids])).logits[0].float()


def distance(found: torch.Tensor, expected: torch.Tensor) -> float:
    return ((found - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_prepared_model_computes_what_the_files_weights_mean(
    models: dict[str, TinyModel], tmp_path: Path, family: str, kernels: Library | None
) -> None:
    loaded = open_tiny(models[family], tmp_path)
    assert distance(logits(loaded), models[family].logits(IDS)) < 0.04
    layers = {PackedLinear, PackedEmbedding} if kernels else {Int4Linear, Int8Linear, Int8Embedding}
    assert {type(module) for module in loaded.model.modules()} >= layers
    assert nn.Linear not in {type(module) for module in loaded.model.modules()}
    # Two of the tiny matrices are too narrow for PyTorch's 4-bit kernel.
    assert loaded.quantization == ("int4" if kernels else "int4+int8")
    assert loaded.library is kernels


@pytest.mark.parametrize("kind", ["Q4_0", "Q4_1", "Q4_K", "Q5_0", "Q5_1", "Q5_K", "Q6_K", "Q8_0", "F16"])
def test_every_precision_of_a_file_is_kept(tmp_path: Path, kind: str, kernels: Library | None) -> None:
    tiny = write_tiny_model(tmp_path, "qwen2", kind=GGMLQuantizationType[kind])
    loaded = open_tiny(tiny, tmp_path)
    assert distance(logits(loaded), tiny.logits(IDS)) < 0.05
    if kernels:
        kept = "q8_0" if kind == "F16" else kind.lower()
        layers = [module for module in loaded.model.model.modules() if isinstance(module, PackedLinear)]
        assert {layer.kind.name for layer in layers} == {kept}


def test_an_output_layer_of_its_own_is_used(tmp_path: Path) -> None:
    tiny = write_tiny_model(tmp_path, "llama", tied=False)
    loaded = open_tiny(tiny, tmp_path)
    assert not loaded.model.config.tie_word_embeddings
    assert distance(logits(loaded), tiny.logits(IDS)) < 0.04


def test_one_table_serves_embedding_and_output_layer(models: dict[str, TinyModel], tmp_path: Path) -> None:
    model = open_tiny(models["qwen2"], tmp_path).model
    embedding, head = model.model.embed_tokens, model.lm_head
    for name, buffer in embedding.named_buffers():
        assert buffer.data_ptr() == head.get_buffer(name).data_ptr()
    assert dict(embedding.named_buffers())


@pytest.mark.parametrize("quantization", ["bf16", "int4", "int8", "nf4"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_way_of_holding_weights_gives_nearly_the_same_answer(
    models: dict[str, TinyModel], tmp_path: Path, family: str, quantization: str
) -> None:
    loaded = open_tiny(models[family], tmp_path, quantization=quantization)
    limit = {"bf16": 0.03, "int8": 0.04, "int4": 0.04, "nf4": 0.5}[quantization]
    assert distance(logits(loaded), models[family].logits(IDS)) < limit


def test_nf4_on_a_cpu_is_the_configuration_that_a_gpu_gets(models: dict[str, TinyModel], tmp_path: Path) -> None:
    loaded = open_tiny(models["llama"], tmp_path, quantization="nf4")
    weight = loaded.model.model.layers[0].mlp.gate_proj.weight
    assert loaded.quantization == "nf4"
    assert weight.quant_state.quant_type == "nf4"
    assert weight.quant_state.nested
    assert loaded.model.dtype == torch.bfloat16


def test_int8_for_a_gpu_asks_bitsandbytes_for_eight_bits() -> None:
    assert bitsandbytes_config("int8").load_in_8bit
    assert choose_scheme("int8", device="cuda", is_gguf=False, int4_is_faster=True).bitsandbytes == "int8"


def test_a_loaded_model_says_everything_that_an_engine_needs(models: dict[str, TinyModel], tmp_path: Path) -> None:
    loaded = open_tiny(models["qwen2"], tmp_path)
    assert loaded.context_length == 256
    assert loaded.eos_ids == (2, 0)
    assert loaded.device == torch.device("cpu")
    assert loaded.reason.endswith(".")
    assert loaded.weights_bytes > 0
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert in_transformers(loaded.model).config._attn_implementation == "sdpa"
    prompt = loaded.tokenizer.apply_chat_template(
        [{"role": "user", "content": "hi"}], tokenize=False, add_generation_prompt=True
    )
    assert prompt == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"


def test_the_smaller_of_two_context_lengths_counts(models: dict[str, TinyModel], tmp_path: Path) -> None:
    tiny = replace(models["llama"], spec=tiny_spec(context_length=100))
    assert open_tiny(tiny, tmp_path).context_length == 100


def test_a_base_model_has_no_chat_template(tmp_path: Path) -> None:
    assert open_tiny(write_tiny_model(tmp_path, "llama", template=None), tmp_path).tokenizer.chat_template is None


def test_a_model_is_prepared_once_and_opens_from_the_same_folder_again(
    models: dict[str, TinyModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, float | None]] = []
    tiny = models["llama"]
    first = loader.load(tiny.spec, tiny.file, cache_dir=tmp_path, progress=lambda *report: heard.append(report))
    fractions = [fraction for _, fraction in heard if fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    expected = logits(first)
    monkeypatch.setattr(prepared, "_write", None)  # whoever prepares again fails
    assert torch.equal(logits(open_tiny(tiny, tmp_path)), expected)


@pytest.mark.parametrize("damage", ["half written", "short file", "no manifest", "other file", "broken inside"])
def test_a_folder_that_is_not_whole_is_made_again(models: dict[str, TinyModel], tmp_path: Path, damage: str) -> None:
    tiny = models["llama"]
    expected = logits(open_tiny(tiny, tmp_path))
    (folder,) = (tmp_path / "prepared").iterdir()
    manifest = json.loads((folder / "manifest.json").read_text())
    if damage == "half written":
        folder.rename(folder.with_name(f".{folder.name}.0.part"))
    elif damage == "short file":
        (folder / "model-00000.safetensors").write_bytes(b"short")
    elif damage == "no manifest":
        (folder / "manifest.json").unlink()
    elif damage == "other file":
        manifest["source"]["bytes"] += 1
        (folder / "manifest.json").write_text(json.dumps(manifest))
    else:
        size = (folder / "tokenizer.json").stat().st_size
        (folder / "tokenizer.json").write_bytes(b"{" * size)
    assert torch.equal(logits(open_tiny(tiny, tmp_path)), expected)
    assert prepared.is_current(folder, tiny.file)


def test_a_disk_that_cannot_be_written_gets_a_sentence(models: dict[str, TinyModel], tmp_path: Path) -> None:
    (tmp_path / "prepared").write_text("a file where a folder should be")
    with pytest.raises(ModelUnavailable, match="cannot be stored"):
        open_tiny(models["llama"], tmp_path)


def test_a_finer_file_becomes_four_bits_when_a_person_asks_for_it(tmp_path: Path) -> None:
    tiny = write_tiny_model(tmp_path, "llama", kind=GGMLQuantizationType.Q8_0)
    loaded, finer = open_tiny(tiny, tmp_path, quantization="int4"), open_tiny(tiny, tmp_path)
    assert bits_of(loaded.model.model.layers[0].mlp.gate_proj) == 4
    assert bits_of(loaded.model.lm_head) == 8
    assert bits_of(finer.model.model.layers[0].mlp.gate_proj) == 8
    assert 0.01 < distance(logits(loaded), tiny.logits(IDS)) < 0.4


def bits_of(layer: nn.Module) -> int:
    return layer.kind.bits if isinstance(layer, PackedLinear) else {Int4Linear: 4, Int8Linear: 8}[type(layer)]


def test_the_two_sorts_of_kernels_have_folders_of_their_own(
    models: dict[str, TinyModel], tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder for one is not taken for the other's when a cache moves to another machine."""
    tiny = models["llama"]
    expected = tiny.logits(IDS)
    for found in (library, None, library):
        monkeypatch.setattr(loader, "open_library", lambda *_, found=found, **__: found)
        assert distance(logits(open_tiny(tiny, tmp_path)), expected) < 0.04
    assert len(list((tmp_path / "prepared").iterdir())) == 2
