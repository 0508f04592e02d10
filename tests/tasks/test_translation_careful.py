"""Taking care: a sentence in several ways at once, of which the one is taken that most of them agree with."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.tasks.translation import Translator
from playground.tasks.translation_attempts import Direction, translate_sentence
from playground.tasks.translation_consensus import most_agreed
from playground.tasks.translation_events import Finished, TranslatedSentence, Translation, TranslationJob
from tests.tasks.translation_fakes import FakeWriter

WAYS = ("a", "b", "c")
SENTENCE = "The library is open on Sunday."
SAYS = {
    "a": "Der Buchladen hat gestern zu.",
    "b": "Die Bibliothek ist am Sonntag offen.",
    "c": "Die Bibliothek ist am Sonntag geöffnet.",
    "first": "Die Bücherei macht Sonntag auf.",
    "second": "Sonntags ist die Bibliothek auf.",
}


def careful(writer: FakeWriter, cancel: threading.Event | None = None) -> TranslatedSentence:
    stop = cancel or threading.Event()
    return translate_sentence(writer, SENTENCE, Direction("en", "de"), stop, lambda _: None, careful=True)


def translation(writer: FakeWriter, text: str, **more: object) -> Translation:
    *_, last = Translator(writer, at_once=6).translate(TranslationJob((text,), "de", "en", **more))  # type: ignore[arg-type]
    assert isinstance(last, Finished)
    return last.translation


def test_what_stands_alone_among_the_candidates_is_not_taken() -> None:
    assert most_agreed([SAYS["a"], SAYS["b"], SAYS["c"]]) in (1, 2)
    found = careful(FakeWriter(lambda text, way: SAYS[way], compared=WAYS))
    assert found.text in (SAYS["b"], SAYS["c"]) and found.tries == 1 and found.problems == ()


def test_two_that_say_the_same_outvote_a_third() -> None:
    assert most_agreed(["Katze", "Hund", "Hund"]) == 1


@given(st.lists(st.text("abc ", min_size=1, max_size=12), min_size=1, max_size=6))
def test_the_choice_is_one_of_the_candidates_and_always_the_same(candidates: list[str]) -> None:
    chosen = most_agreed(candidates)
    assert 0 <= chosen < len(candidates) and most_agreed(candidates) == chosen


def test_nothing_to_choose_from_is_refused() -> None:
    with pytest.raises(ValueError, match="no candidate"):
        most_agreed([])


def test_what_a_guard_objects_to_is_not_taken_though_the_others_agree_with_it() -> None:
    says = {**dict.fromkeys(WAYS, SENTENCE), "c": SAYS["c"]}
    assert careful(FakeWriter(lambda text, way: says[way], compared=WAYS)).text == SAYS["c"]


def test_candidates_that_are_all_bad_are_followed_by_the_second_way() -> None:
    says = {**SAYS, **dict.fromkeys(WAYS, SENTENCE)}
    found = careful(FakeWriter(lambda text, way: says[way], compared=WAYS))
    assert found.text == SAYS["second"] and found.tries == 2


def test_cancelling_while_candidates_are_written_gives_no_translation() -> None:
    cancel = threading.Event()
    cancel.set()
    assert careful(FakeWriter(lambda text, way: SAYS[way], compared=WAYS), cancel).cancelled


def test_a_short_text_fills_the_batch_and_a_long_one_does_so_when_asked() -> None:
    writer = FakeWriter(lambda text, way: f"{SAYS[way]} {text[-2:]}", compared=WAYS)
    assert {way for _, way in ran(writer, "One thing is here now. Two things are there now.")} == set(WAYS)
    long = " ".join(f"Here is the sentence number {number}." for number in range(1, 9))
    assert {way for _, way in ran(writer, long)} == {"first"}
    assert {way for _, way in ran(writer, long, careful=True)} == set(WAYS)


def test_other_wordings_come_from_every_way_before_anything_is_sampled() -> None:
    says = {**{f"{way} {seed}": text for way, text in SAYS.items() for seed in range(1, 9)}, **SAYS}
    writer = FakeWriter(lambda text, way: says.get(way, "Etwas anderes hier."), compared=WAYS)
    found = Translator(writer).alternatives(SENTENCE, Direction("en", "de"), 3)
    assert len(found) == 3
    assert {way.partition(" ")[0] for _, way in writer.asked} == {"first", "second", *WAYS}


def test_a_writer_without_candidates_takes_its_usual_way_also_with_care() -> None:
    writer = FakeWriter(lambda text, way: SAYS[way])
    assert translation(writer, SENTENCE, careful=True).text == SAYS["first"]


def test_no_more_is_asked_at_once_than_the_batch_has_places() -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def say(text: str, way: str) -> str:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.002)
        with lock:
            now[0] -= 1
        return f"{SAYS[way]} {text[-2:]}"

    long = " ".join(f"Here is the sentence number {number}." for number in range(1, 12))
    translation(FakeWriter(say, compared=WAYS), long, careful=True)
    assert most[0] <= 6


def ran(writer: FakeWriter, text: str, **more: object) -> list[tuple[str, str]]:
    writer.asked.clear()
    translation(writer, text, **more)
    return list(writer.asked)
