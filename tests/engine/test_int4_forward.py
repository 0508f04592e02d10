"""The lean forward over our own kernels, against transformers' forward over the very same weights as floats."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from playground.engine.int4_forward import Int4Forward
from playground.engine.kv_cache import KVCache
from playground.engine.llama_family import Unsuitable
from playground.engine.session import forward_for
from playground.engine.transformers_forward import TransformersForward
from playground.errors import ModelUnavailable
from playground.kernels.library import Library
from tests.engine.packed_models import FAMILIES, FEW, MANY, Build, as_floats, distance, random_ids, read, step

FAMILY = pytest.mark.parametrize("family", FAMILIES)


@FAMILY
@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("tied", [True, False], ids=["tied", "own head"])
@pytest.mark.parametrize(("rows", "limit"), [(1, FEW), (12, FEW), (40, MANY)])
def test_logits_are_those_of_transformers_over_the_same_weights(
    build: Build, library: Library, family: str, bits: int, tied: bool, rows: int, limit: float
) -> None:
    loaded = build(family, bits, tie_word_embeddings=tied)
    ids = random_ids(rows)
    found = step(Int4Forward(loaded, library), (KVCache(), ids, rows))
    expected = step(TransformersForward(as_floats(loaded.model)), (KVCache(), ids, rows))
    assert found.dtype == torch.float32
    assert found.shape == expected.shape
    assert distance(found, expected) < limit


@FAMILY
def test_without_a_matrix_unit_long_prompts_are_read_as_integers(
    build: Build, library: Library, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, ids = build(family), random_ids(40)
    expected = step(TransformersForward(as_floats(loaded.model)), (KVCache(), ids, 40))
    monkeypatch.setattr(library, "has_matrix_unit", False)
    found = step(Int4Forward(loaded, library), (KVCache(), ids, 40))
    assert distance(found, expected) < FEW


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("bad", [320, -1, 1 << 40])
@pytest.mark.parametrize("rows", [1, 20])
def test_a_token_that_the_model_does_not_have_is_refused(
    build: Build, library: Library, tied: bool, bad: int, rows: int
) -> None:
    forward, cache = Int4Forward(build("llama", tie_word_embeddings=tied), library), KVCache()
    with pytest.raises(IndexError):
        step(forward, (cache, [*[3] * (rows - 1), bad], 1))
    assert cache.length == 0


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("mistral", {}),
        ("gpt2", {}),
        ("gemma2", {}),
        ("qwen3", {"head_dim": 24}),
        ("llama", {"num_key_value_heads": 1}),
        ("llama", {"intermediate_size": 112}),
        ("llama", {"hidden_act": "gelu"}),
        ("gemma3", {"use_bidirectional_attention": True}),
        ("gemma3", {"sliding_window": -5}),
        (
            "llama",
            {
                "rope_parameters": {
                    "rope_type": "linear",
                    "rope_theta": 1e4,
                    "factor": 1.0,
                    "partial_rotary_factor": 0.5,
                }
            },
        ),
    ],
)
def test_other_networks_are_run_by_transformers(
    build: Build, library: Library, family: str, changes: dict[str, object]
) -> None:
    loaded = build(family, **changes)
    with pytest.raises(Unsuitable):
        Int4Forward(loaded, library)
    assert isinstance(forward_for(loaded), TransformersForward)


def test_angles_that_depend_on_the_length_of_a_text_suit_nobody(build: Build, library: Library) -> None:
    angles = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10_000.0}
    loaded = build("llama", rope_parameters=angles)
    with pytest.raises(Unsuitable, match="length of the text"):
        Int4Forward(loaded, library)
    with pytest.raises(ModelUnavailable):
        forward_for(loaded)


@pytest.mark.parametrize(
    "angles",
    [
        {"rope_type": "linear", "factor": 4.0, "rope_theta": 10_000.0},
        {"rope_type": "yarn", "factor": 4.0, "rope_theta": 10_000.0, "original_max_position_embeddings": 64},
        {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
            "rope_theta": 500_000.0,
        },
    ],
    ids=lambda angles: angles["rope_type"],
)
def test_every_fixed_kind_of_angles_is_that_of_transformers(
    build: Build, library: Library, angles: dict[str, object]
) -> None:
    loaded, ids = build("llama", 8, rope_parameters=angles), random_ids(100)
    found = read(Int4Forward(loaded, library), KVCache(), ids)
    assert distance(found, read(TransformersForward(as_floats(loaded.model)), KVCache(), ids)) < FEW


def test_a_model_with_plain_weights_is_run_by_transformers(tiny, library: Library) -> None:
    loaded = replace(tiny.load(tiny.spec("llama", "Tiny"), lambda *_: None), library=library)
    assert isinstance(forward_for(loaded), TransformersForward)


def test_a_suitable_model_is_run_by_our_kernels(build: Build) -> None:
    assert isinstance(forward_for(build("llama")), Int4Forward)
