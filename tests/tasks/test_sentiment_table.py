"""A column of known labels: read whoever wrote it, learned from without deceiving oneself."""

from __future__ import annotations

import pytest

from playground.errors import InvalidInput
from playground.tasks.calibration import Calibration
from playground.tasks.sentiment import Judged, SentimentJudge
from playground.tasks.sentiment_labels import SENTIMENT, TWO_SIDES, own_labels
from playground.tasks.sentiment_table import compare, known_labels, learn, learn_and_compare
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


def test_what_is_learned_on_one_half_is_tried_on_the_other() -> None:
    texts = ["x"] * 24  # nothing to tell them apart
    found = learn_and_compare(judged(texts), known_labels(COLUMN, SENTIMENT))
    assert found.texts == 24 and found.accuracy == pytest.approx(1 / 3, abs=0.1)


def test_rows_without_figures_or_label_are_left_out() -> None:
    rows = judged(["good", "", "bad"])
    assert compare(rows, known_labels(["positive", "negative", ""], SENTIMENT)).texts == 1
    with pytest.raises(InvalidInput):
        compare(rows, known_labels(["", "negative", ""], SENTIMENT))
