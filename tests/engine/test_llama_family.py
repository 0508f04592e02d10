"""What the lean forward reads of a network: the angles that transformers computes, and whether it can run it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, PretrainedConfig
from transformers.models.gemma3.modeling_gemma3 import Gemma3RotaryEmbedding
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from playground.engine import llama_family
from playground.engine.batch import pack
from playground.engine.int4_forward import Int4Forward
from playground.engine.kv_cache import KVCache
from playground.engine.llama_family import FULL, Network, Unsuitable
from playground.engine.session import forward_for
from playground.engine.transformers_forward import TransformersForward
from playground.kernels.library import Library
from playground.models import loader, machine
from playground.models.machine import KernelSpeed
from tests.models.tiny_gguf import write_tiny_model

POSITIONS = 300
ANGLES = {
    "default": {"rope_type": "default", "rope_theta": 5e5},
    "linear": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0},
    "yarn": {"rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0, "original_max_position_embeddings": 64},
    "llama3": {
        "rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    },
}  # fmt: skip


def network(config: PretrainedConfig, size: int) -> Network:
    """Nothing but what the angles depend on."""
    empty = Network.__new__(Network)
    object.__setattr__(empty, "config", config)
    object.__setattr__(empty, "size", size)
    return empty


@pytest.mark.parametrize("kind", ANGLES)
def test_angles_are_those_of_transformers(kind: str) -> None:
    config = AutoConfig.for_model(
        "llama", hidden_size=256, num_attention_heads=4, max_position_embeddings=256, rope_parameters=ANGLES[kind]
    )
    expected = LlamaRotaryEmbedding(config)(torch.zeros(1), torch.arange(POSITIONS).unsqueeze(0))
    found = network(config, 64).angles(FULL, POSITIONS)
    assert all(torch.equal(mine, theirs[0, :, :32]) for mine, theirs in zip(found, expected, strict=True))


@pytest.mark.parametrize("kind", [FULL, "sliding_attention"])
def test_each_kind_of_gemmas_layers_has_angles_of_its_own(kind: str) -> None:
    rope = {FULL: {**ANGLES["linear"], "rope_theta": 1e6}, "sliding_attention": ANGLES["default"]}
    config = AutoConfig.for_model(
        "gemma3_text", hidden_size=256, num_attention_heads=4, head_dim=64, num_hidden_layers=6, rope_parameters=rope
    )
    places = torch.arange(POSITIONS).unsqueeze(0)
    expected = Gemma3RotaryEmbedding(config)(torch.zeros(1), places, layer_type=kind)
    found = network(config, 64).angles(kind, POSITIONS)
    assert all(torch.equal(mine, theirs[0, :, :32]) for mine, theirs in zip(found, expected, strict=True))


def test_heads_of_which_a_part_is_rotated_are_left_to_transformers() -> None:
    config = AutoConfig.for_model("llama", hidden_size=256, num_attention_heads=4)
    for parameters in (ANGLES["default"], ANGLES["linear"]):
        config.rope_parameters = {**parameters, "partial_rotary_factor": 0.5}
        with pytest.raises(Unsuitable, match="part of each head"):
            network(config, 64).angles(FULL, 1)


def test_a_packed_network_that_the_kernels_cannot_run_is_run_by_transformers(
    tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_measure", lambda key: KernelSpeed(key, True, True, True))
    monkeypatch.setattr(loader, "open_library", lambda *_, **__: library)
    tiny, ids = write_tiny_model(tmp_path, "qwen2"), [1, 40, 7, 200, 77, 13]
    loaded = loader.load(tiny.spec, tiny.file, cache_dir=tmp_path)
    lean = forward_for(loaded)
    assert isinstance(lean, Int4Forward)
    monkeypatch.setattr(llama_family, "SIZES", ())
    other = forward_for(loaded)
    assert isinstance(other, TransformersForward)
    expected = lean.step(pack([(KVCache(), ids, len(ids))])).clone()
    found = other.step(pack([(KVCache(), ids, len(ids))]))
    assert ((found - expected).norm() / expected.norm()).item() < 0.05
