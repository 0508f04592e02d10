"""What a layer was given becomes a record that says the same, or is refused by name."""

from __future__ import annotations

import pytest
import torch

from playground.attention.weights import layer_rows
from playground.engine.companion_attention import PassRecorder, attend, recorded_by
from playground.errors import ModelUnavailable


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"softmax_aux": torch.zeros(4)}, "softmax_aux"),
        ({"mask": torch.ones(1, 1, 6, 6).bool().index_fill(3, torch.tensor([2]), False)}, "an unusual mask"),
        ({"mask": torch.tensor([True, False])[None, :, None, None].expand(1, 2, 6, 6)}, "each head"),
    ],
)  # fmt: skip
def test_a_kind_of_attention_that_cannot_be_told_is_refused_with_its_name(given, words):
    query = torch.randn(1, 2, 6, 4)
    mask = given.pop("mask", None)
    with recorded_by(PassRecorder()), pytest.raises(ModelUnavailable, match=words):
        attend(torch.nn.Module(), query, query, query, mask, is_causal=False, **given)


@pytest.mark.parametrize("additive", [False, True])
@pytest.mark.parametrize(("causal", "window"), [(False, None), (True, None), (True, 3), (False, 2)])
def test_masks_are_told_as_what_they_let_through(additive, causal, window):
    distance = torch.arange(7)[:, None] - torch.arange(7)
    seen = distance >= 0 if causal else torch.ones_like(distance, dtype=torch.bool)
    if window is not None:
        seen = seen & (distance < window if causal else distance.abs() <= window)
    mask = seen[None, None]
    if additive:
        mask = torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(torch.float32).min)
    recorder, query = PassRecorder(), torch.randn(1, 2, 7, 4)
    with recorded_by(recorder):
        output, _ = attend(torch.nn.Module(), query, query, query, mask, is_causal=False)
    recording = recorder.finish("encoder", (), torch.empty(0), None)
    layer = recording.layers[0]
    assert (layer.causal, layer.window) == (causal, window)
    assert recording.deviation < 1e-5
    torch.testing.assert_close(torch.matmul(layer_rows(layer, range(7)), layer.value), output[0].transpose(0, 1))


def test_the_self_check_notices_what_is_not_softmax_of_the_record():
    recorder, query = PassRecorder(), torch.randn(1, 2, 7, 4)
    wrong = torch.randn(1, 7, 2, 4)
    recorder.take(
        torch.nn.Module(), query, query, query, None, wrong, scaling=0.5, causal=False, position_bias=None
    )  # fmt: skip
    assert recorder.finish("encoder", (), torch.empty(0), None).deviation > 0.1
