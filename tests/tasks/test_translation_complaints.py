"""What people complain of most in programs that translate, staged: with us each of it has to come out otherwise.

Sentences are dropped, come back as they were or in a third language, carry notes, go in circles; lines and placeholders
are lost; and all of that without a word. Here every fault is put right or has its badge.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.tasks.translation import Translator
from playground.tasks.translation_events import Finished, TranslatedSentence, Translation, TranslationJob
from playground.tasks.translation_guards import tidy
from playground.text.masking import are_crossed
from tests.tasks.translation_fakes import FakeWriter

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
GERMAN_NUMBERS = ("eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf")
FRENCH = "La bibliothèque est ouverte tous les jours sauf le dimanche matin."
ENGLISH = {f"The library opens its door number {number} at noon.": german for number, german in zip(
    NUMBERS, (f"Die Bibliothek öffnet ihre Tür Nummer {number} am Mittag." for number in GERMAN_NUMBERS), strict=True
)}  # fmt: skip
SENTENCES = list(ENGLISH)
# What a model may do to a sentence: nothing wrong, and six complaints.
FAULTS = ("right", "nothing", "echo", "french", "circle", "short", "note")


def spoiled(text: str, fault: str) -> str:
    right = ENGLISH[text]
    return {
        "right": right,
        "nothing": "",
        "echo": text,
        "french": FRENCH,
        "circle": "Tür auf, " * 12,
        "short": "Die",
        "note": f"Here is the translation: {right}\n\nNote: I kept the tone formal.",
    }[fault]


def translated(writer: FakeWriter, text: str, **more: int) -> Translation:
    *_, last = Translator(writer, **more).translate(TranslationJob((text,), "de", "en"))
    assert isinstance(last, Finished)
    return last.translation


def all_of(found: Translation) -> list[TranslatedSentence]:
    assert None not in found.sentences
    return [one for one in found.sentences if one is not None]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(FAULTS), st.sampled_from(FAULTS)), min_size=1, max_size=12))
def test_a_sentence_is_right_or_has_its_badge_and_none_is_missing(faults: list[tuple[str, str]]) -> None:
    asked = SENTENCES[: len(faults)]
    tries = {text: {"first": one, "second": other} for text, (one, other) in zip(asked, faults, strict=True)}
    found = translated(FakeWriter(lambda text, way: spoiled_as_tidied(text, tries[text][way])), " ".join(asked))
    assert [one.source for one in all_of(found)] == asked
    for one in all_of(found):
        if set(tries[one.source].values()) & {"right", "note"}:
            assert (one.text, one.problems) == (ENGLISH[one.source], ())
        else:
            assert one.problems, f"{one.source} became {one.text} without a badge"


def spoiled_as_tidied(text: str, fault: str) -> str:
    """As a writer hands it on: it takes off what a model says around a translation."""
    return tidy(spoiled(text, fault), text)


def test_a_long_text_does_not_slide_into_another_language_after_one_slip() -> None:
    """A wrong answer that is read before the next sentence draws the whole rest of a book after it."""
    slips = set(SENTENCES[2::5])

    def say(text: str, way: str) -> str:
        drawn = any(FRENCH in earlier.translation for earlier in writer.sentences[-1].earlier)
        return FRENCH if drawn or (text in slips and way == "first") else ENGLISH[text]

    writer = FakeWriter(say, earlier=3)
    found = translated(writer, " ".join(SENTENCES), at_once=1)
    assert [one.text for one in all_of(found)] == list(ENGLISH.values())
    assert not any(one.problems for one in all_of(found))


@pytest.mark.parametrize(
    "text",
    ["Where is the train station", "Where is the train station.", "Where is the train station?",
     "WHERE IS THE TRAIN STATION", "Where is the train station, CC", "where is the train station …"],
)  # fmt: skip
def test_no_final_dot_and_no_capitals_decide_whether_a_text_is_translated(text: str) -> None:
    says = {"first": text, "second": "Wo ist der Bahnhof"}
    found = translated(FakeWriter(lambda text, way: says[way]), text)
    assert all_of(found)[0].text == "Wo ist der Bahnhof" and all_of(found)[0].tries == 2
    stubborn = translated(FakeWriter(lambda text, way: text), text)
    assert "echo" in all_of(stubborn)[0].problems


@pytest.mark.parametrize("text", ["pre-pre-pre-pre-pre-pre-", "Tür auf Tür auf Tür auf Tür auf", "的" * 20])
def test_a_model_that_goes_in_circles_is_asked_again_and_then_said_to_do_so(text: str) -> None:
    says = {"first": text, "second": ENGLISH[SENTENCES[0]]}
    assert translated(FakeWriter(lambda text, way: says[way]), SENTENCES[0]).text == ENGLISH[SENTENCES[0]]
    stubborn = all_of(translated(FakeWriter(lambda _, way: text), SENTENCES[0]))
    assert "loop" in stubborn[0].problems


TEMPLATE = "Dear <b><i>{{ user.name }}</i></b>, your order %1$s waits at https://shop.example/o?id=7&x=1#top for you."
KEPT = ("<b>", "<i>", "{{ user.name }}", "</i>", "</b>", "%1$s", "https://shop.example/o?id=7&x=1#top")


MARKS = [f"[{number}]" for number in range(1, 8)]
WORDS = st.sampled_from([*MARKS, "Liebe", "Bestellung", "."])


@settings(deadline=None, max_examples=60)
@given(st.one_of(st.permutations(MARKS), st.lists(WORDS, max_size=14)))
def test_placeholders_and_nested_tags_survive_whatever_is_made_of_their_marks(said: list[str]) -> None:
    writer = FakeWriter(lambda text, way: " ".join(said) if "[" in text else "Bestellung wartet")
    found = translated(writer, TEMPLATE)
    assert all(found.text.count(one) == 1 for one in KEPT)
    assert not are_crossed(found.text)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_that_mean_something_stay_lines(end: str) -> None:
    lines = ["Roses", "", "- red", "  - and wild", "", "Best wishes,", "Anna"]
    found = translated(FakeWriter(lambda text, way: text.upper()), end.join(lines) + end)
    assert found.text == end.join(line.upper() for line in lines) + end


def test_a_model_is_given_one_sentence_at_a_time_and_never_a_paragraph() -> None:
    """Translation models were trained on single sentences; of several they translate the first."""
    writer = FakeWriter(lambda text, way: ENGLISH[text])
    translated(writer, " ".join(SENTENCES) + "\n\n" + " ".join(reversed(SENTENCES)))
    assert {text for text, _ in writer.asked} == set(SENTENCES)
