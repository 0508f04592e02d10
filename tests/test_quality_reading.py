"""The arithmetic of the reading figures; no model runs here."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.command_line import QWEN_05B, QWEN_15B
from benchmarks.quality_reading import Question, read_rows, result_of, row_of, small_rows
from benchmarks.reading_records import LanguageRows, Row, keep, kept, scores
from playground.tasks.asking import Answer

PASSAGE = "The Nile is long. It ends in the sea. Khartoum lies on it."
GOOD = Row("Khartoum", True, 1.0, 0.9, True, True, False, False, 1.0)
BAD = Row("the sea", False, 0.0, 0.2, True, False, False, True, 1.0)


@pytest.mark.parametrize(
    ("answer", "right", "exact", "f1"),
    [
        ("The Nile", "nile", True, 1.0), ("the long Nile", "Nile", False, 2 / 3), ("", "Nile", False, 0.0),
        ("喀土穆。", "喀土穆", True, 1.0), ("在喀土穆", "喀土穆", False, 6 / 7), ("6,650", "6 650", True, 1.0),
    ],
)  # fmt: skip
def test_marks_capitals_and_articles_do_not_count(answer: str, right: str, exact: bool, f1: float) -> None:
    assert scores(answer, ["something else", right]) == (exact, pytest.approx(f1))


def test_a_row_tells_whether_the_answer_is_copied_and_the_evidence_holds_it() -> None:
    question = Question(PASSAGE, "Which city lies on the Nile?", ("Khartoum",))
    start = PASSAGE.index("Khartoum")
    row = row_of(question, "en", Answer("?", "Khartoum", ((start, start + 8),), (start, len(PASSAGE)), 0.5), None)
    assert (row.exact, row.copied, row.evidence) == (True, True, True)
    invented = row_of(question, "en", Answer("?", "Cairo", (), (0, 17)), missed=True)
    assert (invented.exact, invented.copied, invented.evidence, invented.missed) == (False, False, False, True)


def test_what_must_be_reached_is_asked_of_the_models_that_it_is_asked_of() -> None:
    measured = [LanguageRows(QWEN_15B, "en", {0: GOOD, 1: GOOD}), LanguageRows(QWEN_05B, "en", {0: BAD})]
    found = {figure.name: figure.verdict for figure in result_of(measured).figures}
    assert found["questions, exact match, Qwen2.5-Coder-1.5B, en"] == "reached"
    assert found["questions, F1, Qwen2.5-Coder-0.5B, en"] == "missed"
    assert found["answers that are not a stretch of the text"] == "reached"


def test_one_answer_that_the_text_does_not_have_is_one_too_many() -> None:
    invented = Row("Cairo", False, 0.0, 0.2, False, False, False, None, 1.0)
    figures = result_of([LanguageRows(QWEN_05B, "de", {0: GOOD, 1: invented})]).figures
    assert [(figure.value, figure.verdict) for figure in figures] == [(1, "missed")]


def test_what_is_kept_of_one_piece_joins_the_next(tmp_path: Path) -> None:
    keep(LanguageRows(QWEN_05B, "zh", {0: GOOD}), tmp_path)
    keep(LanguageRows(QWEN_05B, "zh", {1: BAD}), tmp_path)
    assert kept(QWEN_05B, "zh", tmp_path).rows == {0: GOOD, 1: BAD}
    assert not kept(QWEN_05B, "en", tmp_path).rows


def test_without_data_the_examples_of_the_page_are_asked(tmp_path: Path) -> None:
    assert read_rows(tmp_path, "en", slice(0, 50)) == []
    for row in small_rows():
        assert any(answer.casefold() in row.passage.casefold() for answer in row.answers)
