"""Every character of a text belongs to one token, whatever kind of tokenizer a companion model has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.companion_text import CompanionText
from playground.errors import InvalidInput
from tests.engine.companion_folders import build_folder, load_folder

FAMILIES = ("bert", "roberta", "marian", "t5", "nllb")
TEXTS = [
    "The cat sat on the mat.",
    "  two  blanks, a\ttab\nand a line\u00a0end \n",
    "L'été à Noël, ﬁne e\u0301 \u200b 北京 天气。",
    "emoji 😀👩\u200d🚀 and \u202eright-to-left\u202c",
    "<b>tags</b> </s> <pad> ${x} >>deu<< [SEP]",
    "words of which nobody knows any: ☃ฺ๏ ꙮ",
]
Texts = Callable[[str], CompanionText]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Texts:
    found: dict[str, CompanionText] = {}

    def text_of(family: str) -> CompanionText:
        if family not in found:
            loaded = load_folder(build_folder(family, tmp_path_factory.mktemp("folders")))
            found[family] = CompanionText(loaded.tokenizer, literal=loaded.kind == "translator")
        return found[family]

    return text_of


def check(text: str, found: list) -> None:
    """The shares give the text, places are in order and within it."""
    own = [token for token in found if token.end > token.start or not token.special]
    if own:
        assert "".join(token.text for token in own) == text
    assert all(0 <= token.start <= token.end <= len(text) for token in found)
    places = [(token.start, token.end) for token in found]
    assert places == sorted(places)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("text", TEXTS)
def test_the_shares_of_the_tokens_are_the_text(family, text, texts):
    check(text, texts(family).source(text))
    check(text, texts(family).target(text))


@pytest.mark.parametrize("family", FAMILIES)
def test_no_text_at_all_breaks_it(family, texts):
    one = texts(family)

    @settings(max_examples=60, deadline=None)
    @given(st.text(max_size=40))
    def holds(text: str) -> None:
        clean = text.encode("utf-8", "replace").decode("utf-8")
        check(clean, one.source(clean))

    holds()
    check("half a pair \ufffd", one.source("half a pair \ud800"))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_ids_are_those_of_the_tokenizer_itself(family, tmp_path: Path):
    loaded = load_folder(build_folder(family, tmp_path))
    for text in TEXTS[:4]:
        expected = loaded.tokenizer(text)["input_ids"]
        assert [token.id for token in CompanionText(loaded.tokenizer, literal=False).source(text)] == list(expected)


def test_special_tokens_around_a_text_have_names_and_no_place(texts):
    first, *_, last = texts("bert").source("The cat")
    assert [(token.text, token.start, token.end, token.special) for token in (first, last)] == [
        ("[CLS]", 0, 0, True),
        ("[SEP]", 7, 7, True),
    ]
    assert texts("marian").source("cat")[-1].text == "</s>"
    assert not any(token.special for token in texts("bert").source("☃")[1:-1]), "an unknown word is still a word"


@pytest.mark.parametrize("family", ["marian", "t5", "nllb"])
def test_what_looks_like_a_special_token_in_a_text_to_translate_is_text(family, texts):
    before, behind = len(texts(family).source("")), texts(family).source("The </s> cat <pad>")
    assert sum(token.special for token in behind) == before


def test_fragments_of_a_character_have_its_place_and_the_last_one_has_its_text(texts):
    tokens = [token for token in texts("roberta").source("a😀b") if token.start == 1 and token.end == 2]
    assert len(tokens) > 1
    assert [token.text for token in tokens] == [""] * (len(tokens) - 1) + ["😀"]
    assert all(token.shown.startswith("⟨") for token in tokens)


def test_pieces_of_a_word_read_without_a_space_and_beginnings_with_one(texts):
    shown = [token.shown for token in texts("bert").source("cat matte sat")[1:-1]]
    assert shown[0] == " cat" and not any(name.startswith("##") for name in shown)


@pytest.mark.parametrize("family", ["marian", "t5", "nllb"])
def test_what_a_model_wrote_is_split_as_it_wrote_it(family, texts):
    tokens = texts(family).target("Die Katze schlief gut.")
    ids = [token.id for token in tokens]
    written = texts(family).written(ids)
    assert [token.id for token in written] == ids
    assert "".join(token.text for token in written) == "Die Katze schlief gut."
    # Letter by letter: not how the tokenizer would spell it.
    letters = [token.id for letter in "Katze" for token in texts(family).target(letter)]
    found = texts(family).written(letters)
    assert [token.id for token in found] == letters
    assert "".join(token.text for token in found) == texts(family).read(letters)


def test_languages_are_known_and_unknown_ones_refused(texts, tmp_path: Path):
    assert set(texts("nllb").languages) == {"eng_Latn", "deu_Latn", "fra_Latn"}
    assert texts("marian").languages == texts("bert").languages == ()
    many = load_folder(build_folder("marian-many", tmp_path))
    text = CompanionText(many.tokenizer, literal=True)
    assert text.languages == (">>deu<<", ">>fra<<")
    assert text.source("cat", "", ">>fra<<")[0].text == ">>fra<<"
    assert text.first_id(">>fra<<") is None and texts("nllb").first_id("fra_Latn") is not None
    with pytest.raises(InvalidInput, match="does not know the language “xxx”"):
        text.source("cat", "", "xxx")


def test_the_language_of_the_source_stands_in_front_of_it(texts):
    one = texts("nllb")
    assert [one.source("cat", code)[0].text for code in ("fra_Latn", "eng_Latn", "fra_Latn")] == [
        "fra_Latn",
        "eng_Latn",
        "fra_Latn",
    ]
