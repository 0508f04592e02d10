"""Translators write what their own `generate` writes, say how sure they were, and stop when asked."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import pytest
import torch

from playground.engine.companion import Companion
from playground.engine.recording import RecordingStopped
from playground.errors import InvalidInput, ModelUnavailable, PromptTooLong
from playground.models.catalog import ModelSpec
from playground.models.companion_models import LoadedCompanion
from tests.engine.companion_folders import TRANSLATORS, build_folder, load_folder

TEXTS = ["The cat sat on the mat.", "Hello world", "Die Katze schlief gut; this is a small test."]
LANGUAGES = {"nllb": {"source_language": "eng_Latn", "target_language": "deu_Latn"}}
Open = Callable[[str], Companion]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ModelSpec]:
    return cache(lambda family: build_folder(family, tmp_path_factory.mktemp("folders")))


@pytest.fixture(scope="module")
def loaded(folder: Callable[[str], ModelSpec]) -> Callable[[str], LoadedCompanion]:
    """The same models once more, as transformers runs them."""
    return cache(lambda family: load_folder(folder(family)))


@pytest.fixture(scope="module")
def companion(folder: Callable[[str], ModelSpec]) -> Open:
    return cache(lambda family: Companion(load_folder(folder(family))))


@pytest.mark.parametrize("family", TRANSLATORS)
@pytest.mark.parametrize("beams", [1, 3])
def test_a_translation_is_what_generate_gives(family, beams, companion, loaded):
    own = loaded(family)
    languages = LANGUAGES.get(family, {})
    first = {"forced_bos_token_id": own.tokenizer.convert_tokens_to_ids("deu_Latn")} if languages else {}
    for text in TEXTS:
        found = companion(family).generate(text, max_new_tokens=12, beams=beams, **languages)
        inputs = own.tokenizer(text, return_tensors="pt")
        expected = own.model.generate(**inputs, num_beams=beams, do_sample=False, max_new_tokens=12, **first)[0]
        assert found.text == own.tokenizer.decode(expected, skip_special_tokens=True).strip()
        assert own.tokenizer.eos_token_id not in found.token_ids
        assert found.complete == (own.tokenizer.eos_token_id in expected[1:].tolist())
        assert found.logprob < 0


@pytest.mark.parametrize("family", TRANSLATORS)
def test_texts_of_a_batch_get_what_each_gets_alone(family, companion):
    languages = LANGUAGES.get(family, {})
    many = [*TEXTS, *(f"cat {'sat ' * (number % 5)}" for number in range(20))]
    found = companion(family).generate_batch(many, max_new_tokens=8, **languages)
    for row in (0, 1, 2, 7):
        alone = companion(family).generate(many[row], max_new_tokens=8, **languages)
        assert found[row].token_ids == alone.token_ids
        assert found[row].logprob == pytest.approx(alone.logprob, abs=1e-4)
    assert companion(family).generate_batch([]) == []


def test_the_probability_is_that_of_the_written_tokens(companion, loaded):
    own = loaded("marian")
    found = companion("marian").generate(TEXTS[0], max_new_tokens=6)
    start = own.model.config.decoder_start_token_id
    inputs = own.tokenizer(TEXTS[0], return_tensors="pt")
    with torch.no_grad():
        logits = own.model(**inputs, decoder_input_ids=torch.tensor([[start, *found.token_ids]])).logits[0]
    chances = logits.softmax(-1)
    expected = sum(math.log(chances[row, id_]) for row, id_ in enumerate(found.token_ids)) / len(found.token_ids)
    assert not found.complete and found.logprob == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("family", TRANSLATORS)
def test_the_text_grows_while_it_is_written(family, companion):
    said: list[str] = []
    found = companion(family).generate(TEXTS[0], max_new_tokens=9, on_text=said.append, **LANGUAGES.get(family, {}))
    assert said[-1] == found.text
    assert all(len(one) < len(other) for one, other in pairwise(said))


def test_a_translation_stops_within_a_token_when_asked(companion):
    cancel, said = threading.Event(), []

    def say(text: str) -> None:
        said.append(text)
        cancel.set()

    with pytest.raises(RecordingStopped):
        companion("marian").generate(TEXTS[0], max_new_tokens=50, on_text=say, cancel=cancel)
    assert len(said) <= 2
    with pytest.raises(RecordingStopped):
        companion("marian").generate_batch(TEXTS, cancel=cancel)


def test_what_cannot_be_translated_gets_a_sentence(companion):
    with pytest.raises(InvalidInput, match="no text to translate"):
        companion("marian").generate(" \n ")
    with pytest.raises(PromptTooLong, match="this model reads 64"):
        companion("marian").generate("word " * 100)
    with pytest.raises(InvalidInput, match="in several languages"):
        companion("nllb").generate("cat")
    with pytest.raises(InvalidInput, match="does not know the language “elvish”"):
        companion("nllb").generate("cat", target_language="elvish")
    with pytest.raises(ModelUnavailable, match="a classifier; this needs a translation model"):
        companion("distilbert").generate("cat")


@pytest.mark.parametrize("family", TRANSLATORS)
def test_a_pair_without_a_translation_is_written_greedily_first(family, companion):
    languages, seen = LANGUAGES.get(family, {}), []
    pair = companion(family).record_pair(
        TEXTS[1], **languages, on_progress=lambda done, most: seen.append((done, most))
    )
    expected = companion(family).generate(TEXTS[1], max_new_tokens=62, **languages)
    own = [token for token in pair.target if not token.special]
    assert tuple(token.id for token in own) == expected.token_ids
    assert pair.generated and pair.target_text == expected.text
    assert [done for done, _ in seen] == sorted(done for done, _ in seen) and seen
    assert all(done <= most for done, most in seen)


@pytest.mark.parametrize(
    ("family", "special"), [("marian", ["<pad>"]), ("t5", ["<pad>"]), ("nllb", ["</s>", "deu_Latn"])]
)
def test_a_pair_is_what_the_decoder_reads(family, special, companion):
    pair = companion(family).record_pair(TEXTS[0], "Die Katze", **LANGUAGES.get(family, {}))
    assert [token.text for token in pair.target if token.special] == special
    assert [token.special for token in pair.target[: len(special)]] == [True] * len(special)
    assert "".join(token.text for token in pair.target if not token.special) == "Die Katze" == pair.target_text
    assert not pair.generated and pair.source_text == TEXTS[0]
    for layer in pair.cross.layers:
        assert layer.query.shape[1] == len(pair.target) and layer.key.shape[1] == len(pair.source)


def test_the_row_in_front_of_a_token_is_the_one_that_wrote_it(companion, loaded):
    pair = companion("marian").record_pair(TEXTS[0])
    target = [token.id for token in pair.target]
    with torch.no_grad():
        inputs = loaded("marian").tokenizer(TEXTS[0], return_tensors="pt")
        logits = loaded("marian").model(**inputs, decoder_input_ids=torch.tensor([target[:-1]])).logits[0]
    assert int(logits[-1].argmax()) == target[-1]


def test_what_is_behind_a_token_changes_nothing_in_its_row(companion):
    short, long = (companion("nllb").record_pair(TEXTS[0], text, **LANGUAGES["nllb"]) for text in ("Die", "Die Katze"))
    count = len(short.target)
    for one, other in zip(short.cross.layers, long.cross.layers, strict=True):
        torch.testing.assert_close(one.query, other.query[:, :count], rtol=1e-4, atol=1e-4)


def test_an_empty_translation_still_shows_what_the_start_looks_at(companion):
    pair = companion("t5").record_pair(TEXTS[0], "")
    assert [token.special for token in pair.target] == [True]
    assert pair.cross.layers[0].query.shape[1] == 1
