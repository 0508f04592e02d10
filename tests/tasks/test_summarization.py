"""A summary reads all of the text, ends whatever the model writes, and says what it is made of."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.errors import InvalidInput, ModelUnavailable
from playground.tasks.summarization import Summarizer
from playground.tasks.summary_events import (
    Drafted,
    Event,
    Extracted,
    Finished,
    NotesGrowing,
    NoteWritten,
    Planned,
    SecondTry,
    Summary,
)
from playground.tasks.summary_request import SummaryRequest
from tests.tasks.summary_fakes import FakeEngine, first_words, passage_of

SHORT = (
    "The old bridge over the river Lune was closed on Monday. Engineers had found cracks in two of its pillars. "
    "About 4,000 cars use it every day. The council wants to repair it within six weeks."
)


def long_text(paragraphs: int) -> str:
    """Paragraphs of forty words, each about something else."""
    return "\n\n".join(
        f"Chapter {number} tells of the village of Place{number} and its people. "
        f"They built a mill beside the water in those days. The miller of Place{number} was known for his bread. "
        f"Nobody there had ever seen the sea or a ship before the flood came."
        for number in range(paragraphs)
    )


def run(engine: FakeEngine, request: SummaryRequest, cancel: threading.Event | None = None) -> list[Event]:
    return list(Summarizer(engine).summarize(request, cancel=cancel))


def summary_of(events: list[Event]) -> Summary:
    assert isinstance(events[-1], Finished)
    return events[-1].summary


def test_a_short_text_is_read_at_once_and_the_extract_is_there_first() -> None:
    engine = FakeEngine(lambda prompt: "The bridge over the Lune was closed because of cracks.")
    events = run(engine, SummaryRequest(SHORT, "sentence"))
    assert isinstance(events[0], Extracted) and events[0].sentences[0].text in SHORT
    assert isinstance(events[1], Planned) and events[1].plan.whole
    summary = summary_of(events)
    assert summary.text == "The bridge over the Lune was closed because of cracks."
    assert (summary.origin, summary.tries, summary.coverage.share) == ("model", 1, 1.0)
    assert summary.grounding.sentences[0].evidence and not summary.grounding.flags
    assert len(engine.asked) == 1


def test_drafts_grow_and_end_with_the_summary() -> None:
    engine = FakeEngine(lambda prompt: "The bridge was closed. The council wants to repair it.")
    drafts = [event.text for event in run(engine, SummaryRequest(SHORT, "abstract")) if isinstance(event, Drafted)]
    assert drafts and all(len(one) <= len(other) for one, other in itertools.pairwise(drafts))


def test_a_larger_model_writes_a_headline_first_which_is_not_shown() -> None:
    answer = "Headline: Bridge closed\nIntroduction: The bridge was closed because of cracks."
    engine = FakeEngine(lambda prompt: answer, parameters=500_000_000)
    events = run(engine, SummaryRequest(SHORT, "sentence"))
    assert summary_of(events).text == "The bridge was closed because of cracks."
    assert not any("Bridge closed" in event.text for event in events if isinstance(event, Drafted))
    assert engine.asked[0][1].content.startswith("Headline: ")


def test_a_larger_model_gets_no_examples_to_copy_from_for_a_list() -> None:
    engine = FakeEngine(lambda prompt: "- The bridge was closed on Monday.", parameters=500_000_000)
    run(engine, SummaryRequest(SHORT, "bullets"))
    assert {len(asked) for asked in engine.asked} == {1}


def test_a_long_text_is_read_part_by_part_several_at_once() -> None:
    together = threading.Barrier(2, timeout=20)
    engine = FakeEngine(first_words(20), on_chunk=lambda count: together.wait() if count <= 2 else None)
    text = long_text(120)
    events = run(engine, SummaryRequest(text, "bullets", 3))
    plan = next(event.plan for event in events if isinstance(event, Planned))
    notes = [event for event in events if isinstance(event, NoteWritten)]
    assert len(plan.parts) > 1 and "".join(text[part.start : part.end] for part in plan.parts) == text
    assert [event.done for event in notes if event.round == 0] == list(range(1, len(plan.parts) + 1))
    assert engine.most_at_once > 1
    summary = summary_of(events)
    assert summary.coverage.share == 1.0 and not summary.coverage.unread
    leaves = [node for node in summary.root.walk() if not node.children]
    assert [node.spans for node in leaves] == [((part.start, part.end),) for part in plan.parts]


def test_the_time_that_is_left_is_told_while_the_first_notes_are_written() -> None:
    events = run(FakeEngine(first_words(60)), SummaryRequest(long_text(120), "bullets", 3))
    kinds = [type(event) for event in events]
    growing = [event for event in events if isinstance(event, NotesGrowing)]
    assert kinds.index(NotesGrowing) < kinds.index(NoteWritten)
    assert all(event.remaining_s >= 0 and event.done < event.total for event in growing)


def test_every_request_fits_into_the_window() -> None:
    engine = FakeEngine(first_words(60), context_length=2200)
    run(engine, SummaryRequest(long_text(300), "abstract"))
    assert max(engine.count_tokens(asked) for asked in engine.asked) < 2200


def test_notes_are_put_together_in_rounds_until_they_fit() -> None:
    engine = FakeEngine(first_words(90), context_length=700)
    events = run(engine, SummaryRequest(long_text(300), "sentence"))
    rounds = {event.round for event in events if isinstance(event, NoteWritten)}
    assert max(rounds) >= 1
    tree = list(summary_of(events).root.walk())
    assert any(node.children and node.children[0].children for node in tree)
    assert summary_of(events).coverage.share == 1.0


@settings(max_examples=40, deadline=None)
@given(
    answers=st.lists(st.text(alphabet="ab.\n -*1A中。", max_size=400), min_size=1, max_size=6),
    paragraphs=st.integers(1, 60),
    context_length=st.integers(700, 3500),
    obeys=st.booleans(),
    form=st.sampled_from(["sentence", "bullets", "abstract", "key_points", "simple"]),
)
def test_whatever_the_model_writes_there_is_an_end_and_a_summary(
    answers: list[str], paragraphs: int, context_length: int, obeys: bool, form: str
) -> None:
    turn = iter(range(10**6))
    engine = FakeEngine(lambda prompt: answers[next(turn) % len(answers)], context_length, obeys=obeys)
    text = long_text(paragraphs)
    summary = summary_of(run(engine, SummaryRequest.from_untrusted(text, {"form": form})))
    assert summary.text.strip()
    assert summary.coverage.read == () or summary.coverage.read[-1][1] <= len(text)
    if summary.origin == "extract":
        assert summary.faults and all(one.text in text for one in summary.extract)


@settings(max_examples=25, deadline=None)
@given(repeats=st.integers(1, 3000), context_length=st.integers(700, 1500))
def test_a_model_that_repeats_all_it_reads_still_comes_to_an_end(repeats: int, context_length: int) -> None:
    engine = FakeEngine(lambda prompt: passage_of(prompt) * 2, context_length, obeys=False)
    summary = summary_of(run(engine, SummaryRequest("One more word is said here. " * repeats, "abstract")))
    assert summary.text


def test_a_cancelled_summary_keeps_the_notes_that_are_done() -> None:
    cancel = threading.Event()
    engine = FakeEngine(first_words(12))
    text = long_text(200)
    events: list[Event] = []
    for event in Summarizer(engine).summarize(SummaryRequest(text, "bullets"), cancel=cancel):
        events.append(event)
        if isinstance(event, NoteWritten):
            cancel.set()
    summary = summary_of(events)
    assert summary.cancelled and summary.origin == "model" and summary.text
    assert 0 < summary.coverage.share <= 1
    written = [node for node in summary.root.walk() if node.origin == "model" and not node.children]
    assert all(node.read for node in written)


def test_a_summary_cancelled_before_anything_is_written_is_the_extract() -> None:
    cancel = threading.Event()
    cancel.set()
    summary = summary_of(run(FakeEngine(first_words(5)), SummaryRequest(SHORT, "abstract"), cancel))
    assert summary.cancelled and summary.origin == "extract" and summary.text.split(". ")[0] in SHORT
    assert summary.coverage.share == 0 and summary.coverage.unread == ((0, len(SHORT)),)


def test_closing_the_events_stops_the_model() -> None:
    engine = FakeEngine(first_words(50))
    events = Summarizer(engine).summarize(SummaryRequest(long_text(150), "abstract"))
    for event in events:
        if isinstance(event, NoteWritten):
            break
    events.close()  # ty: ignore[missing-attribute]
    assert engine.closed == len(engine.asked)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (lambda prompt: "", "empty"),
        (lambda prompt: "Whales are mammals that live in the deep sea and sing.", "unsupported"),
        (lambda prompt: "the bridge the bridge " * 20, "loop"),
        (lambda prompt: prompt, "echo"),
        (lambda prompt: "这座桥因为裂缝已经关闭了，市政府希望尽快修好它，居民们正在等待。", "language"),
    ],
)
def test_a_model_that_fails_twice_is_replaced_by_the_texts_own_sentences(
    answer: Callable[[str], str], fault: str
) -> None:
    events = run(FakeEngine(answer), SummaryRequest(SHORT * 3, "abstract", 2))
    summary = summary_of(events)
    assert any(isinstance(event, SecondTry) for event in events)
    assert summary.origin == "extract" and fault in summary.faults
    assert [one.text for one in summary.extract] == [one.text for one in summary.grounding.sentences]


def test_a_summary_with_invented_numbers_is_tried_again_and_the_better_one_kept() -> None:
    first = "The bridge was closed because 77 cars fell into the river."

    def answer(prompt: str) -> str:
        return "The bridge was closed because of cracks." if "does not have" in prompt else first

    events = run(FakeEngine(answer), SummaryRequest(SHORT, "sentence"))
    assert [event.invented for event in events if isinstance(event, SecondTry)] == [("77",)]
    assert summary_of(events).text == "The bridge was closed because of cracks."
    assert summary_of(events).tries == 2


def test_sentences_that_stay_invented_are_left_out_and_named() -> None:
    answer = "- The bridge was closed on Monday.\n- It cost Herbert Quain 99 million.\n- Engineers found cracks."
    engine = FakeEngine(lambda prompt: answer, parameters=500_000_000)
    summary = summary_of(run(engine, SummaryRequest(SHORT, "bullets")))
    assert summary.text == "- The bridge was closed on Monday.\n- Engineers found cracks."
    assert summary.dropped == ("It cost Herbert Quain 99 million.",)
    assert not summary.grounding.flags


def test_key_points_have_quotes_that_stand_in_the_text_letter_by_letter() -> None:
    answer = "- Cracks were found in two pillars by engineers.\n- Whales are mammals of the deep."
    engine = FakeEngine(lambda prompt: answer, parameters=500_000_000)
    summary = summary_of(run(engine, SummaryRequest(SHORT, "key_points")))
    assert summary.dropped == ("Whales are mammals of the deep.",)
    [quote] = [point.quote for point in summary.points]
    assert quote is not None and quote.text == "Engineers had found cracks in two of its pillars."
    assert SHORT[quote.start : quote.end] == quote.text


@pytest.mark.parametrize("text", ["", "  \n ", "123 456", "https://example.org/page"])
def test_a_text_without_sentences_gets_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput, match="text"):
        run(FakeEngine(first_words(3)), SummaryRequest(text))


def test_without_a_model_the_reason_is_said() -> None:
    engine = FakeEngine(first_words(3))
    closed = type("Closed", (FakeEngine,), {"state": property(lambda self: type("S", (), {"loaded": None})())})
    with pytest.raises(ModelUnavailable, match="Choose one"):
        run(closed(engine.answer), SummaryRequest(SHORT))


def test_what_the_engine_refuses_is_raised() -> None:
    def refuse(prompt: str) -> str:
        raise ModelUnavailable("The model was closed.")

    with pytest.raises(ModelUnavailable, match="closed"):
        run(FakeEngine(refuse), SummaryRequest(long_text(100)))


def test_the_estimate_learns_how_fast_the_model_is() -> None:
    engine = FakeEngine(first_words(20), on_chunk=lambda count: None)
    summarizer = Summarizer(engine)
    request = SummaryRequest(long_text(150), "bullets")
    guessed = summarizer.plan(request).seconds
    list(summarizer.summarize(request))
    assert summarizer.plan(request).seconds != guessed
