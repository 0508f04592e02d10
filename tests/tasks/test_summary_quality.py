"""What is measured about summaries comes out of the texts that are given, and says so when they are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.quality_summaries import SummaryData, measure_model, pieces, read_data, result_of, support_auroc
from benchmarks.results import Figure, markdown
from benchmarks.summary_records import Measured, ModelRows, Row, keep, kept
from tests.tasks.summary_fakes import FakeEngine, passage_of


def figures(measured: ModelRows) -> dict[str, Figure]:
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


def test_pieces_laid_end_to_end_are_all_documents_with_their_numbers() -> None:
    data = SummaryData("some", tuple({"document": str(number)} for number in range(40, 60)), (), first=40)
    found = [
        (piece.first + index, row["document"]) for piece in pieces(data) for index, row in enumerate(piece.documents)
    ]
    assert found == [(number, str(number)) for number in range(40, 60)]


def test_faithful_sentences_have_more_support_than_twisted_ones() -> None:
    assert support_auroc(read_data(None, slice(0, 50))) > 0.8


def test_a_model_that_invents_with_the_plain_prompt_alone_is_said_to_invent_less() -> None:
    def answer(prompt: str) -> str:
        if prompt.startswith("Summarize the following text in one sentence."):
            return "In 1812 Herbert Quain paid 77 dollars."
        return passage_of(prompt).split("\n")[0]

    data = read_data(None, slice(0, 50))
    measured = measure_model(FakeEngine(answer), "fake", data)  # ty: ignore[invalid-argument-type]
    assert Measured.of(list(measured.plain.values())).invented == pytest.approx(300.0)
    assert Measured.of(list(measured.ours.values())).invented == 0.0
    assert figures(measured)["invented, ours / plain prompt, fake"].verdict == "reached"
    assert "Summaries" in markdown(result_of([measured], data))


def test_rows_that_are_kept_are_not_made_again_and_count(tmp_path: Path) -> None:
    data = read_data(None, slice(0, 50))
    known = ModelRows("fake", {0: Row(1.0, 1.0, 1.0, 0, 9)}, {0: Row(0.5, 0.5, 0.5, 2, 9)})
    keep(known, tmp_path)
    engine = FakeEngine(lambda prompt: "Something has happened somewhere to somebody.")
    keep(measure_model(engine, "fake", data, kept("fake", tmp_path)), tmp_path)  # ty: ignore[invalid-argument-type]
    found = kept("fake", tmp_path)
    assert found.numbers == tuple(range(len(data.documents)))
    assert (found.plain[0].one, found.ours[0].invented) == (1.0, 2)
    first = data.documents[0]["document"]
    assert not any(first in asked[-1].content for asked in engine.asked)
    assert result_of([found], data).by_model["fake"]["summarize"] > 0
