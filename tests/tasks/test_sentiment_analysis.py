"""One text looked at closely: sentences and words find their places, a stop is heard."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.scoring import ScoringStopped
from playground.errors import InvalidInput, PromptTooLong
from playground.tasks.calibration import Calibration
from playground.tasks.sentiment import SentimentJudge
from playground.tasks.sentiment_analysis import (
    MOST_HEAT_WORDS,
    Analysis,
    Occlusion,
    analyse,
    judge_one,
    without_words,
    words_of,
)
from playground.tasks.sentiment_aspects import MOST_ASPECTS, aspect_named, aspects_in, clauses_of, judge_aspects
from playground.tasks.sentiment_results import MOST_CHARACTERS
from tests.tasks.sentiment_fakes import WordScorer

NEGATIVE, NEUTRAL, POSITIVE = range(3)
HOTEL = (
    "The food was excellent, but the service was slow and the waiter rude. Prices are fair although the wine is bad."
)


def judge(scorer: WordScorer | None = None) -> SentimentJudge:
    return SentimentJudge(scorer or WordScorer(), "no-such-model", calibration=Calibration(temperature=1.0))


def test_sentences_stand_where_the_text_has_them_and_the_whole_is_judged_too() -> None:
    text = "😀 It was a good day. The food was awful! We sat at a table."
    heard: list[Analysis] = []
    found = analyse(judge(), text, progress=heard.append)
    assert [text[one.start : one.end] for one in found.sentences] == [one.judged.text for one in found.sentences]
    assert [one.judged.label for one in found.sentences] == [POSITIVE, NEGATIVE, NEUTRAL]
    assert found.overall is not None and found.overall.text == text and not found.by_sentences
    assert heard[0].overall == found.overall and not heard[0].sentences, "the verdict comes first"
    assert [len(one.sentences) for one in heard] == [0, 1, 2, 3] and {one.total for one in heard} == {3}


def test_a_text_too_long_for_the_model_is_what_its_sentences_are_on_average() -> None:
    text = "It was a good day for us. It was a good time for us. The end was bad."
    found = analyse(judge(WordScorer(most_characters=40)), text)
    assert found.overall is not None and found.overall.error is None and found.overall.label == POSITIVE
    assert found.by_sentences and sum(found.overall.probabilities) == pytest.approx(1)
    assert judge_one(judge(WordScorer(most_characters=40)), text).probabilities == found.overall.probabilities
    with pytest.raises(PromptTooLong):
        analyse(judge(WordScorer(most_characters=3)), text)


@pytest.mark.parametrize("text", ["", " \n", "x" * (MOST_CHARACTERS + 1)])
def test_what_cannot_be_judged_is_refused_in_words(text: str) -> None:
    with pytest.raises(InvalidInput):
        analyse(judge(), text)


@pytest.mark.parametrize(
    ("text", "word"), [("What a lovely day it is", "lovely"), ("今天，很好。", "好"), ("good 😀", "good")]
)
def test_the_word_that_makes_the_difference_is_the_warmest(text: str, word: str) -> None:
    heard: list[Occlusion] = []
    found = without_words(judge(), text, progress=heard.append)
    weights = {one: found.weight(one, POSITIVE) for one in found.words}
    warmest = max(weights, key=weights.__getitem__)
    assert text[warmest.start : warmest.end] == word and weights[warmest] > 0
    assert all(weight == pytest.approx(0) for one, weight in weights.items() if one is not warmest)
    assert len(heard[-1].words) == heard[-1].total == len(found.words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It isn’t bad.", ["It", "isn’t", "bad"]), ("很好，真的。OK！", ["很", "好", "真", "的", "OK"]),
        ("“Nice” :) 😀, (well-made)!", ["Nice", ":)", "😀", "well-made"]),
    ],
)  # fmt: skip
def test_words_are_what_a_reader_takes_for_words(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in words_of(text)] == words


def test_what_stands_around_a_word_stays_when_it_is_left_out() -> None:
    scorer = WordScorer()
    without_words(judge(scorer), "A good day, a good night!")
    asked = {one.text.rpartition("Text: ")[2].partition("\n")[0] for one in scorer.asked[0]}
    assert {"A good, a good night!", "A good day, a good!"} <= asked


def test_words_are_left_out_in_one_batch_and_there_is_a_limit() -> None:
    scorer = WordScorer()
    without_words(judge(scorer), "a b c d")
    assert len(scorer.asked) == 1 and len(scorer.asked[0]) == 5
    for text in ("", "a " * (MOST_HEAT_WORDS + 1)):
        with pytest.raises(InvalidInput, match="Choose a part"):
            without_words(judge(), text)


def test_a_text_alone_is_read_in_company_and_nobody_hears_of_the_company() -> None:
    scorer = WordScorer()
    assert len(list(judge(scorer).judge(["good"]))) == 1
    assert len(scorer.asked[0]) == 2
    assert judge_one(judge(scorer), "good").label == POSITIVE


def test_a_stop_in_the_middle_is_heard() -> None:
    cancel = threading.Event()
    with pytest.raises(ScoringStopped):
        analyse(judge(), "Good. Bad. Fine.", cancel=cancel, progress=lambda found: cancel.set())


def test_aspects_are_words_of_the_text_with_the_parts_that_speak_of_them() -> None:
    found = aspects_in(HOTEL, "en")
    assert [one.name for one in found] == ["food", "service", "waiter", "Prices", "wine"]
    for one in found:
        assert HOTEL[one.start : one.end] == one.name
        assert all(one.name in HOTEL[start:end] for start, end in one.clauses)
    said = {one.aspect.name: one.judged.label for one in judge_aspects(judge(), HOTEL, found)}
    assert said["wine"] == NEGATIVE and said["food"] == NEUTRAL, "each is judged by its own part alone"


@pytest.mark.parametrize(
    ("text", "language", "names"),
    [
        ("Das Essen war ausgezeichnet, aber der Service war langsam.", "de", ["Essen", "Service"]),
        ("La nourriture était excellente mais le service était lent.", "fr", ["nourriture", "service"]),
        ("这家餐厅的味道很好，但是服务太差，价格也不便宜。", "zh", ["味道", "服务", "价格"]),
        ("房间一尘不染。我们很喜欢。可惜墙壁太薄。", "zh", ["墙壁"]),
        ("What a waste of time.", "en", []),
        ("I came back the next day in the morning.", "en", []),
        ("The screen scratches easily.", "en", ["screen"]),
    ],
)  # fmt: skip
def test_things_are_found_in_several_languages_and_times_are_none(text: str, language: str, names: list[str]) -> None:
    assert [one.name for one in aspects_in(text, language)] == names


def test_a_visitor_may_name_what_the_text_has_and_nothing_else() -> None:
    found = aspect_named(HOTEL, "WAITER", "en")
    assert (HOTEL[found.start : found.end], HOTEL[slice(*found.clauses[0])]) == ("waiter", "and the waiter rude.")
    assert aspect_named("味道好，服务差", "服务", "zh").clauses == ((4, 7),)
    for name in ("", "parking", "x" * 100):
        with pytest.raises(InvalidInput):
            aspect_named(HOTEL, name, "en")


@settings(deadline=None)  # the machine may be busy
@given(
    st.text(alphabet=st.sampled_from("the food was, but good 很好，的味道😀.\n-")),
    st.sampled_from(["en", "de", "zh", ""]),
)
def test_any_text_has_parts_in_order_and_aspects_inside_them(text: str, language: str) -> None:
    clauses = clauses_of(text, language)
    assert all(first[1] <= second[0] for first, second in pairwise(clauses))
    found = aspects_in(text, language)
    assert len(found) <= MOST_ASPECTS and all(one.clauses for one in found)
    assert all(text[one.start : one.end] == one.name for one in found)
