"""The arithmetic and the page of the quality scripts; no model runs here."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import quality, quality_context, quality_translation
from benchmarks.quality_translation import read_rows, result_of
from benchmarks.results import Figure, Result
from benchmarks.translation_records import Kept, Measured
from playground.tasks import translation_quality
from playground.tasks.translation_quality import known_quality

MODEL = "qwen2.5-coder-0.5b-instruct"


def measured(ours: float = 40.0, dropped: int = 0) -> Measured:
    return Measured(MODEL, "en-fr", 50, 36.0, ours, 1.0, 2.0, dropped, 3, {"number": 2})


def verdicts(result: Result) -> dict[str, str]:
    return {figure.name.split(",")[0]: figure.verdict for figure in result.figures}


def test_a_gain_of_three_is_asked_for_and_nothing_may_be_dropped_or_broken() -> None:
    good = verdicts(result_of([measured()], [Kept(MODEL, 12, 5, 0)], "own"))
    assert set(good.values()) == {"reached"}
    bad = verdicts(result_of([measured(ours=38.9, dropped=1)], [Kept(MODEL, 12, 5, 1)], "own"))
    assert set(bad.values()) == {"missed"}


def test_the_page_keeps_what_is_written_by_hand_and_names_what_must_be_reached() -> None:
    dropped = Figure("dropped", 0.0, 0, lower_is_better=True)
    result = Result("quality_translation", "Translations", "How.", 1, (dropped,),
                    machine={"date": "2026-01-02"})  # fmt: skip
    first = quality.page([result], "")
    again = quality.page([result], first + "By hand.")
    assert "## Translations" in first and "| dropped |" in first
    assert again.endswith(quality.KEPT_FROM_HERE + "\nBy hand.")


def test_without_data_the_small_texts_are_used_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, rows = read_rows(tmp_path, slice(0, 50))
    assert name == "own small texts" and all({"en", "zh"} <= set(row) for row in rows)
    assert "small texts" in capsys.readouterr().err


def test_no_example_of_the_prompts_is_among_the_texts_that_are_reported() -> None:
    folder = quality_translation.EXAMPLES.parent
    examples = json.loads((folder / "translation_examples.json").read_text("utf-8"))
    reported = json.loads(quality_translation.EXAMPLES.read_text("utf-8"))["sentences"]
    assert not {row["en"] for row in examples} & {row["en"] for row in reported}
    assert all({"en", "zh", "fr", "es", "de"} <= set(row) <= set(examples[0]) for row in examples)


def test_known_quality_says_nothing_about_what_was_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "scores.json"
    file.write_text(json.dumps({"m": {"en-fr": 55.0, "en-zh": 20.0, "zh-en": 30.0}}), "utf-8")
    monkeypatch.setattr(translation_quality, "SCORES_FILE", file)
    translation_quality._scores.cache_clear()
    levels = [known_quality("m", *pair.split("-")) for pair in ("en-fr", "en-zh", "zh-en", "en-de")]
    assert [one and one.level for one in levels] == ["good", "fair", "poor", None]
    translation_quality._scores.cache_clear()


def test_what_earlier_sentences_decide_is_in_the_references_and_not_in_the_source() -> None:
    texts = json.loads(quality_context.TEXTS.read_text("utf-8"))
    assert len(texts) > 10
    for text in texts:
        assert len(text["texts"]) == len(text["references"])
        assert re.search(text["wanted"], text["references"][-1]) and not re.search(text["wanted"], text["texts"][-1])


class NoEngine:
    """Is opened and closed."""

    def close(self) -> None:
        """Nothing to do."""


def test_what_is_known_is_not_measured_again_and_care_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(quality_translation, "open_engine", lambda model: opened.append(model) or NoEngine())
    monkeypatch.setattr(
        quality_translation, "measure_pair", lambda engine, model, pair, rows: replace(plain, pair=pair)
    )
    monkeypatch.setattr(quality_translation, "measure_care", lambda engine, one, rows: replace(one, careful=41.0))
    monkeypatch.setattr(quality_translation, "measure_marked", lambda engine, model: Kept(MODEL, 12, 5, 0))
    plain = measured()

    def told(known: list[Measured | Kept], *, care: bool = True) -> list[object]:
        found = quality_translation._measured(MODEL, ["en-fr", "fr-en"], [], known, care=care)
        return [(one.pair, one.careful) if isinstance(one, Measured) else "marked" for one in found]

    first = [("en-fr", None), ("fr-en", None), "marked"]
    assert told([]) == [*first, ("en-fr", 41.0), ("fr-en", 41.0)] and told([], care=False) == first
    assert told([plain, replace(plain, pair="fr-en", careful=40.0)]) == ["marked", ("en-fr", 41.0)]
    opened.clear()
    assert told([plain, replace(plain, pair="fr-en"), Kept(MODEL, 12, 5, 0)], care=False) == [] == opened
