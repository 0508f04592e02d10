"""Judging texts: every text gets its figures, errors stay with their text, words and sentences find their places."""

from __future__ import annotations

import json
import math
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.scoring import ScoringStopped
from playground.errors import InvalidInput
from playground.tasks import calibration
from playground.tasks.calibration import Calibration
from playground.tasks.sentiment import SentimentJudge
from playground.tasks.sentiment_labels import NO_LABEL, SENTIMENT, TWO_SIDES, own_labels
from playground.tasks.sentiment_lexicon import by_words
from playground.tasks.sentiment_prompts import opening, options
from playground.tasks.sentiment_results import MOST_CHARACTERS
from tests.tasks.sentiment_fakes import WordScorer

PLAIN = Calibration(temperature=1.0)
NEGATIVE, NEUTRAL, POSITIVE = range(3)


def judge(scorer: WordScorer | None = None, **how) -> SentimentJudge:
    return SentimentJudge(scorer or WordScorer(), "no-such-model", **{"calibration": PLAIN, **how})


def test_the_likeliest_label_is_given_and_probabilities_add_up_to_one() -> None:
    found = list(judge().judge(["a good day", "awful and bad", "a table"]))
    assert [one.label for one in found] == [POSITIVE, NEGATIVE, NEUTRAL]
    assert all(sum(one.probabilities) == pytest.approx(1) for one in found)


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.sampled_from(["good", "bad", "", "so-so", "x" * (MOST_CHARACTERS + 1), "\ud83d"]), max_size=9))
def test_every_text_has_one_answer_or_one_reason_and_equal_texts_are_asked_once(texts: list[str]) -> None:
    scorer = WordScorer()
    found = list(judge(scorer).judge(texts))
    assert sorted(one.index for one in found) == list(range(len(texts)))
    assert all(one.text == texts[one.index] for one in found)
    assert all((one.error is None) == (one.label is not None) for one in found)
    assert all(len(asked) == len(set(asked)) for asked in scorer.asked)


def test_an_owner_is_passed_on_and_a_stop_keeps_what_came_before() -> None:
    scorer, cancel, found = WordScorer(), threading.Event(), []
    with pytest.raises(ScoringStopped):
        for one in judge(scorer, owner="ann").judge(["good", "bad", "fine"], cancel=cancel):
            found.append(one)
            cancel.set()
    assert len(found) == 1 and scorer.owners == ["ann"]


def test_the_words_of_a_label_count_together_and_mass_says_whether_a_label_was_meant() -> None:
    labels = own_labels("joy: glad, happy\nanger: furious")
    (found,) = SentimentJudge(WordScorer(), "m", labels, calibration=PLAIN).judge(["happy"])
    # The fake gives e^(1-3) to "happy", e^-3 to every other word.
    joy, other = math.exp(-2) + math.exp(-3), math.exp(-3)
    assert found.probabilities == pytest.approx([joy / (joy + 2 * other), *[other / (joy + 2 * other)] * 2])
    assert found.mass == pytest.approx(joy + 2 * other)


def test_another_calibration_changes_the_figures_without_asking_the_model() -> None:
    scorer = WordScorer()
    sure = judge(scorer)
    (found,) = sure.judge(["good good good"])
    asked = len(scorer.asked)
    calm = sure.again(found, Calibration(temperature=5.0))
    assert calm.label == found.label and max(calm.probabilities) < max(found.probabilities)
    assert len(scorer.asked) == asked


def test_all_texts_begin_alike_and_a_line_end_cannot_end_the_text_early() -> None:
    first, second = (opening(text, SENTIMENT).text for text in ("a\nSentiment: positive\n\nb", "c"))
    assert first.rpartition("Text: ")[0] == second.rpartition("Text: ")[0] != ""
    assert first.endswith("Text: a Sentiment: positive b\nSentiment:")


def test_options_follow_the_labels_and_begin_with_the_blank_that_a_word_has() -> None:
    assert options(TWO_SIDES) == (" negative", " positive")
    assert options(own_labels("a: b, c\nd")) == (" b", " c", " d", f" {NO_LABEL}")


@pytest.mark.parametrize(
    "text", ["anger, joy", "anger，joy", "anger\njoy", "anger: furious, mad\njoy", "anger：furious\njoy"]
)
def test_own_labels_are_read_and_none_of_these_is_always_offered(text: str) -> None:
    assert own_labels(text).names == ("anger", "joy", NO_LABEL)


def test_own_labels_with_a_neutral_one_need_no_other() -> None:
    assert own_labels("up, down, neutral").names == ("up", "down", "neutral")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one",
        "a, A",
        "a: x\nb: x",
        ",".join(map(str, range(30))),
        "a: " + ", ".join("bcdefghijk") + "\nz",
        "l" * 99 + ", b",
    ],
)
def test_labels_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        own_labels(text)


def test_the_word_list_knows_the_plain_cases_and_only_sentiment() -> None:
    texts = ["What a great, lovely film!", "This is horrible.", "The table has four legs."]
    assert by_words(texts, SENTIMENT) == [POSITIVE, NEGATIVE, NEUTRAL]
    assert by_words(texts, TWO_SIDES) == [1, 0, 1]
    assert by_words(texts, own_labels("a, b")) is None


def test_every_language_has_its_own_calibration_and_one_is_found_for_all_texts_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept(*bias: float) -> dict[str, object]:
        return {"temperature": 1.0, "bias": bias, "fitted_on": "x", "date": "2026-01-02", "rows": 9}

    file = tmp_path / "fitted.json"
    file.write_text(json.dumps({"m": {"sentiment": {"en": kept(9, 0, 0), "fr": kept(0, 0, 9)}}}), "utf-8")
    monkeypatch.setattr(calibration, "FITTED_FILE", file)
    calibration.read_calibrations_again()
    judge = SentimentJudge(WordScorer(), "m")
    french = list(judge.judge(["Le magasin ouvre demain à neuf heures.", "Merci pour cette soirée.", "ok"]))
    english = list(judge.judge(["The shop opens tomorrow at nine.", "Thank you for the evening.", "ok"]))
    assert {one.label for one in french} == {POSITIVE} and {one.label for one in english} == {NEGATIVE}
    calibration.read_calibrations_again()


class LeaningScorer(WordScorer):
    """Prefers "anger", whatever the text says."""

    def score(self, openings, options, **how):
        for scored in super().score(openings, options, **how):
            liked = zip(options, scored.logprobs, strict=True)
            yield replace(scored, logprobs=tuple(value + 3 * (option == " anger") for option, value in liked))


def test_a_label_of_ones_own_that_a_model_likes_anyway_has_to_earn_it() -> None:
    judge = SentimentJudge(LeaningScorer(), "m", own_labels("anger, joy"))
    found = sorted(judge.judge(["joy joy joy", "a table", "anger"]), key=lambda one: one.index)
    assert [one.label for one in found] == [1, 0, 0], "half of the lead is taken away"
    assert judge.calibration_for("en").bias == pytest.approx((-0.5, 0.25, 0.25))
    asked = len(judge._scorer.asked)
    list(judge.judge(["anger"]))
    assert len(judge._scorer.asked) == asked + 1, "asked once"
    fitted = Calibration(temperature=1.0)
    plain = SentimentJudge(LeaningScorer(), "m", own_labels("anger, joy"), calibration=fitted)
    assert [one.label for one in plain.judge(["joy joy"])] == [0] and plain.calibration_for("en") is fitted
