"""What a run changes when heads are silent or tokens hidden, against the same change made in the model itself."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.int4_forward import Int4Forward
from playground.engine.recording import Edit
from playground.engine.transformers_forward import TransformersForward
from tests.engine.packed_models import FAMILIES, FEW, Build, as_floats, distance, random_ids
from tests.engine.recorded_models import WHOLE, eager, largest_difference, record, seen, weights

IDS = random_ids(40)
SILENT = frozenset({(0, 1), (1, 0), (1, 3), (2, 2)})
HIDDEN = frozenset({0, 5, 33})
BLOCKS = {"gpt2": "transformer.h", "opt": "model.decoder.layers"}
OUTPUTS = {"gpt2": "attn.c_proj", "opt": "self_attn.out_proj"}


def without_heads(model, family: str, heads):
    """A copy whose output projections do not read the results of some heads."""
    model = copy.deepcopy(model)
    for layer, head in heads:
        block = model.get_submodule(BLOCKS.get(family, "model.layers"))[layer]
        weight = block.get_submodule(OUTPUTS.get(family, "self_attn.o_proj")).weight.data
        if family == "gpt2":  # its matrices lie the other way round
            weight = weight.T
        size = weight.shape[1] // 4
        weight[:, head * size : (head + 1) * size] = 0
    return model


@pytest.mark.parametrize("size", [WHOLE, 16, 1])
def test_a_silent_head_is_one_whose_columns_of_the_output_projection_are_zero(tiny, family, size):
    model = tiny.model(family)
    expected, _, logits = eager(without_heads(model, family, SILENT), IDS)
    recording = record(TransformersForward(model), IDS, size, Edit(SILENT))
    torch.testing.assert_close(recording.logits, logits[-1], rtol=1e-3, atol=1e-3)
    assert largest_difference([weights(layer) for layer in recording.layers], expected) < 1e-5
    assert recording.deviation < 1e-5
    assert recording.edit == Edit(SILENT)


@pytest.mark.parametrize("size", [WHOLE, 16, 1])
def test_a_hidden_token_is_one_that_the_mask_of_every_other_token_leaves_out(tiny, family, size):
    model = tiny.model(family)
    recording = record(TransformersForward(model), IDS, size, Edit(hidden_tokens=HIDDEN))
    masks = {
        "sliding_attention" if layer.window else "full_attention": torch.zeros(1, 1, 40, 40).masked_fill(
            ~seen(layer), torch.finfo(torch.float32).min
        )
        for layer in recording.layers
    }
    mask = masks if family.startswith("gemma") else next(iter(masks.values()))
    places = torch.arange(40)[None]  # OPT would count them from the mask
    expected, _, logits = eager(model, IDS, attention_mask=mask, position_ids=places)
    assert largest_difference([weights(layer) for layer in recording.layers], expected) < 1e-5
    torch.testing.assert_close(recording.logits, logits[-1], rtol=1e-3, atol=1e-3)
    assert recording.deviation < 1e-5
    assert {layer.hidden for layer in recording.layers} == {HIDDEN}


@pytest.mark.parametrize("lean_family", FAMILIES)
@pytest.mark.parametrize("edit", [Edit(SILENT), Edit(hidden_tokens=HIDDEN), Edit(SILENT, HIDDEN)])
@pytest.mark.parametrize("size", [WHOLE, 7])
def test_the_lean_forward_is_edited_like_transformers(build: Build, library, lean_family, edit, size):
    loaded = build(lean_family)
    expected = record(TransformersForward(as_floats(loaded.model)), IDS, WHOLE, edit)
    recording = record(Int4Forward(loaded, library), IDS, size, edit)
    assert distance(recording.logits, expected.logits) < FEW
    assert recording.deviation < 0.01
    assert largest_difference(*([weights(layer) for layer in run.layers] for run in (recording, expected))) < 0.05


@settings(max_examples=25, deadline=None)
@given(
    family=st.sampled_from(["llama", "gemma2", "gemma3"]),
    hidden=st.frozensets(st.integers(0, 19)),
    silent=st.frozensets(st.tuples(st.integers(0, 2), st.integers(0, 3))),
    size=st.integers(1, 20),
)
def test_any_edit_in_any_pieces_is_that_edit_in_one_piece_and_never_without_a_number(
    tiny, family, hidden, silent, size
):
    forward, edit = TransformersForward(tiny.model(family)), Edit(silent, hidden)
    whole, pieces = (record(forward, IDS[:20], part, edit) for part in (WHOLE, size))
    assert torch.isfinite(whole.logits).all() and torch.isfinite(whole.hidden).all()
    torch.testing.assert_close(pieces.logits, whole.logits, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(pieces.hidden, whole.hidden, rtol=1e-3, atol=1e-3)
    assert max(whole.deviation, pieces.deviation) < 1e-5


def test_with_all_heads_silent_only_the_other_half_of_the_layers_is_left(tiny):
    forward = TransformersForward(tiny.model("llama"))
    everything = Edit(frozenset((layer, head) for layer in range(3) for head in range(4)))
    one, other = (record(forward, [*start, 9], WHOLE, everything) for start in (IDS[:5], IDS[20:30]))
    torch.testing.assert_close(one.logits, other.logits, rtol=1e-4, atol=1e-4)  # what came before does not matter


def test_an_edit_without_a_change_says_so():
    assert not Edit()
    assert Edit(SILENT) and Edit(hidden_tokens=HIDDEN)
