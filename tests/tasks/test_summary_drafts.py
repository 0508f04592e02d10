"""Several drafts are written of a sentence and the best is shown; a list that ends too early is taken up again."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from playground.messages import Message
from playground.tasks.summarization import Summarizer
from playground.tasks.summary_events import Drafted, Event
from playground.tasks.summary_points import stretches_of
from playground.tasks.summary_prompts import with_blanks
from playground.tasks.summary_request import SummaryRequest
from tests.tasks.summary_fakes import FakeEngine, passage_of
from tests.tasks.test_summarization import SHORT, run, summary_of


def test_a_model_that_follows_instructions_is_asked_in_several_ways_and_the_sentence_that_says_most_is_shown() -> None:
    best = "A bridge over the river Lune that 4,000 cars use was closed for cracks."

    def answer(prompt: str) -> str:
        if prompt.startswith(SHORT):  # the passage comes first, so that it is read once for all of these
            return best if "TL;DR" in prompt else "A bridge is a bridge."
        return "Headline: Cracks\nIntroduction: Engineers had found something."

    engine = FakeEngine(answer, parameters=500_000_000)
    events = run(engine, SummaryRequest(SHORT, "sentence"))
    assert summary_of(events).text == best and summary_of(events).tries == 1
    assert sum(messages[-1].content.startswith(SHORT) for messages in engine.asked) == 3
    drafts = [event.text for event in events if isinstance(event, Drafted) and event.text]
    assert drafts and all("Engineers had found something.".startswith(draft) for draft in drafts)


def test_the_other_ways_to_ask_say_the_focus_and_the_language_too() -> None:
    engine = FakeEngine(lambda prompt: "Die Brücke wurde geschlossen.", parameters=500_000_000)
    run(engine, SummaryRequest(SHORT, "sentence", focus="When was it?", language="de"))
    others = [messages[-1].content for messages in engine.asked if messages[-1].content.startswith(SHORT)]
    assert len(others) == 3 and all("When was it?" in text and "German" in text for text in others)


def test_the_other_ways_to_ask_are_read_one_after_the_other_so_that_the_text_is_read_once() -> None:
    engine = FakeEngine(lambda prompt: "The bridge was closed.", parameters=500_000_000)
    running: list[int] = []
    engine.on_chunk = lambda count: running.append(sum(map(behind_the_text, engine.asked)))
    run(engine, SummaryRequest(SHORT, "sentence"))
    assert 1 in running and running[-1] == 3


def behind_the_text(messages: Sequence[Message]) -> bool:
    """Whether something is asked behind the passage."""
    return messages[-1].content.startswith(SHORT)


def test_of_a_tiny_model_the_sentence_that_agrees_with_its_others_is_shown() -> None:
    openers = {"A": "A bridge over the river was closed.", "Cracks": "Cracks were found by six engineers."}
    engine = FakeEngine(lambda prompt: "The bridge over the river was closed.", openers=openers, likely=tuple(openers))
    assert "closed" in summary_of(run(engine, SummaryRequest(SHORT, "sentence"))).text


def test_other_first_words_do_not_win_by_inventions() -> None:
    openers = {"Mayor": "Mayor Jane Crow closed the old bridge over the river Lune for 4,000 cars on Monday."}
    engine = FakeEngine(
        lambda prompt: "The old bridge over the river Lune was closed.", openers=openers, likely=("Mayor",)
    )
    summary = summary_of(run(engine, SummaryRequest(SHORT, "sentence")))
    assert summary.text == "The old bridge over the river Lune was closed." and summary.tries == 1


def test_a_list_that_ends_after_one_point_is_taken_up_again() -> None:
    points = (
        "The old bridge was closed on Monday.",
        "Engineers found cracks in two pillars.",
        "It is used by 4,000 cars.",
    )

    def one_point_more(prompt: str) -> str:
        begun = engine.begun[-1].count("\n") + 1
        return "\n".join(f"- {point}" for point in points[:begun])

    engine = FakeEngine(one_point_more, parameters=500_000_000)
    summary = summary_of(run(engine, SummaryRequest(f"{SHORT} {SHORT}", "bullets", 3)))
    assert [point.text for point in summary.points] == list(points)
    assert engine.begun == ["-", f"- {points[0]}\n-", f"- {points[0]}\n- {points[1]}\n-"]


def test_a_model_that_has_no_more_points_is_not_asked_for_ever() -> None:
    engine = FakeEngine(lambda prompt: "- The old bridge was closed on Monday.", parameters=500_000_000)
    summary = summary_of(run(engine, SummaryRequest(SHORT, "bullets", 5)))
    assert [point.text for point in summary.points] == ["The old bridge was closed on Monday."]
    assert len(engine.asked) == 2


def test_who_has_read_the_beginning_alone_has_not_read_the_text() -> None:
    text = " ".join(f"In town number {number} a mill stood by the river for years." for number in range(30))
    engine = FakeEngine(lambda prompt: "" if passage_of(prompt) == text else "A mill stood by the river.")
    summary = summary_of(run(engine, SummaryRequest(text, "sentence")))
    assert summary.text == "A mill stood by the river."
    assert summary.coverage.share == 0.0


def test_what_is_written_by_the_time_it_is_stopped_is_kept() -> None:
    cancel, said = threading.Event(), "The old bridge over the river Lune was closed."
    engine = FakeEngine(lambda prompt: said, likely=("Cars",))
    events: list[Event] = []
    for event in Summarizer(engine).summarize(SummaryRequest(SHORT, "sentence"), cancel=cancel):
        events.append(event)
        if isinstance(event, Drafted) and event.text == said:
            cancel.set()
    summary = summary_of(events)
    assert summary.cancelled and summary.origin == "model" and summary.text == said
    assert engine.begun == [""] and summary.model_name == "Fake"


NEWS = {
    "Ashby": "lost its mayor to a larger town",
    "Belton": "opens two schools after Easter",
    "Corby": "sells the bridge that nobody crosses",
    "Denby": "won a cup in rowing",
    "Epworth": "plants chestnuts along all roads",
}
TOWNS = tuple(NEWS)


def tale(towns: int) -> str:
    """Of every town a piece of news, and a sentence that says nothing new."""
    return " ".join(f"{town} {NEWS[town]}. It rained there." for town in TOWNS[:towns])


def first_sentence(prompt: str) -> str:
    """What a model says that repeats the beginning of what it reads."""
    return passage_of(prompt).partition(". ")[0] + "."


def test_a_tiny_model_writes_a_list_point_by_point_in_the_order_of_the_text() -> None:
    engine = FakeEngine(first_sentence)
    events = run(engine, SummaryRequest(tale(5), "bullets", 5))
    summary = summary_of(events)
    assert [point.text.split()[0] for point in summary.points] == list(TOWNS[:5])
    read = sorted((passage_of(asked[-1].content) for asked in engine.asked), key=tale(5).index)
    assert " ".join(read) == tale(5)
    assert summary.coverage.share == 1.0 and summary.tries == 1
    drafts = [event.text for event in events if isinstance(event, Drafted)]
    assert drafts[-1] == summary.text


def test_a_point_that_is_invented_is_left_out_and_named() -> None:
    invented = "Mayor Herbert Quain paid 99 dollars."
    engine = FakeEngine(lambda prompt: invented if "Belton" in passage_of(prompt) else first_sentence(prompt))
    summary = summary_of(run(engine, SummaryRequest(tale(3), "bullets", 3)))
    assert [point.text.split()[0] for point in summary.points] == ["Ashby", "Corby"]
    assert summary.dropped == (invented,) and summary.tries == 1


@given(sentences=st.integers(1, 40), count=st.integers(1, 12))
def test_the_stretches_of_a_list_are_the_text_laid_end_to_end(sentences: int, count: int) -> None:
    said = [f"In town number {number} a mill stood." for number in range(sentences)]
    stretches = stretches_of(" ".join(said), count, "en")
    assert " ".join(stretches) == " ".join(said) and len(stretches) <= count
    assert len(stretches) == 1 or all(len(stretch) > len(said[-1]) for stretch in stretches)


def test_marks_without_a_blank_are_marks_all_the_same() -> None:
    assert with_blanks("-旧桥关闭\n-裂缝\n- 汽车\n-- no") == "- 旧桥关闭\n- 裂缝\n- 汽车\n-- no"
    assert with_blanks("- Well-known") == "- Well-known"
