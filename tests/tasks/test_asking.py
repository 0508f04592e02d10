"""Answers are stretches of the text, with their places; long texts are read in parts, and what was read is told."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.session import Session, open_session
from playground.errors import InvalidInput
from playground.messages import Chunk, Message, Token
from playground.tasks.asking import MOST_PARTS, Answer, Asker, Event, Finished, Planned, Reading
from playground.tasks.asking_evidence import AskedText
from playground.tasks.asking_prompts import CHINESE, ENGLISH, answer_grammar, ask
from playground.tasks.asking_request import MAX_QUESTION_CHARACTERS, AskRequest, check_request
from tests.engine.conftest import FakeSpec, load_tiny
from tests.engine.test_grammar import SAMPLED, Stranger, asked, run
from tests.tasks.summary_fakes import FakeEngine

BRIDGE = (
    "The old bridge 🌉 was closed on Monday. Engineers had found cracks in two of its pillars. "
    "About 4,000 cars use it every day. The council wants to repair it within six weeks."
)
LARGE = 1_000_000_000


@pytest.fixture(scope="module")
def session() -> Session:
    return open_session(load_tiny(FakeSpec("llama", "Tiny"), lambda *_: None))  # type: ignore[arg-type]


def question_of(prompt: str) -> str:
    return prompt.rsplit("Question: ", 1)[-1]


@dataclass
class SureEngine(FakeEngine):
    """Also says how likely its answers are."""

    sureness: Callable[[str], float] = lambda text: 1.0

    def stream(self, *args: Any, **values: Any) -> Iterator[Chunk]:
        """The answer in one chunk more, which carries its probability."""
        chunks = list(super().stream(*args, **values))
        text = "".join(chunk.text for chunk in chunks)
        *rest, last = chunks
        yield from rest
        yield replace(last, tokens=(*last.tokens, Token(0, "", math.log(self.sureness(text)))))


def engine_that(answer: Callable[[str], str], **options: object) -> SureEngine:
    return SureEngine(answer, **{"parameters": LARGE, **options})  # type: ignore[arg-type]


def ask_all(engine: FakeEngine, request: AskRequest, cancel: threading.Event | None = None) -> list[Event]:
    return list(Asker(engine).ask(request, cancel=cancel or threading.Event()))  # type: ignore[arg-type]


def answer_to(engine: FakeEngine, text: str, question: str = "What?", **options: bool) -> Answer:
    last = ask_all(engine, AskRequest(text, question, **options))[-1]
    assert isinstance(last, Finished)
    return last.answer


def test_an_answer_stands_in_the_text_and_its_sentence_is_the_evidence() -> None:
    answer = answer_to(engine_that(lambda prompt: "4,000 cars"), BRIDGE, "How many cars use the bridge?")
    assert [BRIDGE[start:end] for start, end in answer.places] == ["4,000 cars"]
    assert answer.evidence is not None
    assert BRIDGE[slice(*answer.evidence)] == "About 4,000 cars use it every day."


def test_the_marks_around_an_answer_are_no_part_of_it() -> None:
    assert answer_to(engine_that(lambda prompt: " “Monday.”\n"), BRIDGE.replace("Monday", "“Monday.”")).text == "Monday"
    assert answer_to(engine_that(lambda prompt: "pillars)"), "Cracks (in two pillars) were found.").text == "pillars"
    assert answer_to(engine_that(lambda prompt: "pillars (two)"), "Cracks in pillars (two).").text == "pillars (two)"


def test_an_answer_without_the_capital_of_its_sentence_gets_it_back() -> None:
    assert answer_to(engine_that(lambda prompt: "the council"), BRIDGE).text == "The council"


@pytest.mark.parametrize("said", [ENGLISH.none, "a word that the text has not", "...", ""])
def test_what_is_not_in_the_text_is_no_answer(said: str) -> None:
    answer = answer_to(engine_that(lambda prompt: said), BRIDGE, "When will the council repair the bridge?")
    assert (answer.text, answer.places) == ("", ())
    assert answer.evidence is not None, "the sentence that comes closest is shown"
    assert "council" in BRIDGE[slice(*answer.evidence)]


def test_of_several_places_the_one_that_fits_the_question_comes_first() -> None:
    text = "Anna was born in Rome. Later she moved to Oslo. In Rome her brother opened a bakery."
    answer = answer_to(engine_that(lambda prompt: "Rome"), text, "Where did her brother open a bakery?")
    assert [start for start, _ in answer.places] == [text.rindex("Rome"), text.index("Rome")]


def test_a_place_is_never_a_part_of_a_word() -> None:
    assert AskedText("Romance and Rome, 1250 and 12", "en").places("Rome", "?") == [(12, 16)]
    assert AskedText("Romance and Rome, 1250 and 12", "en").places("12", "?") == [(27, 29)]
    assert AskedText("东京都和东京", "zh").places("东京", "?") == [(0, 2), (4, 6)]


def test_the_text_comes_before_the_question_so_that_it_is_read_once() -> None:
    engine = engine_that(lambda prompt: "Monday")
    answer_to(engine, BRIDGE, "When was it closed?")
    answer_to(engine, BRIDGE, "What had they found?")
    first, second = (messages[-1].content for messages in engine.asked if BRIDGE in messages[-1].content)
    shared = first[: first.index("When was it closed?")]
    assert BRIDGE in shared
    assert second.startswith(shared)


def test_a_text_is_cut_into_parts_once_for_all_questions_about_it() -> None:
    engine = engine_that(lambda prompt: "Monday")
    asker = Asker(engine)  # type: ignore[arg-type]
    counted: list[str] = []
    split = engine.split
    engine.split = lambda text: counted.append(text) or split(text)  # type: ignore[method-assign]
    for question in ("When?", "Who?", "What?"):
        list(asker.ask(AskRequest(BRIDGE, question), cancel=threading.Event()))
    assert counted == [BRIDGE]


def chapters(count: int, special: int) -> str:
    filler = "Nothing of note happened on this long and quiet day in the village by the river. " * 12
    return "\n\n".join(
        f"Chapter {number}. {filler}" + ("The blue lantern belonged to Mirabel. " if number == special else "")
        for number in range(count)
    )


def lantern(prompt: str) -> str:
    return "Mirabel" if "Mirabel" in prompt else ENGLISH.none


def test_of_a_long_text_the_parts_are_read_that_fit_the_question() -> None:
    text = chapters(60, 41)
    events = ask_all(engine_that(lantern), AskRequest(text, "To whom did the blue lantern belong?"))
    planned, finished = events[0], events[-1]
    assert isinstance(planned, Planned)
    assert isinstance(finished, Finished)
    assert len(planned.parts) > MOST_PARTS == len(planned.chosen)
    assert "".join(text[start:end] for start, end in planned.parts) == text
    assert finished.answer.text == "Mirabel"
    assert finished.answer.read == planned.chosen


def test_all_parts_are_read_in_order_where_that_is_wanted() -> None:
    text = chapters(30, 20)
    answer = answer_to(engine_that(lantern), text, "谁？", read_all=True)
    assert answer.read == tuple(range(len(answer.parts)))
    assert answer.text == "Mirabel"
    assert not answer.matched


def test_a_stopped_question_keeps_the_best_answer_so_far() -> None:
    cancel = threading.Event()
    engine = engine_that(lantern, on_chunk=lambda count: cancel.set() if count == 2 else None)
    text = "The blue lantern belonged to Mirabel. " + chapters(60, -1)
    last = ask_all(engine, AskRequest(text, "To whom did the blue lantern belong?"), cancel)[-1]
    assert isinstance(last, Finished)
    assert last.answer.cancelled
    assert len(last.answer.read) < MOST_PARTS
    assert last.answer.text == "Mirabel"


def test_one_that_is_stopped_before_anything_was_found_ends_without_an_answer() -> None:
    cancel = threading.Event()
    cancel.set()
    last = ask_all(engine_that(lambda prompt: "Monday"), AskRequest(BRIDGE, "When?"), cancel)[-1]
    assert isinstance(last, Finished)
    assert last.answer.cancelled
    assert (last.answer.text, last.answer.read) == ("", ())


def test_progress_tells_parts_and_the_best_answer_so_far() -> None:
    events = ask_all(engine_that(lantern), AskRequest(chapters(60, 3), "To whom did the blue lantern belong?"))
    told = [event for event in events if isinstance(event, Reading)]
    assert [event.total for event in told] == [MOST_PARTS] * len(told)
    assert told[-1].done == MOST_PARTS - 1
    assert told[-1].best is not None
    assert told[-1].best.text == "Mirabel"


@pytest.mark.parametrize(
    "request_",
    [AskRequest("", "Who?"), AskRequest("...", "Who?"), AskRequest("A text.", " ?! "),
     AskRequest("A text.", "w" * (MAX_QUESTION_CHARACTERS + 1)), AskRequest("w " * 600_000, "Who?")],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_a_sentence(request_: AskRequest) -> None:
    with pytest.raises(InvalidInput):
        check_request(request_)


def test_a_very_small_model_is_given_the_sentences_that_fit_the_question_alone() -> None:
    engine = engine_that(lambda prompt: "Monday", parameters=135_000_000)
    answer = answer_to(engine, BRIDGE, "How many cars use the bridge?")
    prompt = engine.asked[-1][-1].content
    assert "4,000 cars" in prompt
    assert "pillars" not in prompt
    assert answer.narrowed
    assert not answer_to(engine, "It was on Monday. Nobody came.", "When was it?").narrowed


def test_of_the_closest_sentences_and_the_whole_text_the_surer_reading_counts() -> None:
    def said(prompt: str) -> str:
        return "six weeks" if "pillars" in prompt else "4,000 cars"

    engine = engine_that(said)
    engine.sureness = lambda text: 0.9 if text == "six weeks" else 0.5
    assert answer_to(engine, BRIDGE, "How many cars use the bridge?").text == "six weeks"
    engine.sureness = lambda text: 0.2 if text == "six weeks" else 0.5
    assert answer_to(engine, BRIDGE, "How many cars use the bridge?").text == "4,000 cars"
    engine = engine_that(lambda prompt: said(prompt) if "pillars" in prompt else ENGLISH.none)
    engine.sureness = lambda text: 0.2 if text == "six weeks" else 0.5
    assert answer_to(engine, BRIDGE, "How many cars use the bridge?").text == ""


def test_an_answer_that_says_the_question_again_is_trusted_less() -> None:
    engine = engine_that(lambda prompt: "4,000 cars" if "pillars" in prompt else "The council")
    engine.sureness = lambda text: 0.6 if text == "4,000 cars" else 0.9
    answer = answer_to(engine, BRIDGE, "What does the council want to repair?")
    assert (answer.text, answer.sure) == ("4,000 cars", pytest.approx(0.6))
    either = answer_to(engine, BRIDGE, "Does the council or the mayor want to repair it?")
    assert (either.text, either.sure) == ("The council", pytest.approx(0.9))


def test_figures_in_tables_and_lines_of_code_can_be_answers_too() -> None:
    text = "Visitors of the year:\n\n| 2023 | 1,204 |\n|------|------|\n| 2024 | 1,377 |\n\n```\nport = 8080\n```\n"
    found = [text[start:end] for start, end in AskedText(text, "en").sentences]
    assert {"1,204", "1,377", "port = 8080"} <= set(found)
    assert not any(set(one) <= set("|-` ") for one in found)


@settings(max_examples=40, deadline=None)
@given(
    taste=st.integers(0, 10**6),
    text=st.sampled_from([BRIDGE, "今天很好🌉。明天会下雨！你好吗？", "İstanbul (2x) \\ {a}\n\nb\x00c"]),
)
def test_whatever_a_model_wants_to_say_it_copies_from_one_sentence(session: Session, taste: int, text: str) -> None:
    source = AskedText(text, "en")
    grammar = answer_grammar([text[start:end] for start, end in source.sentences], ENGLISH.none)
    (written,) = run(replace(session, forward=Stranger(taste)), asked(grammar, SAMPLED))
    said = written.text.strip()
    if written.finish_reason == "stop" and said != ENGLISH.none and said:
        answer = source.as_written(said)
        assert answer in text
        assert answer
        assert any(answer in text[start:end] for start, end in source.sentences)


def test_questions_in_chinese_texts_are_put_in_chinese() -> None:
    messages = ask("今天很好。", ["今天很好。"], "今天怎么样？", "zh").messages
    assert isinstance(messages[-1], Message)
    assert messages[-1].content == CHINESE.text.format("今天很好。") + CHINESE.question.format("今天怎么样？")
    assert not re.search("[a-z]{3}", "".join(message.content for message in messages))


def test_braces_in_a_text_and_a_question_stay_as_they_are() -> None:
    message = ask("A {} {0} text.", ["A {} {0} text."], "What is {question}?", "en").messages[-1]
    assert "A {} {0} text." in message.content
    assert message.content.endswith("What is {question}?")
