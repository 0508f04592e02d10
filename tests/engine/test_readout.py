"""What the network itself gives to views of a recording: logits of the residual stream, and what each head adds."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from playground.attention.steps import head_outputs, projected
from playground.engine import readout
from playground.engine.engine import Engine
from playground.engine.session import open_session
from playground.engine.transformers_forward import decoder_layers
from playground.errors import ModelUnavailable
from playground.models.loader import LoadedModel
from playground.models.packed_layers import PackedLinear
from playground.models.quantization import Int4Linear, Int8Linear, quantize_linear
from tests.engine.packed_models import FAMILIES, Build, distance, random_ids

IDS = random_ids(40)
HEADS = 4
LEAN = pytest.mark.parametrize("lean_family", FAMILIES)


@contextmanager
def engine_over(loaded: LoadedModel) -> Generator[Engine]:
    engine = Engine(lambda spec, report: loaded, chunk_tokens=16)
    engine.open(loaded.spec)
    engine.run(lambda _: None)
    yield engine
    engine.close()


@pytest.fixture
def opened(tiny) -> Callable[..., LoadedModel]:
    """Makes a tiny loaded model of a family, in float32."""
    return lambda family: tiny.load(tiny.spec(family, "Tiny"), lambda *_: None)


def attention_outputs(engine: Engine) -> list[tuple[Tensor, Tensor | None]]:
    """For each layer what its output projection made of the last token of IDS, and its bias."""

    def watch(loaded: LoadedModel) -> list[nn.Module]:
        parts = [readout._output_layer(loaded.model, block) for block in decoder_layers(loaded.model)]
        for part in parts:
            part.register_forward_hook(lambda module, _, output: found.append((output[0, -1].clone(), module.bias)))
        return parts

    found: list[tuple[Tensor, Tensor | None]] = []
    assert len(engine.run(watch)) == 3
    engine.record(IDS)
    return found[-3:]


def test_the_last_row_of_the_residual_stream_reads_out_as_the_logits_of_the_run(opened, family):
    with engine_over(opened(family)) as engine:
        recording = engine.record(IDS)
        logits = engine.read_out(recording.hidden, of=recording)
    assert logits.shape == (4, 320) and logits.dtype == torch.float32
    torch.testing.assert_close(logits[-1], recording.logits, rtol=1e-4, atol=1e-4)
    assert distance(logits[0], recording.logits) > 0.1


def test_each_row_reads_out_on_its_own(opened, family):
    with engine_over(opened(family)) as engine:
        recording = engine.record(IDS)
        together = engine.read_out(recording.hidden)
        alone = torch.cat([engine.read_out(row.unsqueeze(0)) for row in recording.hidden])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


@LEAN
def test_the_lean_forward_reads_out_bit_for_bit_what_its_run_gave(build: Build, lean_family):
    with engine_over(build(lean_family)) as engine:
        assert engine.state.fast_path
        recording = engine.record(IDS)
        logits = engine.read_out(recording.hidden, of=recording)
        again = engine.read_out(recording.hidden[:1])
    assert torch.equal(logits[-1], recording.logits)
    assert torch.equal(logits[0], again[0])


def test_reading_out_leaves_no_trace_in_the_model(opened, family):
    with engine_over(opened(family)) as engine:
        before = engine.record(IDS)
        engine.read_out(torch.randn(5, 64))
        assert torch.equal(engine.record(IDS).logits, before.logits)


def test_what_the_heads_add_is_together_what_the_models_own_attention_adds(opened, family):
    with engine_over(opened(family)) as engine:
        recording = engine.record(IDS)
        projections = [engine.output_projection(layer, of=recording) for layer in range(3)]
        expected = attention_outputs(engine)
    for layer, projection, (output, bias) in zip(recording.layers, projections, expected, strict=True):
        parts = projection.T.unflatten(0, (HEADS, -1))
        added = projected(head_outputs(layer, len(IDS) - 1), lambda head, own=parts: own[head])
        total = added.sum(0) if bias is None else added.sum(0) + bias
        torch.testing.assert_close(total, output, rtol=1e-4, atol=1e-4)


@LEAN
def test_packed_projections_are_those_of_the_kernels(build: Build, lean_family):
    loaded = build(lean_family)
    with engine_over(loaded) as engine:
        for layer, block in enumerate(decoder_layers(loaded.model)):
            linear = block.get_submodule("self_attn.o_proj")
            assert isinstance(linear, PackedLinear)
            inputs = torch.randn(20, linear.in_features)
            expected = linear(inputs) - (0 if linear.bias is None else linear.bias)
            projection = engine.output_projection(layer)
            assert projection.dtype == torch.float32
            assert distance(inputs @ projection.T, expected) < 0.01  # inputs are rounded by the kernels


@pytest.mark.parametrize("bits", [4, 8])
def test_weights_in_a_layout_of_their_own_are_told_from_what_they_do(bits: Literal[4, 8]):
    linear = nn.Linear(64, 128)
    held = quantize_linear(linear, bits=bits)
    assert isinstance(held, Int4Linear | Int8Linear)
    found = readout._weights_of(held, torch.device("cpu"))
    assert found.shape == (128, 64) and distance(found, linear.weight.detach()) < (0.15 if bits == 4 else 0.02)


def test_a_model_that_was_switched_is_refused(engine, tiny):
    recording = engine.record(IDS)
    asks = (
        partial(engine.read_out, recording.hidden, of=recording),
        partial(engine.output_projection, 0, of=recording),
        partial(engine.token_texts, [1], of=recording),
    )
    for ask in asks:
        ask()
    engine.open(tiny.spec("llama", "Tiny Llama"))  # even the same one again: its weights may be held in another way
    engine.run(lambda loaded: None)
    for ask in asks:
        with pytest.raises(ModelUnavailable, match="not open any more"):
            ask()
    assert engine.read_out(recording.hidden).shape == (4, 320)


def test_a_model_that_is_switched_while_the_question_waits_is_refused(engine, tiny, monkeypatch):
    recording = engine.record(IDS)
    call = engine._worker.call

    def call_late(function):
        engine.open(tiny.spec("qwen2", "Tiny Qwen"))
        return call(function)

    monkeypatch.setattr(engine._worker, "call", call_late)
    with pytest.raises(ModelUnavailable, match="not open any more"):
        engine.output_projection(0, of=recording)


def test_a_recording_that_nobody_knows_the_model_of_is_refused(engine):
    recording = replace(engine.record(IDS), made_with=None)
    with pytest.raises(ModelUnavailable, match="not open any more"):
        engine.read_out(recording.hidden, of=recording)


def test_a_recording_keeps_no_model_in_memory(engine, tiny):
    recording = engine.record(IDS)
    assert recording.made_with() is not None
    engine.open(tiny.spec("qwen2", "Tiny Qwen"))
    engine.run(lambda loaded: None)
    assert recording.made_with() is None


def test_a_layer_that_is_not_there_is_refused(engine):
    for layer in (-1, 3):
        with pytest.raises(IndexError):
            engine.output_projection(layer)


def test_parts_that_cannot_be_found_are_said(tiny):
    session = open_session(tiny.load(tiny.spec("llama", "Tiny"), lambda *_: None))
    for block in session.loaded.model.model.layers:
        block.self_attn.mixer = block.self_attn.o_proj
        del block.self_attn.o_proj
    with pytest.raises(ModelUnavailable, match="cannot be told what each head adds"):
        readout.output_projection(session, 0)
    deaf = SimpleNamespace(step=lambda batch: torch.zeros(len(batch.token_ids), 320))
    with pytest.raises(ModelUnavailable, match="cannot be read layer by layer"):
        readout.read_out(replace(session, forward=deaf), torch.zeros(2, 64))


def test_what_is_read_out_may_be_changed(engine):
    for given in (engine.read_out(torch.randn(2, 64)), engine.output_projection(1)):
        assert not given.is_inference()
        given.mul_(2.0)
    assert torch.equal(engine.output_projection(1) * 2, given)
