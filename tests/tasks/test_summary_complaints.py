"""What people complain of most in programs that sum up, staged: with us each of it has to come out otherwise.

The end of a long text is silently left out, a few passages are taken for the whole, putting together never ends or
overflows the window, the length is not the one asked for, it breaks off within a sentence, and what is invented looks
like what is not.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.tasks.summarization import Summarizer
from playground.tasks.summary_events import Event, Finished, NoteWritten, Planned, Summary
from playground.tasks.summary_request import FORMS, SummaryRequest, language_of
from playground.text.readings import read_file
from tests.tasks.summary_fakes import FakeEngine, first_words, passage_of

SENTENCES = (
    "The old bridge over the river was closed on Monday.",
    "Engineers had found deep cracks in two of its pillars.",
    "Several thousand cars use it every single day.",
    "The council wants to repair it before the winter.",
    "People have to take the ferry until then.",
    "The ferry is free for everybody who lives there.",
    "A new bridge would be far too expensive now.",
    "Shops near the bridge have already lost customers.",
)
TEXT = " ".join(SENTENCES)


def run(engine: FakeEngine, request: SummaryRequest) -> list[Event]:
    return list(Summarizer(engine).summarize(request))


def summary_of(events: list[Event]) -> Summary:
    assert isinstance(events[-1], Finished)
    return events[-1].summary


def numbered(count: int, end: str) -> str:
    """So many words, each one different, with no end of a sentence unless `end` is one."""
    return " ".join(f"word{number}{end if number % 12 == 11 else ''}" for number in range(count))


@pytest.mark.parametrize("end", [".", "", "\n", "\n\n"])
@pytest.mark.parametrize("context_length", [900, 4096])
def test_every_word_of_a_long_text_is_read_by_the_model(end: str, context_length: int) -> None:
    """Not the first so many tokens, and not the five passages that look most like the question."""
    engine = FakeEngine(first_words(15), context_length=context_length)
    text = numbered(6_000, end)
    summary = summary_of(run(engine, SummaryRequest(text, "bullets", 3)))
    read = " ".join(passage_of(asked[-1].content) for asked in engine.asked)
    assert set(re.findall(r"word\d+", text)) <= set(re.findall(r"word\d+", read))
    assert summary.coverage.share == 1.0
    assert max(engine.count_tokens(asked) for asked in engine.asked) < context_length


def test_what_was_not_read_is_named_and_never_counted_as_read() -> None:
    """A part that the model refuses is missing from the summary: the page can say which one."""
    engine = FakeEngine(lambda prompt: "" if "word3000" in prompt else first_words(15)(prompt))
    text = numbered(6_000, ".")
    summary = summary_of(run(engine, SummaryRequest(text, "bullets", 3)))
    for start, end in summary.coverage.unread:
        assert text[start:end].strip()
    leaves = [node for node in summary.root.walk() if not node.children]
    assert {node.spans for node in leaves if node.origin == "extract"} or summary.coverage.unread
    assert "".join(text[start:end] for node in leaves for start, end in node.spans) == text


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 12), st.sampled_from(("bullets", "key_points", "abstract")), st.integers(0, 3))
def test_there_are_as_many_points_or_sentences_as_were_asked_for(count: int, form: str, first: int) -> None:
    """Models do not count: whatever they write, nobody gets more than was asked for."""
    said = SENTENCES[first:]
    answer = (
        " ".join(said) if form == "abstract" else "\n".join(f"{number}. {one}" for number, one in enumerate(said, 1))
    )
    text = f"{TEXT} {numbered(240, '.')}"  # of a text that is hardly longer its own sentences would be taken
    request = SummaryRequest.from_untrusted(text, {"form": form, "length": count})
    summary = summary_of(run(FakeEngine(lambda prompt: answer, parameters=500_000_000), request))
    found = len(summary.grounding.sentences)
    assert found == (min(count, len(said)) if summary.origin == "model" else count)


@pytest.mark.parametrize("form", FORMS)
def test_a_summary_never_ends_within_a_sentence(form: str) -> None:
    """The model writes on until its greatest length is reached, and that is in the middle of something."""
    endless = "\n".join(f"- {one}" for one in SENTENCES * 40) if form in ("bullets", "key_points") else TEXT * 40
    request = SummaryRequest.from_untrusted(TEXT, {"form": form, "length": 12})
    summary = summary_of(run(FakeEngine(lambda prompt: endless), request))
    assert summary.text and all(line.rstrip().endswith(".") for line in summary.text.splitlines() if line.strip())


def test_putting_together_ends_though_every_note_is_as_long_as_what_it_was_made_from() -> None:
    engine = FakeEngine(lambda prompt: passage_of(prompt), context_length=900, obeys=False)
    events = run(engine, SummaryRequest(numbered(6_000, "."), "abstract"))
    plan = next(event.plan for event in events if isinstance(event, Planned))
    rounds = [event.round for event in events if isinstance(event, NoteWritten)]
    assert len(engine.asked) <= 6 * len(plan.parts) and max(rounds) <= 14
    assert summary_of(events).text


@pytest.mark.parametrize("name", ["notes.txt", "notes.md"])
def test_a_file_is_read_as_far_as_the_same_text_pasted(name: str) -> None:
    text = numbered(6_000, ".")
    engine = FakeEngine(first_words(15))
    read = read_file(text.encode(), name).text
    pasted, opened = (Summarizer(engine).plan(SummaryRequest(one, "bullets")) for one in (text, read))
    assert read == text
    assert [(part.start, part.end) for part in pasted.parts] == [(part.start, part.end) for part in opened.parts]


def test_no_citation_is_asked_of_the_model_and_every_sentence_has_its_passage() -> None:
    """Small models sprinkle citations: what a sentence rests on is found afterwards, letter by letter."""
    engine = FakeEngine(lambda prompt: f"{SENTENCES[1]} {SENTENCES[4]}")
    summary = summary_of(run(engine, SummaryRequest(TEXT, "abstract", 2)))
    prompts = " ".join(message.content for asked in engine.asked for message in asked)
    assert not re.search(r"\bcit(?:e|ation)|\[1\]|source number", prompts, re.IGNORECASE)
    best = [one.evidence[0] for one in summary.grounding.sentences]
    assert [one.text for one in best] == [SENTENCES[1], SENTENCES[4]]
    assert [TEXT[one.start : one.end] for one in best] == [SENTENCES[1], SENTENCES[4]]


@pytest.mark.parametrize(
    "refusal", ["I'm sorry, but I cannot summarize this.", "As an AI language model, I cannot.", "抱歉，我无法总结。"]
)
def test_a_model_that_refuses_is_replaced_by_the_texts_own_sentences(refusal: str) -> None:
    summary = summary_of(
        run(FakeEngine(lambda prompt: refusal), SummaryRequest(f"{TEXT} {numbered(240, '.')}", "abstract"))
    )
    assert summary.origin == "extract" and summary.faults
    assert summary.extract and all(one.text in TEXT + numbered(240, ".") for one in summary.extract)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ok 12", "en"),
        ("cat", "en"),
        ("Hello", "en"),
        ("El gato duerme en la casa.", "es"),
        ("12 : 30", "en"),
        ("旧桥 closed", "zh"),
    ],
)
def test_a_text_of_which_little_can_be_said_is_not_taken_for_some_rare_language(text: str, code: str) -> None:
    assert language_of(text) == code
