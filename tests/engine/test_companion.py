"""A recording of an encoder or a translator says what the model computed, and gaps are filled by its numbers."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from playground.attention.rollout import can_roll_out, rollout
from playground.attention.weights import layer_rows
from playground.engine import companion_pass
from playground.engine.companion import Companion
from playground.engine.recording import LayerRecord, RecordingStopped
from playground.errors import InvalidInput, ModelUnavailable, PromptTooLong
from playground.models import loader
from playground.models.companion_models import LoadedCompanion
from tests.engine.companion_folders import ENCODERS, MASKED, TRANSLATORS, build_folder, load_folder

TEXT = "The cat sat on the mat; Katze saß, 北京 test of words!"
LANGUAGES = {"nllb": {"source_language": "eng_Latn", "target_language": "deu_Latn"}}
Open = Callable[[str], Companion]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], LoadedCompanion]:
    """Tiny models, built once; each in 32 bits."""
    return cache(lambda family: load_folder(build_folder(family, tmp_path_factory.mktemp("folders"))))


@pytest.fixture(scope="module")
def companion(loaded: Callable[[str], LoadedCompanion]) -> Open:
    """An opened tiny model; the same for all tests of a family."""
    return cache(lambda family: Companion(loaded(family)))


def ids_of(companion: Companion, text: str = TEXT) -> list[int]:
    return [token.id for token in companion.split(text)]


def weights(layer: LayerRecord) -> Tensor:
    return layer_rows(layer, range(layer.query.shape[1]))


def eager(loaded: LoadedCompanion, ids: list[int], **given: Any) -> Any:
    """What a copy of the model gives itself, with its own attention."""
    model = copy.deepcopy(loaded.model)
    model.set_attn_implementation("eager")
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids]), output_attentions=True, **given)


def compare(layers: tuple[LayerRecord, ...], expected: tuple[Tensor, ...]) -> None:
    for layer, own in zip(layers, expected, strict=True):
        found = weights(layer)
        torch.testing.assert_close(found.sum(-1), torch.ones(found.shape[:2]))
        torch.testing.assert_close(found, own[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", ENCODERS)
def test_weights_of_an_encoder_are_those_of_eager_attention(family, companion, loaded):
    ids = ids_of(companion(family))
    recording = companion(family).record(ids)
    compare(recording.layers, eager(loaded(family), ids).attentions)
    assert recording.token_ids == tuple(ids)
    assert recording.deviation < 1e-5
    assert not any(layer.causal for layer in recording.layers)
    assert recording.made_with() is companion(family)


@pytest.mark.parametrize("family", TRANSLATORS)
def test_weights_of_a_translator_are_those_of_eager_attention(family, companion, loaded):
    pair = companion(family).record_pair(TEXT, "Die Katze schlief gut.", **LANGUAGES.get(family, {}))
    source, target = [token.id for token in pair.source], [token.id for token in pair.target]
    expected = eager(loaded(family), source, decoder_input_ids=torch.tensor([target]), use_cache=False)
    compare(pair.encoder.layers, expected.encoder_attentions)
    compare(pair.decoder.layers, expected.decoder_attentions)
    compare(pair.cross.layers, expected.cross_attentions)
    torch.testing.assert_close(pair.decoder.logits, expected.logits[0, -1])
    assert pair.encoder.token_ids == tuple(source)
    assert pair.decoder.token_ids == pair.cross.token_ids == tuple(target)
    assert max(pair.encoder.deviation, pair.decoder.deviation, pair.cross.deviation) < 1e-5
    assert {layer.causal for layer in pair.decoder.layers} == {True}
    assert not any(layer.causal for layer in (*pair.encoder.layers, *pair.cross.layers))


def test_positions_that_are_added_to_scores_are_recorded_where_there_are_any(companion):
    pair = companion("t5").record_pair(TEXT, "Die Katze")
    assert all(layer.bias is not None for layer in (*pair.encoder.layers, *pair.decoder.layers))
    assert all(layer.bias is None for layer in pair.cross.layers)
    first, second = (layer.bias for layer in pair.encoder.layers[:2])
    assert first.data_ptr() == second.data_ptr(), "one table for all layers that share it"


def test_windows_of_local_layers_are_told(companion):
    ids = ids_of(companion("modernbert"))
    assert [layer.window for layer in companion("modernbert").record(ids).layers] == [None, 4, None]


def test_an_encoder_can_be_rolled_out(companion):
    layers = companion("minilm").record(ids_of(companion("minilm"))).layers
    assert can_roll_out(layers)
    torch.testing.assert_close(rollout(layers).sum(-1), torch.ones(layers[0].query.shape[1]))


@pytest.mark.parametrize("family", [*ENCODERS, *TRANSLATORS])
def test_heads_put_together_by_the_output_projection_are_what_the_layer_adds(family, companion, loaded):
    """W_O of the second layer, checked against the module that uses it."""
    model, added = loaded(family).model, []
    ids = ids_of(companion(family))
    layer = companion(family).record(ids).layers[1]
    heads = torch.matmul(weights(layer), layer.value).transpose(0, 1).flatten(1)
    expected = heads @ companion(family).output_projection(1).T

    def note(module: torch.nn.Module, inputs: tuple, output: Tensor) -> None:
        if inputs[0].shape[-1] == heads.shape[1] and torch.allclose(inputs[0][0], heads, atol=1e-4):
            added.append(output[0] - (0 if module.bias is None else module.bias))

    hooks = [part.register_forward_hook(note) for part in model.modules() if isinstance(part, torch.nn.Linear)]
    companion(family).record(ids)
    for hook in hooks:
        hook.remove()
    assert any(torch.allclose(output, expected, atol=1e-4) for output in added)


def test_a_layer_that_is_not_there_has_no_projection(companion):
    with pytest.raises(IndexError):
        companion("bert").output_projection(3)
    with pytest.raises(ModelUnavailable, match="a model that fills gaps; this needs a translation model"):
        companion("bert").output_projection(0, "cross")


@pytest.mark.parametrize("family", [*MASKED, "mpnet"])
def test_guesses_for_a_gap_are_the_models_own_probabilities(family, companion, loaded):
    ids = ids_of(companion(family))
    filled = companion(family).fill(ids, 3, top=10_000)
    assert sum(chance for _, chance in filled.guesses) == pytest.approx(1, abs=1e-4)
    chances = [chance for _, chance in filled.guesses]
    assert chances == sorted(chances, reverse=True)
    gap = [*ids[:3], loaded(family).tokenizer.mask_token_id, *ids[4:]]
    expected = eager(loaded(family), gap).logits[0, 3].softmax(-1)
    torch.testing.assert_close(torch.tensor(chances[:5]), expected.topk(5).values)
    assert filled.original[1] == pytest.approx(float(expected[ids[3]]), abs=1e-6)
    assert filled.rank == int((expected > expected[ids[3]]).sum()) + 1
    assert companion(family).fill(ids, 3).guesses == filled.guesses[:40]


def test_only_a_word_can_be_hidden(companion):
    ids = ids_of(companion("bert"))
    for place in (0, len(ids) - 1, len(ids), -1):
        with pytest.raises(InvalidInput, match="Only a word"):
            companion("bert").fill(ids, place)
    with pytest.raises(ModelUnavailable, match="an encoder; this needs a model that fills gaps"):
        companion("minilm").fill(ids, 1)


def test_a_text_may_hold_the_mask_token_itself(companion):
    tokens = companion("bert").split("The [MASK] sat.")
    place = next(index for index, token in enumerate(tokens) if token.text.strip() == "[MASK]")
    assert tokens[place].special
    assert len(companion("bert").fill([token.id for token in tokens], place, top=3).guesses) == 3


def test_class_logits_do_not_depend_on_who_else_is_judged(companion, loaded):
    texts = [TEXT, "", "The cat [SEP] slept", *(f"word {number} " * (number % 7) for number in range(30))]
    found = companion("distilbert").class_logits(texts)
    assert found.shape == (len(texts), 3) and companion("distilbert").labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    for row in (0, 1, 2, 20):
        alone = eager(loaded("distilbert"), ids_of(companion("distilbert"), texts[row])).logits[0]
        torch.testing.assert_close(found[row], alone, rtol=1e-4, atol=1e-4)
    assert companion("distilbert").class_logits([]).shape == (0, 3)


def test_a_model_off_the_shared_way_says_that_it_shows_nothing(companion):
    with pytest.raises(ModelUnavailable, match="does not show its attention"):
        companion("mpnet").record(ids_of(companion("mpnet")))


@pytest.mark.parametrize(
    ("ids", "error", "words"),
    [
        ([], InvalidInput, "no text"),
        ([5, 4000], InvalidInput, "not of the model"),
        ([5] * 65, PromptTooLong, "reads 64"),
    ],
)
def test_what_cannot_be_read_gets_a_sentence(companion, ids, error, words):
    with pytest.raises(error, match=words):
        companion("bert").record(ids)


def test_roberta_counts_its_positions_from_behind_the_padding(companion):
    assert companion("roberta").most_tokens == 64  # of 66 places
    companion("roberta").record([5] * 64)


def test_a_recording_stays_within_its_bytes(companion):
    ids = ids_of(companion("bert"))
    recording = companion("bert").record(ids)
    assert companion("bert").record(ids, most_bytes=recording.nbytes).nbytes == recording.nbytes
    with pytest.raises(PromptTooLong, match="there is memory to look inside"):
        companion("bert").record(ids, most_bytes=recording.nbytes - 1)


def test_a_recording_that_is_cancelled_stops(companion):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(RecordingStopped):
        companion("bert").record(ids_of(companion("bert")), cancel=cancel)
    with pytest.raises(RecordingStopped):
        companion("marian").record_pair(TEXT, cancel=cancel)


def test_several_threads_at_once_get_what_one_gets(companion):
    texts = [TEXT, "The cat sat.", "Hello world", "Die Katze schlief gut."]
    expected = [companion("bert").record(ids_of(companion("bert"), text)).layers[-1].query for text in texts]
    found: list[Any] = [None] * len(texts)

    def work(index: int) -> None:
        for _ in range(5):
            found[index] = companion("bert").record(ids_of(companion("bert"), texts[index])).layers[-1].query

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_a_closed_model_says_so(tmp_path: Path):
    companion = Companion(load_folder(build_folder("minilm", tmp_path)))
    ids = ids_of(companion)
    recording = companion.record(ids)
    companion.close()
    companion.close()
    with pytest.raises(ModelUnavailable, match="was closed to make room"):
        companion.record(ids)
    assert weights(recording.layers[0]).shape[0] == 4, "what was recorded stays"


def test_limits_that_a_folder_does_not_state_have_a_default(loaded):
    assert companion_pass.most_tokens(loaded("t5")) == 64


@pytest.mark.parametrize("family", ["bert", "modernbert", "marian", "t5", "nllb", "distilbert"])
def test_models_in_half_of_the_bits_do_all_the_same(family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loader, "EXACT_UP_TO", 0)
    loaded = load_folder(build_folder(family, tmp_path))
    assert loaded.model.dtype == torch.bfloat16
    companion, languages = Companion(loaded), LANGUAGES.get(family, {})
    recordings = [companion.record(ids_of(companion))]
    if companion.kind == "translator":
        pair = companion.record_pair("The cat sat.", **languages)
        recordings += [pair.encoder, pair.decoder, pair.cross]
        assert companion.generate("The cat sat.", max_new_tokens=5, **languages).logprob < 0
    if companion.kind == "masked":
        assert sum(chance for _, chance in companion.fill(ids_of(companion), 2, 1000).guesses) == pytest.approx(1)
    if companion.kind == "classifier":
        assert companion.class_logits([TEXT]).dtype == torch.float32
    for recording in recordings:
        assert recording.deviation < 0.05
        found = weights(recording.layers[-1])
        torch.testing.assert_close(found.sum(-1), torch.ones(found.shape[:2]))
