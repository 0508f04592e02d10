"""Whole texts: the skeleton stays, order holds, nothing is dropped, cancel and errors keep what is done."""

from __future__ import annotations

import random
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.errors import InvalidInput, ModelUnavailable
from playground.tasks.glossary import read_glossary
from playground.tasks.translation import Translator, prepare
from playground.tasks.translation_attempts import Direction
from playground.tasks.translation_events import (
    Finished,
    SentenceDone,
    Started,
    TranslatedSentence,
    Translation,
    TranslationJob,
    Writing,
)
from tests.tasks.translation_fakes import FakeWriter

TEXT = (
    "# A title\n\nThe first sentence is here. The second one follows it.\n\n- an item of a list\n\n```\ncode()\n```\n"
)
GERMAN = {
    "A title": "Ein Titel",
    "The first sentence is here.": "Der erste Satz ist hier.",
    "The second one follows it.": "Der zweite folgt ihm.",
    "an item of a list": "ein Punkt einer Liste",
}


def job(*texts: str, target: str = "de", source: str | None = "en", **more: object) -> TranslationJob:
    return TranslationJob(texts, target, source, **more)  # type: ignore[arg-type]


def result(writer: FakeWriter, asked: TranslationJob, **more: object) -> Translation:
    *_, last = Translator(writer, **more).translate(asked)  # type: ignore[arg-type]
    assert isinstance(last, Finished)
    return last.translation


def test_sentences_change_and_everything_around_them_stays() -> None:
    found = result(FakeWriter(lambda text, way: GERMAN[text]), job(TEXT))
    assert found.text == (
        "# Ein Titel\n\nDer erste Satz ist hier. Der zweite folgt ihm.\n\n- ein Punkt einer Liste\n\n```\ncode()\n```\n"
    )
    assert found.changed == len(found.sentences) == 4 and not found.error and not found.cancelled


def test_events_tell_of_every_sentence_once_and_end_with_the_whole() -> None:
    def slowly(text: str, way: str) -> str:
        time.sleep(random.random() / 100)
        return GERMAN[text]

    events = list(Translator(FakeWriter(slowly)).translate(job(TEXT)))
    assert isinstance(events[0], Started) and events[0].sentences == 4
    done = [event for event in events if isinstance(event, SentenceDone)]
    assert sorted(event.index for event in done) == [0, 1, 2, 3]
    assert [event.done for event in done] == [1, 2, 3, 4] and {event.total for event in done} == {4}
    assert isinstance(events[-1], Finished)


def test_what_is_shown_only_grows_and_is_the_beginning_of_the_whole() -> None:
    writer = FakeWriter(lambda text, way: GERMAN[text])
    events = list(Translator(writer, at_once=2).translate(job(TEXT)))
    whole = events[-1].translation.text  # type: ignore[union-attr]
    shown = [event.shown for event in events if isinstance(event, Writing | SentenceDone)]
    assert all(whole.startswith(one.rstrip()) for one in shown)
    assert shown[-1].strip() == whole.strip()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from([*GERMAN, "42", "", "{name}"]), min_size=1, max_size=12), st.integers(1, 8))
def test_as_many_sentences_come_out_as_go_in(lines: list[str], at_once: int) -> None:
    text = "\n".join(lines) + "\nThe first sentence is here."
    found = result(FakeWriter(lambda text, way: GERMAN[text]), job(text), at_once=at_once)
    assert len(found.text.splitlines()) == len(text.splitlines())
    assert all(one is not None and one.text for one in found.sentences)
    for line in lines:
        assert GERMAN.get(line, line) in found.text


def test_a_sentence_that_occurs_twice_is_asked_for_once() -> None:
    writer = FakeWriter(lambda text, way: GERMAN[text])
    found = result(writer, job("A title\nA title\nA title"))
    assert found.text == "Ein Titel\nEin Titel\nEin Titel" and len(writer.asked) == 1


def test_several_texts_of_a_document_keep_their_places() -> None:
    writer = FakeWriter(lambda text, way: GERMAN[text])
    assert result(writer, job("A title", "", "42", "an item of a list")).texts == (
        "Ein Titel", "", "42", "ein Punkt einer Liste",
    )  # fmt: skip


def test_what_is_in_the_wanted_language_already_is_left_alone() -> None:
    text = "Die Bibliothek ist an allen Tagen außer am Sonntag geöffnet."
    found = result(FakeWriter(lambda text, way: "x"), job(text, source="en"))
    assert found.text == text and found.sentences[0] is not None and found.sentences[0].kept == "already"


def test_cancelling_keeps_what_is_done_and_says_so() -> None:
    cancel, first_done = threading.Event(), threading.Event()

    def say(text: str, way: str) -> str:
        if text != "A title":
            assert first_done.wait(10)
            assert cancel.wait(10)
            return ""
        return GERMAN[text]

    events = []
    for event in Translator(FakeWriter(say)).translate(job(TEXT), cancel=cancel):
        events.append(event)
        if isinstance(event, SentenceDone):
            first_done.set()
            cancel.set()
    found = events[-1].translation
    assert found.cancelled and found.text.startswith("# Ein Titel\n\nThe first sentence is here.")


def test_closing_the_events_ends_the_work() -> None:
    cancel = threading.Event()
    events = Translator(FakeWriter(lambda text, way: GERMAN[text])).translate(job(TEXT), cancel=cancel)
    next(events)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert cancel.is_set()


def test_an_error_ends_the_job_and_keeps_what_is_done() -> None:
    def say(text: str, way: str) -> str:
        if text == "The second one follows it.":
            raise ModelUnavailable("No model is open yet. Choose one first.")
        return GERMAN[text]

    found = result(FakeWriter(say), job(TEXT), at_once=1)
    assert found.error == "No model is open yet. Choose one first."
    assert "# Ein Titel" in found.text and "The second one follows it." in found.text and not found.cancelled


def test_an_error_that_nobody_expects_is_raised() -> None:
    def say(text: str, way: str) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        result(FakeWriter(say), job(TEXT))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (job("  \n "), "no text"),
        (job("Hallo, wie geht es dir heute?", target="de", source=None), "German already"),
        (job("x" * 500_000), "in parts"),
        (job("Hello", target="klingon"), "language"),
    ],
)
def test_a_job_that_cannot_be_done_is_refused_with_a_sentence(asked: TranslationJob, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        prepare(asked)


def test_the_source_language_is_found_where_none_is_given() -> None:
    started = prepare(job("La bibliothèque est ouverte tous les jours sauf le dimanche.", target="en", source=None))
    assert started.source == "fr" and started.guess is not None and started.guess.sure


def test_alternatives_differ_from_each_other_and_from_what_is_there() -> None:
    says = {"first": "Eins.", "second 1": "Zwei.", "sampled 2": "Eins.", "sampled 3": "Drei.", "sampled 4": "Vier."}
    writer = FakeWriter(lambda text, way: says.get(way, "Eins."))
    found = Translator(writer).alternatives("One thing.", Direction("en", "de"), 3, besides=("Eins.",))
    texts = [one.text for one in found]
    assert sorted(texts) == ["Drei.", "Vier.", "Zwei."]


def test_a_translation_back_is_compared_with_its_source() -> None:
    sentence = TranslatedSentence("The first sentence is here.", "Der erste Satz ist hier.")
    writer = FakeWriter(lambda text, way: "The first sentence is here.")
    back = Translator(writer).back(sentence, Direction("en", "de"))
    assert back.nearness == pytest.approx(100) and writer.sentences[0].source == "de"


def test_the_glossary_reaches_the_writer_and_its_use_is_told() -> None:
    glossary = read_glossary("library = Bücherei\ncat = Katze")
    writer = FakeWriter(lambda text, way: "Die Bücherei ist offen.")
    found = result(writer, job("The library is open.", glossary=glossary))
    assert [term.source for term in writer.sentences[0].terms] == ["library"]
    assert found.sentences[0] is not None and [use.used for use in found.sentences[0].terms] == [True]
