"""The arithmetic of the sentiment figures; no model runs here."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import quality_sentiment
from benchmarks.command_line import QWEN_05B, SMOLLM2
from benchmarks.quality_sentiment import REPORTED, SETS, Measured, figures_of, language_of, read_rows, result_of
from benchmarks.results import markdown
from benchmarks.sentiment_speed import Speed
from playground.tasks.sentiment_labels import TWO_SIDES


def measured(model: str, data: str, accuracy: float = 0.9, f1: float = 0.7, error: float = 0.04) -> Measured:
    return Measured(model, data, 300, 0, accuracy, f1, error, 0.8, 0.1, 0.95, 0.6, 150, 10.0)


def test_figures_are_those_of_the_best_model_and_a_mean_needs_all_its_languages() -> None:
    found = [measured(SMOLLM2, "sst2", 0.83), measured(QWEN_05B, "sst2", 0.94), measured(QWEN_05B, "tweets_en")]
    verdicts = {figure.name: figure.verdict for figure in figures_of(found, Speed(60.0, 1000, 10.0, 30))}
    assert verdicts.pop("tweets macro-F1, mean of en, de, fr, es, best model") == "not measured"
    assert set(verdicts.values()) == {"reached"}
    complete = [*found, *(measured(QWEN_05B, f"tweets_{code}", f1=0.5) for code in ("de", "fr", "es"))]
    mean = next(figure for figure in figures_of(complete, None) if "mean of" in figure.name)
    assert mean.value == pytest.approx((0.7 + 3 * 0.5) / 4) and mean.verdict == "missed"


def test_the_section_names_every_model_and_set() -> None:
    page = markdown(result_of([measured(SMOLLM2, "sst2")], Speed(60.0, 1000, 10.0, 30)))
    assert "| SmolLM2-135M | sst2 | 300 |" in page and "one text at a time" in page


def test_without_data_the_small_texts_are_used_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts, known = read_rows(tmp_path, "sst2", slice(0, 300))
    assert len(texts) == len(known) > 4 and set(known) == set(range(len(TWO_SIDES.labels)))
    assert "small texts" in capsys.readouterr().err


def test_what_is_learned_from_is_never_what_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, slice] = {}

    def read(_: Path | None, data: str, rows: slice) -> tuple[list[str], list[int]]:
        asked[data] = rows
        return [], []

    monkeypatch.setattr(quality_sentiment, "read_rows", read)
    for data in SETS:
        with pytest.raises(Exception, match="too few"):
            quality_sentiment.learn(NoEngine(), "m", data, Path(), 10)  # type: ignore[arg-type]
    assert {data: rows.start for data, rows in asked.items()} == REPORTED


class NoEngine:
    def score(self, *_: object, **__: object) -> list[object]:
        return []


def test_a_sets_name_tells_its_language() -> None:
    assert [language_of(data) for data in SETS] == ["en", "en", "de", "fr", "es"]


def test_a_speed_that_was_measured_is_kept_for_runs_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality_sentiment, "RESULTS", tmp_path)
    assert quality_sentiment._keep_speed(None) is None
    measured_now = Speed(60.0, 1000, 10.0, 30)
    assert quality_sentiment._keep_speed(measured_now) == measured_now
    assert quality_sentiment._keep_speed(None) == measured_now
