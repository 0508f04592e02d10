"""Opening folders of safetensors, and what a person is told when that fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from playground.errors import InvalidInput, ModelUnavailable
from playground.kernels.library import Library
from playground.models import loader, machine
from playground.models.loader import LoadedModel, free
from playground.models.machine import NEVER, KernelSpeed, kernel_speed
from playground.models.opening import open_tokenizer
from playground.models.packed_layers import PackedLinear
from playground.models.prepared import prepare
from playground.models.quantization import INT4_UNPACK_FROM_ROWS, Int4Linear, Int8Linear, quantize_model
from playground.models.scheme import QUANTIZATIONS, choose_scheme
from tests.models.tiny_gguf import GEMMA_SHAPE, SHAPE, TinyModel, tiny_spec, write_tiny_model

IDS = [1, 40, 7, 200, 77, 13, 13, 90]
pytestmark = pytest.mark.usefixtures("kernels")


@pytest.fixture
def snapshot(tmp_path: Path) -> tuple[Path, TinyModel]:
    """A folder as it comes from the Hub: transformers' own files."""
    tiny = write_tiny_model(tmp_path, "qwen2")
    folder = tmp_path / "snapshot"
    tiny.reference.save_pretrained(folder)
    prepared = prepare(tiny.file, "tiny", scheme="bf16", cache_dir=tmp_path, report=lambda *_: None)
    open_tokenizer(prepared).save_pretrained(folder)
    return folder, tiny


def open_folder(folder: Path, cache_dir: Path, quantization: str = "auto") -> LoadedModel:
    return loader.load(tiny_spec(), folder, cache_dir=cache_dir, quantization=quantization)


def logits(model: nn.Module) -> torch.Tensor:
    with torch.inference_mode():
        return model(torch.tensor([IDS])).logits[0].float()


@pytest.mark.parametrize(
    ("quantization", "held", "limit"),
    [("auto", "int4", 0.3), ("int8", "int8", 0.05), ("bf16", "bf16", 0.03), ("nf4", "nf4", 0.5)],
)
def test_a_folder_opens_in_every_precision(
    snapshot: tuple[Path, TinyModel],
    tmp_path: Path,
    quantization: str,
    held: str,
    limit: float,
    kernels: Library | None,
) -> None:
    folder, tiny = snapshot
    loaded = open_folder(folder, tmp_path, quantization)
    expected = tiny.logits(IDS)
    # Two of the tiny matrices are too narrow for PyTorch's 4-bit kernel.
    assert loaded.quantization == ("int4+int8" if held == "int4" and kernels is None else held)
    assert ((logits(loaded.model) - expected).norm() / expected.norm()).item() < limit
    assert loaded.eos_ids == (2, 0)
    assert loaded.tokenizer.decode(loaded.tokenizer.encode("the 12 你")) == "the 12 你"


def test_a_scaled_embedding_keeps_its_scale_when_it_becomes_eight_bits(kernels: Library | None) -> None:
    config = AutoConfig.for_model("gemma3_text", **SHAPE | GEMMA_SHAPE, initializer_range=0.2)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()
    expected = logits(model)
    quantize_model(model, bits=8, library=kernels)
    assert ((logits(model) - expected).norm() / expected.norm()).item() < 0.06
    assert isinstance(model.lm_head, PackedLinear if kernels else Int8Linear)
    table = "numbers" if kernels else "weight"
    assert model.lm_head.get_buffer(table) is model.model.embed_tokens.get_buffer(table)


def test_a_freed_model_holds_no_weights(snapshot: tuple[Path, TinyModel], tmp_path: Path) -> None:
    loaded = open_folder(snapshot[0], tmp_path)
    free(loaded)
    assert not list(loaded.model.parameters())
    assert not list(loaded.model.buffers())


def test_a_folder_that_is_no_model_gets_a_sentence_saying_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"no config\.json"):
        open_folder(tmp_path, tmp_path)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelUnavailable, match=r"no \.safetensors file"):
        open_folder(tmp_path, tmp_path)


@pytest.mark.parametrize("model_type", ["from-the-future", "t5", None])
def test_a_network_that_cannot_chat_gets_a_sentence(
    snapshot: tuple[Path, TinyModel], tmp_path: Path, model_type: str | None
) -> None:
    (snapshot[0] / "config.json").write_text(json.dumps({"model_type": model_type} if model_type else {"a": 1}))
    with pytest.raises(ModelUnavailable, match="of a kind that cannot chat here"):
        open_folder(snapshot[0], tmp_path)


@pytest.mark.parametrize("size", [0, 4, 1000, -100])
def test_a_truncated_weights_file_gets_a_sentence(snapshot: tuple[Path, TinyModel], tmp_path: Path, size: int) -> None:
    file = snapshot[0] / "model.safetensors"
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(ModelUnavailable, match="damaged or incomplete"):
        open_folder(snapshot[0], tmp_path)


def test_a_broken_config_gets_a_sentence(snapshot: tuple[Path, TinyModel], tmp_path: Path) -> None:
    (snapshot[0] / "config.json").write_text("{ not json")
    with pytest.raises(ModelUnavailable, match="cannot be opened"):
        open_folder(snapshot[0], tmp_path)


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_too_little_memory_gets_a_sentence(
    snapshot: tuple[Path, TinyModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(loader.AutoModelForCausalLM, "from_pretrained", fail)
    with pytest.raises(ModelUnavailable, match="not enough free memory for Tiny"):
        open_folder(snapshot[0], tmp_path)


def test_code_in_a_folder_is_never_run(snapshot: tuple[Path, TinyModel], tmp_path: Path) -> None:
    folder, witness = snapshot[0], tmp_path / "ran"
    (folder / "evil.py").write_text(f"open({str(witness)!r}, 'w')\nclass Config: pass\nclass Model: pass\n")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailable):
        open_folder(folder, tmp_path)
    assert not witness.exists()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("is_gguf", [True, False])
def test_every_choice_gives_one_sentence_and_the_gpu_never_gets_the_cpus_layout(device: str, is_gguf: bool) -> None:
    for wanted in QUANTIZATIONS:
        choice = choose_scheme(wanted, device=device, is_gguf=is_gguf, int4_is_faster=True)
        assert choice.reason.endswith(".")
        assert device == "cpu" or choice.scheme == "bf16"
    assert choose_scheme("auto", device="cuda", is_gguf=is_gguf, int4_is_faster=True).bitsandbytes == "nf4"
    with pytest.raises(InvalidInput, match="choose one of auto"):
        choose_scheme("int3", device=device, is_gguf=is_gguf, int4_is_faster=True)


def test_a_cpu_on_which_the_kernel_is_slower_gets_bf16(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernels: Library | None
) -> None:
    monkeypatch.setattr(machine, "_measure", lambda key: KernelSpeed(key, False, True, True))
    tiny = write_tiny_model(tmp_path, "llama")
    loaded = loader.load(tiny.spec, tiny.file, cache_dir=tmp_path)
    if kernels:  # what PyTorch's kernel needs is of no interest where ours run
        assert loaded.quantization == "int4"
        assert loaded.reason.startswith("No GPU")
        return
    assert loaded.quantization == "bf16"
    assert loaded.reason.startswith("16 bits, because")


def test_the_machine_is_measured_once_and_again_when_anything_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[str] = []
    monkeypatch.setattr(machine, "_measure", lambda key: measured.append(key) or KernelSpeed(key, True, False, False))
    first = kernel_speed(tmp_path)
    assert kernel_speed(tmp_path) == first
    assert len(measured) == 1
    (tmp_path / machine.FILE).write_text("not json")
    kernel_speed(tmp_path)
    monkeypatch.setattr(machine, "_cpu_name", lambda: "another processor")
    kernel_speed(tmp_path)
    assert len(measured) == 3


def test_layers_follow_what_was_measured() -> None:
    try:
        machine.apply(KernelSpeed("", True, False, False))
        assert (Int4Linear.bf16_from_rows, Int8Linear.bf16_from_rows) == (NEVER, NEVER)
    finally:
        machine.apply(KernelSpeed("", True, True, True))
    assert Int4Linear.bf16_from_rows == INT4_UNPACK_FROM_ROWS
