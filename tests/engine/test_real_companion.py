"""A real encoder, fetched as a user would fetch it."""

from __future__ import annotations

import copy
import os

import pytest
import torch

from playground.attention.weights import layer_rows
from playground.engine.companions import Companions
from playground.errors import ModelUnavailable
from playground.models.companion_models import COMPANIONS
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources
from playground.settings import Settings
from tests.conftest import cannot

pytestmark = pytest.mark.real
TEXT = "The animal didn't cross the street because it was too tired; naïve façades, 你好."


def test_the_real_encoder_opens_and_its_weights_are_those_of_eager_attention() -> None:
    settings = Settings.from_env(os.environ)
    sources = Sources(settings.use_hub, settings.use_mirror, settings.hub_endpoint, settings.hub_token)
    shelf = ModelShelf(settings.cache_dir, sources)
    loaded = []
    companions = Companions(lambda *given: loaded.append(shelf.load_companion(*given)) or loaded[0])
    try:
        companion = companions.open(COMPANIONS[0])
    except ModelUnavailable as error:
        cannot("real", f"the encoder cannot be had: {error}")
    tokens = companion.split(TEXT)
    assert "".join(token.text for token in tokens[1:-1]) == TEXT
    assert [tokens[0].text, tokens[-1].text] == ["[CLS]", "[SEP]"]
    recording = companion.record([token.id for token in tokens])
    assert recording.deviation < 1e-5 and len(recording.layers) == 6
    model = copy.deepcopy(loaded[0].model)
    model.set_attn_implementation("eager")
    with torch.no_grad():
        expected = model(torch.tensor([recording.token_ids]), output_attentions=True).attentions
    for layer, own in zip(recording.layers, expected, strict=True):
        torch.testing.assert_close(layer_rows(layer, range(len(tokens))), own[0], rtol=0, atol=1e-5)
    assert companion.output_projection(0).shape == (384, 384)
