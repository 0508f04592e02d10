"""What a model is given to read: every way ends where the translation begins, and an entry of a file is read back."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.tasks.glossary import Term
from playground.tasks.translation_prompts import EXAMPLES_FILE, Earlier, Sentence, Way, ask, example_pairs, read_answer
from playground.tasks.translation_writer import GREEDY
from playground.text.languages import CODES

SENTENCE = Sentence(
    'He said "no" to that.', "en", "fr", (Term("no", "non"),), (Earlier("A man came.", "Un homme vint."),)
)


@pytest.mark.parametrize("way", get_args(Way))
def test_every_way_says_the_sentence_the_terms_and_what_stands_before(way: Way) -> None:
    asked = ask(SENTENCE, way, GREEDY)
    whole = "\n".join(message.content for message in asked.messages) + asked.prefix.text
    assert "Un homme vint." in whole and "non" in whole and "to that." in whole
    assert whole.rindex("to that.") > whole.rindex("Un homme vint.")
    assert (asked.params.stop or way == "plain") and 0 <= asked.app_messages <= len(asked.messages)


@pytest.mark.parametrize("way", get_args(Way))
def test_what_the_app_itself_says_is_the_same_for_every_sentence(way: Way) -> None:
    one, other = ask(SENTENCE, way, GREEDY), ask(Sentence("It rains.", "en", "fr"), way, GREEDY)
    assert one.app_messages == other.app_messages
    assert one.messages[: one.app_messages] == other.messages[: other.app_messages]


def test_the_file_with_the_entry_is_a_file() -> None:
    asked = ask(SENTENCE, "entries", GREEDY)
    text = asked.prefix.text.removeprefix("```json\n") + 'Il a dit \\"non\\"."}\n]'
    entries = json.loads(text)
    assert entries[-1] == {"en": SENTENCE.text, "fr": 'Il a dit "non".'} and len(entries) > 4


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=40))
def test_an_entry_is_read_back_as_it_was_meant(text: str) -> None:
    written = json.dumps(text, ensure_ascii=False)[1:-1]
    for ending in ("", '"}', '"', '"},'):
        read = read_answer(written + ending, "entry")
        assert read == text or text.endswith(("\\", '"', "}", ",", " "))


def test_letters_written_as_codes_are_letters() -> None:
    assert read_answer('caf\\u00e9 \\"noir\\""}', "entry") == 'café "noir"'


@given(st.text(st.sampled_from('ab"\\n}, '), max_size=20))
def test_half_an_entry_can_be_shown(text: str) -> None:
    written = json.dumps(text)[1:-1]
    for length in range(len(written)):
        assert len(read_answer(written[:length], "entry")) <= len(text)


def test_the_examples_are_in_every_language_of_the_app_and_say_different_things() -> None:
    rows = json.loads(EXAMPLES_FILE.read_text("utf-8"))
    for row in rows[:5]:
        assert set(row) == set(CODES) and all(text.strip() for text in row.values())
        assert len(set(row.values())) == len(row)
    assert all(len(example_pairs(Sentence("x", "nl", code), 3)) == 3 for code in CODES if code != "nl")


@pytest.mark.parametrize("pair", ["en-fr", "zh-de", "nl-th"])
def test_further_sets_of_examples_are_other_ones_and_the_same_for_every_sentence(pair: str) -> None:
    source, target = pair.split("-")
    sets = [tuple(example_pairs(Sentence(text, source, target), 5, turn)) for text in ("x", "y") for turn in range(5)]
    assert sets[:5] == sets[5:] and len(set(sets[:5])) == 5
    assert all(len(one) >= 4 and all(a and b for a, b in one) for one in sets)
