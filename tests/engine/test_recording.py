"""What a recording says of a run is what the model computed, and nobody notices that it is made."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from playground.engine.batch import pack
from playground.engine.int4_forward import Int4Forward
from playground.engine.kv_cache import KVCache
from playground.engine.recorder import Recorder, Scores
from playground.engine.recording import Edit
from playground.engine.transformers_forward import TransformersForward
from playground.errors import ModelUnavailable
from tests.engine.packed_models import FAMILIES, MANY, Build, as_floats, distance, random_ids
from tests.engine.recorded_models import WHOLE, eager, largest_difference, record, weights

IDS = random_ids(40)
Forwards = Callable[[str], tuple[Int4Forward, TransformersForward]]
LEAN = pytest.mark.parametrize("lean_family", FAMILIES)


@pytest.mark.parametrize("size", [WHOLE, 16, 7, 1])
def test_weights_of_a_recording_are_those_of_eager_attention(tiny, family, size):
    model = tiny.model(family)
    expected, _, logits = eager(model, IDS)
    recording = record(TransformersForward(model), IDS, size)
    assert largest_difference([weights(layer) for layer in recording.layers], expected) < 1e-5
    assert recording.deviation < 1e-5
    torch.testing.assert_close(recording.logits, logits[-1], rtol=1e-3, atol=1e-3)
    assert recording.token_ids == tuple(IDS)


def test_every_row_of_weights_sums_to_one_and_looks_only_back(tiny, family):
    for layer in record(TransformersForward(tiny.model(family)), IDS, 16).layers:
        found = weights(layer)
        torch.testing.assert_close(found.sum(-1), torch.ones(found.shape[:2]))
        assert not found.triu(1).any()


def test_windows_and_soft_caps_are_told(tiny):
    layers = record(TransformersForward(tiny.model("gemma2")), IDS).layers
    assert [layer.window for layer in layers] == [8, None, 8]
    assert {layer.softcap for layer in layers} == {50.0}
    assert {layer.causal for layer in layers} == {True}


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_queries_keys_and_values_in_half_precision_are_those_of_the_models_own_forward(tiny, half):
    model, given = tiny.model("qwen2").to(half), []

    def spy(module, query, key, value, mask, **others):
        given.append((query[0].clone(), key[0].clone(), value[0].clone()))
        return sdpa_attention_forward(module, query, key, value, mask, **others)

    AttentionInterface.register("sdpa_spy", spy)
    AttentionMaskInterface.register("sdpa_spy", sdpa_mask)
    model.set_attn_implementation("sdpa_spy")
    with torch.inference_mode():
        model(torch.tensor([IDS]), use_cache=False)
    recording = record(TransformersForward(model), IDS)
    assert len(recording.layers) == len(given) == 3
    for layer, (query, key, value) in zip(recording.layers, given, strict=True):
        own = replace(layer, query=query, key=key, value=value)
        assert layer.query.dtype == half and layer.key.device.type == "cpu"
        assert largest_difference([weights(layer)], [weights(own)]) < 1e-3
        torch.testing.assert_close(layer.value, value, rtol=1e-2, atol=1e-2)


@LEAN
@pytest.mark.parametrize("size", [WHOLE, 7, 1])
def test_the_lean_forward_records_what_it_computes(build: Build, library, lean_family, size):
    loaded = build(lean_family)
    expected, _, logits = eager(as_floats(loaded.model), IDS)
    recording = record(Int4Forward(loaded, library), IDS, size)
    assert recording.deviation < 0.01  # products of bf16 numbers
    assert largest_difference([weights(layer) for layer in recording.layers], expected) < 0.05
    assert distance(recording.logits, logits[-1]) < MANY
    assert {layer.query.dtype for layer in recording.layers} == {torch.bfloat16}


def test_the_residual_stream_is_that_of_the_last_token(tiny, family):
    model = tiny.model(family)
    _, hidden, logits = eager(model, IDS)
    recording = record(TransformersForward(model), IDS, 16)
    expected = torch.stack([level[-1] for level in hidden])
    torch.testing.assert_close(recording.hidden[:-1], expected[:-1], rtol=1e-3, atol=1e-3)
    final = model.base_model.get_submodule(FINAL_NORMS.get(family, "norm"))
    with torch.inference_mode():
        lens = model.get_output_embeddings()(final(recording.hidden[-1]))
    cap = getattr(model.config, "final_logit_softcapping", None)
    lens = torch.tanh(lens / cap) * cap if cap else lens
    torch.testing.assert_close(lens, logits[-1], rtol=1e-3, atol=1e-3)


@LEAN
def test_the_residual_stream_of_the_lean_forward(forwards: Forwards, lean_family):
    lean, plain = forwards(lean_family)
    expected = record(plain, IDS).hidden
    found = record(lean, IDS, 7).hidden
    assert found.shape == expected.shape
    for level, other in zip(found, expected, strict=True):
        assert distance(level, other) < 0.05


def logits_of(forward, watches: dict[int, Recorder]) -> torch.Tensor:
    parts = [(KVCache(), random_ids(20, seed=3), 20), (KVCache(), IDS, 40), (KVCache(), [5, 6], 2)]
    return forward.step(pack(parts, watches=watches)).clone()


def test_recording_changes_no_logits(tiny, family):
    forward = TransformersForward(tiny.model(family))
    assert torch.equal(logits_of(forward, {}), logits_of(forward, {1: Recorder(40)}))


def test_an_edit_touches_no_other_sequence_of_the_step(tiny, family):
    forward, edit = TransformersForward(tiny.model(family)), Edit(frozenset({(1, 2)}), frozenset({0, 3}))
    plain, edited = logits_of(forward, {}), logits_of(forward, {1: Recorder(40, edit)})
    torch.testing.assert_close(edited[:20], plain[:20], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(edited[60:], plain[60:], rtol=1e-4, atol=1e-4)
    assert distance(edited[20:60], plain[20:60]) > 1e-3


@LEAN
def test_recording_changes_no_logits_of_the_lean_forward_and_no_other_sequence(forwards: Forwards, lean_family):
    lean, _ = forwards(lean_family)
    plain = logits_of(lean, {})
    assert torch.equal(plain, logits_of(lean, {1: Recorder(40)}))
    edited = logits_of(lean, {1: Recorder(40, Edit(frozenset({(0, 1)})))})
    assert torch.equal(torch.cat([plain[:20], plain[60:]]), torch.cat([edited[:20], edited[60:]]))
    assert distance(edited[20:60], plain[20:60]) > 1e-3


def test_the_self_check_finds_keys_that_are_not_those_of_the_run(tiny):
    forward, recorder, cache = TransformersForward(tiny.model("llama")), Recorder(40), KVCache()
    logits = forward.step(pack([(cache, IDS, 1)], watches={0: recorder}))
    with torch.inference_mode():
        cache.blocks(2).keys[0].mul_(1.01)
    assert recorder.finish(tuple(IDS), cache, logits[0]).deviation > 1e-3


def test_numbers_that_are_none_do_not_pass_the_self_check():
    recorder, cache = Recorder(1), KVCache()
    numbers = torch.full((2, 1, 4), math.nan)
    cache.append(0, numbers, numbers)
    cache.advance(1)
    recorder.take(0, 0, numbers, numbers, Scores(0.5))
    assert recorder.finish((1,), cache, torch.zeros(3)).deviation == math.inf


def test_a_model_whose_attention_does_not_pass_by_is_refused_with_a_reason():
    with pytest.raises(ModelUnavailable, match="does not show its attention"):
        Recorder(1).finish((1,), KVCache(), torch.zeros(3))


FINAL_NORMS = {"gpt2": "ln_f", "opt": "decoder.final_layer_norm"}
