"""Recording a model whose weights bitsandbytes holds in four bits, as a GPU gets it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from playground.engine.transformers_forward import TransformersForward
from playground.models import loader, machine
from playground.models.machine import KernelSpeed
from tests.engine.recorded_models import largest_difference, record, weights
from tests.models.tiny_gguf import write_tiny_model

IDS = [1, 40, 7, 200, 77, 13, 13, 90, 150, 3, 2, 60]


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma3"])
@pytest.mark.parametrize("size", [4096, 5])
def test_weights_of_an_nf4_model_are_those_of_its_own_eager_attention(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str, size: int
) -> None:
    monkeypatch.setattr(machine, "_measure", lambda key: KernelSpeed(key, True, True, True))
    tiny = write_tiny_model(tmp_path, family)
    loaded = loader.load(tiny.spec, tiny.file, cache_dir=tmp_path, quantization="nf4")
    assert loaded.quantization == "nf4"
    loaded.model.set_attn_implementation("eager")
    with torch.inference_mode():
        output = loaded.model(torch.tensor([IDS]), use_cache=False, output_attentions=True)
    expected = [part[0].float() for part in output.attentions]
    recording = record(TransformersForward(loaded.model), IDS, size)
    assert recording.deviation < 0.02  # products of bf16 numbers
    assert largest_difference([weights(layer) for layer in recording.layers], expected) < 0.03
