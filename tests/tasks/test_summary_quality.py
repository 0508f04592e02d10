"""What is measured about summaries comes out of the texts that are given, and says so when they are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.quality_summaries import ModelMeasured, measure_model, read_data, result_of, support_auroc
from benchmarks.results import Figure, markdown
from tests.tasks.summary_fakes import FakeEngine, passage_of


def figures(measured: ModelMeasured) -> dict[str, Figure]:
    data = read_data(None, slice(0, 50))
    return {figure.name: figure for figure in result_of([measured], data).figures}


def test_without_the_sets_the_small_texts_are_used_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    data = read_data(Path("/nowhere"), slice(0, 50))
    assert "small texts" in capsys.readouterr().err
    assert len(data.documents) >= 5 and data.name == "own small texts"


def test_only_the_rows_asked_for_are_read(tmp_path: Path) -> None:
    for name in ("summaries_xsum", "faithfulness_pairs"):
        rows = [json.dumps({"document": f"{number}", "source": f"{number}"}) for number in range(9)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows))
    data = read_data(tmp_path, slice(2, 5))
    assert [row["document"] for row in data.documents] == ["2", "3", "4"]
    assert [pair["source"] for pair in data.pairs] == ["2", "3", "4"]


def test_faithful_sentences_have_more_support_than_twisted_ones() -> None:
    assert support_auroc(read_data(None, slice(0, 50))) > 0.8


def test_a_model_that_invents_with_the_plain_prompt_alone_is_said_to_invent_less() -> None:
    def answer(prompt: str) -> str:
        if prompt.startswith("Summarize the following text in one sentence."):
            return "In 1812 Herbert Quain paid 77 dollars."
        return passage_of(prompt).split("\n")[0]

    data = read_data(None, slice(0, 50))
    measured = measure_model(FakeEngine(answer), "fake", data)  # ty: ignore[invalid-argument-type]
    assert measured.plain.invented == pytest.approx(300.0)
    assert measured.ours.invented == 0.0
    assert figures(measured)["invented, ours / plain prompt, fake"].verdict == "reached"
    assert "Summaries" in markdown(result_of([measured], data))
