"""What models write around a summary is taken off, and what is no summary is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.tasks.grounding import Source
from playground.tasks.summary_checks import clean, faults, is_enough, is_looping, points_of
from playground.tasks.summary_prompts import Asked, ask
from playground.tasks.summary_repair import quotes_checked
from playground.tasks.summary_request import FORMS, SummaryRequest

TEXT = "The old bridge was closed. " * 20
SENTENCE, BULLETS = SummaryRequest(TEXT, "sentence"), SummaryRequest(TEXT, "bullets", 3)
ABSTRACT = SummaryRequest(TEXT, "abstract", 2)


@pytest.mark.parametrize(
    "raw",
    [
        "The bridge was closed.",
        "Summary: The bridge was closed.",
        "Sure! Here is a one-sentence summary of the article:\n\nThe bridge was closed.",
        "**Summary:** The bridge was closed.",
        '"The bridge was closed."',
        "In summary, the bridge was closed.",
        "The article reports that the bridge was closed.",
        "Here's the headline: The bridge was closed.\n\nLet me know if you need more!",
        "The bridge was closed. The council wants to repair it.",
        "# Summary\n\nThe bridge was closed.",
        "First sentence: The bridge was closed.",
        "The missing first sentence of this news article is: The bridge was closed.",
        "TL;DR in one sentence, for someone who has not read the article: The bridge was closed.",
        "In this article, the author explains that the bridge was closed.",
        "This summary says that the bridge was closed.",
        "<think>It is about a bridge.</think>\n\nThe bridge was closed.",
        "The bridge was closed [1].",
        "The bridge was closed.[1][2, 3]",
        "The bridge was closed【3†source】.",
        "The bridge was closed (Source: the article).",
    ],
)
def test_a_sentence_is_taken_out_of_what_stands_around_it(raw: str) -> None:
    assert clean(raw, SENTENCE, "en") == "The bridge was closed."


def test_chinese_announcements_are_taken_off() -> None:
    assert clean("以下是文章的总结：大桥因裂缝关闭。", SENTENCE, "zh") == "大桥因裂缝关闭。"


@pytest.mark.parametrize("mark", ["- ", "* ", "• ", "{}. ", "{}) ", "- {}. "])
def test_points_lose_their_marks_repetitions_and_surplus(mark: str) -> None:
    lines = ["One thing is here.", "Another stands there.", "One thing is here.", "A third came.", "A fourth goes."]
    raw = "Key points:\n\n" + "\n".join(mark.format(number) + line for number, line in enumerate(lines, 1))
    assert points_of(clean(raw, BULLETS, "en")) == ["One thing is here.", "Another stands there.", "A third came."]


@pytest.mark.parametrize("sentence", ["3.5 million live there.", "10:30 is late for us.", "-5 degrees is cold."])
def test_a_number_at_the_beginning_is_no_mark(sentence: str) -> None:
    assert clean(sentence, SENTENCE, "en") == sentence
    assert points_of(clean(f"- {sentence}", BULLETS, "en")) == [sentence]


def test_half_a_sentence_is_left_out_where_a_whole_one_is_there() -> None:
    assert clean("The bridge was closed. The council wa", ABSTRACT, "en", finished=False) == "The bridge was closed."
    assert clean("The bridge wa", ABSTRACT, "en", finished=False) == "The bridge wa"
    assert faults("The bridge wa", TEXT, "en", finished=False) == ("unfinished",)


@pytest.mark.parametrize(
    ("summary", "fault"),
    [
        ("...", "empty"),
        ("Summarize the following text in one sentence.", "echo"),
        (TEXT, "echo"),
        ("very very very very very good", "loop"),
        ("Die alte Brücke über den Fluss wurde gestern wegen Rissen geschlossen.", "language"),
    ],
)
def test_what_is_no_summary_is_named(summary: str, fault: str) -> None:
    assert fault in faults(summary, TEXT, "en")


def test_a_good_summary_has_no_faults() -> None:
    assert faults("The old bridge was closed because of cracks in its pillars.", TEXT, "en") == ()


def test_loops_are_seen_in_chinese_too() -> None:
    assert is_looping("我们很高兴参加会议，" * 4)
    assert not is_looping("这座桥已经关闭，市政府希望在六周之内修好它。")


@pytest.mark.parametrize(
    ("raw", "request_", "enough"),
    [
        ("One. Tw", SENTENCE, True),
        ("One.", SENTENCE, False),
        ("Sure! Here is a summ", SENTENCE, False),
        ("Sure! Here is a summary:\n\nThe bridge was closed. It", SENTENCE, True),
        ("- a\n- b\n- c", BULLETS, False),
        ("- a\n- b\n- c\n- ", BULLETS, True),
    ],
)
def test_the_model_is_stopped_when_there_is_enough(raw: str, request_: SummaryRequest, enough: bool) -> None:
    assert is_enough(raw, request_, "en") is enough


def test_only_quotations_keep_quotation_marks() -> None:
    source = Source("She said that nobody would ever rest again. It was late.")
    assert quotes_checked("“nobody would ever rest”", source) == "“nobody would ever rest”"
    assert quotes_checked("He said “we shall overcome all”.", source) == "He said we shall overcome all."


@settings(max_examples=100, deadline=None)
@given(raw=st.text(alphabet='ab .!?\n-*"“”1#:好的。', max_size=200), form=st.sampled_from(FORMS))
def test_cleaning_twice_changes_nothing_that_matters(raw: str, form: str) -> None:
    request = SummaryRequest.from_untrusted(TEXT, {"form": form})
    once = clean(raw, request, "en")
    assert len(points_of(once)) <= max(request.count, 1) or not request.is_list
    assert all(letter in raw.casefold() for letter in once.casefold() if letter.isalnum())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("source", "target"), [("en", "en"), ("zh", "zh"), ("fr", "fr"), ("en", "de")])
def test_every_form_is_asked_for_with_the_text_last(form: str, source: str, target: str) -> None:
    request = SummaryRequest.from_untrusted(TEXT, {"form": form, "focus": "Who closed it?", "length": 3})
    question = ask(Asked(request, source, target), "PASSAGE")
    assert question.messages[-1].role == "user" and question.messages[-1].content.endswith("PASSAGE")
    assert "Who closed it?" in question.messages[-1].content
    assert question.app_messages == 0
    if target == "de":
        assert "German" in question.messages[-1].content
    plain = ask(Asked(SummaryRequest(TEXT, request.form), source, target), "PASSAGE")
    assert plain.app_messages == len(plain.messages) - 1


def test_untrusted_settings_are_put_into_range() -> None:
    request = SummaryRequest.from_untrusted(TEXT, {"form": "poem", "length": "1e9", "focus": 3, "language": "xx"})
    assert (request.form, request.length, request.focus, request.language) == ("bullets", 12, "", "")
    assert SummaryRequest.from_untrusted(TEXT, {"length": float("nan")}).length is None
    for wild in ([], {}, ["en"], None, 3):
        assert SummaryRequest.from_untrusted(TEXT, dict.fromkeys(("form", "language", "length"), wild)).language == ""
