"""A column of known labels: read whoever wrote it, learned from without deceiving oneself."""

from __future__ import annotations

import pytest

from playground.errors import InvalidInput
from playground.tasks.calibration import Calibration
from playground.tasks.sentiment import Judged, SentimentJudge
from playground.tasks.sentiment_labels import SENTIMENT, TWO_SIDES, own_labels
from playground.tasks.sentiment_table import (
    compare,
    guess_known,
    known_labels,
    learn,
    learn_and_compare,
    recalibrated,
)
from tests.tasks.sentiment_fakes import WordScorer

TEXTS = ["good", "bad", "table", "good good", "awful bad", "chair"] * 4
COLUMN = ["positive", "negative", "neutral"] * 8


def judged(texts: list[str]) -> list[Judged]:
    return list(SentimentJudge(WordScorer(), "m", calibration=Calibration(1.0)).judge(texts))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["Positive", " NEG ", "", "neutral"], (2, 0, None, 1)),
        (["1", "-1", "0"], (2, 0, 1)),
        (["正面", "负面", "中性"], (2, 0, 1)),
    ],
)
def test_labels_are_found_however_they_are_written(column: list[str], expected: tuple) -> None:
    found = known_labels(column, SENTIMENT)
    assert found.labels == expected and found.count == len(expected) - expected.count(None)


def test_zero_and_one_are_the_two_sides_where_nothing_is_neutral() -> None:
    assert known_labels(["0", "1"], TWO_SIDES).labels == (0, 1)


def test_own_labels_are_found_by_name_and_by_word() -> None:
    assert known_labels(["furious", "Joy"], own_labels("anger: furious\njoy")).labels == (0, 1)


def test_what_is_no_label_is_named_and_an_empty_column_is_said() -> None:
    with pytest.raises(InvalidInput, match="“2024”"):
        known_labels(["positive", "2024"], SENTIMENT)
    with pytest.raises(InvalidInput, match="empty"):
        known_labels(["", " "], SENTIMENT)


def test_learning_from_ones_own_labels_makes_probabilities_surer_where_the_model_is_right() -> None:
    rows, known = judged(TEXTS), known_labels(COLUMN, SENTIMENT)
    before, learned = compare(rows, known), learn(rows, known, name="mine", date="2026-01-02")
    judge = SentimentJudge(WordScorer(), "m", calibration=learned)
    after = compare([judge.again(one, learned) for one in rows], known)
    assert before.accuracy == after.accuracy == 1.0
    assert after.calibration_error < before.calibration_error
    assert learned.fitted_on == "mine" and learned.rows == len(TEXTS)


def test_what_is_learned_on_some_texts_is_tried_on_others() -> None:
    texts = ["x"] * 24  # nothing to tell them apart
    found = learn_and_compare(judged(texts), known_labels(COLUMN, SENTIMENT))
    assert found.texts == 24 and found.accuracy < 0.45


def test_rows_without_figures_or_label_are_left_out() -> None:
    rows = judged(["good", "", "bad"])
    assert compare(rows, known_labels(["positive", "negative", ""], SENTIMENT)).texts == 1
    with pytest.raises(InvalidInput):
        compare(rows, known_labels(["", "negative", ""], SENTIMENT))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["5", "1", "3", "4", "2"], (2, 0, 1, 2, 0)),
        (["0", "1", "2"], (0, 1, 2)),
        (["4", "0", "2"], (2, 0, 1)),
        (["5.0", "1.0"], (2, 0)),
    ],
)
def test_stars_and_the_numbers_of_public_sets_are_read_as_sentiment(column: list[str], expected: tuple) -> None:
    assert known_labels(column, SENTIMENT).labels == expected


def test_three_stars_are_neither_side() -> None:
    with pytest.raises(InvalidInput, match="3"):
        known_labels(["5", "3", "1"], TWO_SIDES)


def test_the_column_of_labels_is_guessed_and_numbers_of_rows_are_not_taken_for_it() -> None:
    ids, words = ["1", "2", "3", "4", "5", "4"], ["a b", "c d", "e", "f", "g", "h"]
    stars = ["5", "5", "1", "1", "5", "1"]
    assert guess_known([["1", "2", "3", "4", "5"], words], SENTIMENT) is None
    assert guess_known([words, stars], SENTIMENT) == 1
    assert guess_known([words, [*ids[:5], ""]], SENTIMENT) is None


def test_another_calibration_changes_the_probabilities_and_asks_no_model() -> None:
    found = judged(["good", " ", "bad"])
    flat = recalibrated(found, Calibration(1000.0))
    assert [one.index for one in flat] == [one.index for one in found]
    assert flat[0].error is not None or flat[0].probabilities != found[0].probabilities
    for one in flat:
        if one.error is None:
            assert max(one.probabilities) == pytest.approx(1 / 3, abs=0.01)


def test_every_part_of_a_trial_has_every_label_whatever_the_order_of_the_rows() -> None:
    texts, column = ["good", "bad", "table", "chair"] * 5, ["positive", "negative", "neutral", "neutral"] * 5
    assert learn_and_compare(judged(texts), known_labels(column, SENTIMENT)).accuracy == 1
