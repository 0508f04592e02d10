"""Tables of texts: read, judged, stopped and gone on with, compared, fitted, taken away; and nobody else's."""

from __future__ import annotations

import base64
import csv
import io
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from playground.engine.scoring import Scored
from playground.errors import InvalidInput, NotFound
from playground.tasks.sentiment_labels import SENTIMENT, TWO_SIDES, Label, LabelSet, own_labels
from playground.tasks.sentiment_results import Judged
from playground.ui.edge import answered
from playground.ui.sentiment_batch import MOST_ROWS_SHARED
from playground.ui.sentiment_batch_tables import MOST_TABLES_OF_OWNER
from tests.tasks.sentiment_fakes import WordScorer
from tests.ui.conftest import until
from tests.ui.table_desk import ME, MODEL, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_table_is_read_and_its_columns_are_guessed(desk: Desk) -> None:
    view = desk.read()
    assert (view["rows"], view["has_header"], view["name"]) == (13, True, "reviews.csv")
    named = {role: view["columns"][view[role]] for role in ("text", "gold", "group")}
    assert named == {"text": "review", "gold": "stars", "group": "date"}
    assert [view["columns"][place] for place in view["groups"]] == ["date", "place"]
    assert len(view["preview"]) == 4


def test_a_table_comes_to_shares_groups_and_agreement_and_an_empty_text_to_a_reason(desk: Desk) -> None:
    figures = desk.judge()
    assert (figures["phase"], figures["done"], figures["errors"]) == ("done", 13, 1)
    assert figures["counts"] == [4, 4, 4] and figures["labels"] == list(SENTIMENT.names)
    assert figures["groups"]["names"] == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert figures["groups"]["counts"] == [[4, 0, 4], [0, 4, 0], [0, 0, 0]]
    gold = figures["gold"]
    assert gold["accuracy"] == 1 and gold["confusion"] == [[4, 0, 0], [0, 4, 0], [0, 0, 4]]
    assert sum(texts for _, _, texts in gold["bins"]) == 12
    [failed] = desk.rows(figures["table"], show="errors")["rows"]
    assert failed["row"] == 12 and "no text" in failed["error"] and failed["label"] is None


def test_a_stop_keeps_what_is_done_and_the_rest_can_be_gone_on_with(desk: Desk) -> None:
    desk.engine.gate = threading.Semaphore(0)
    table = desk.begin(desk.read("text\n" + "\n".join(f"text number {n} good" for n in range(10))))
    for _ in range(3):
        desk.engine.gate.release()
    until(lambda: desk.batch.table_progress({"table": table}, ME)["done"] == 3, 20)
    running = desk.batch.table_progress({"table": table}, ME)
    assert running["running"] and sum(running["counts"]) == 3
    for refused in (desk.batch.judge_table, desk.batch.read_table_again, desk.batch.set_table_columns):
        with pytest.raises(InvalidInput, match="being judged"):
            refused({"table": table, "text": 0}, ME)
    assert desk.batch.stop_table({"table": table}, ME)["stopped"]
    stopped = desk.rest(table)
    assert stopped["phase"] == "stopped" and 3 <= stopped["done"] < 10
    asked = len(desk.engine.asked)
    desk.engine.gate = None
    desk.batch.judge_table({"table": table, "text": 0}, ME)
    finished = desk.rest(table)
    assert finished["done"] == 10 and finished["phase"] == "done"
    assert sum(len(openings) for openings in desk.engine.asked[asked:]) == 10 - stopped["done"]


def test_a_page_that_was_loaded_anew_finds_its_table_as_it_was(desk: Desk) -> None:
    view = desk.read()
    assert desk.batch.open_table({"table": view["table"]}, ME)["progress"]["phase"] == "ready"
    desk.rest(desk.begin({**view, "gold": None, "group": 1}))
    again = desk.batch.open_table({"table": view["table"]}, ME)
    assert (again["text"], again["gold"], again["group"]) == (2, None, 1)
    assert again["progress"]["done"] == 13 and again["preview"] == view["preview"]


def test_known_labels_of_two_sides_are_seen_and_then_neutral_need_not_be_offered(desk: Desk) -> None:
    assert not desk.read()["two_sides"]
    view = desk.read("text,label\n" + "good,1\nbad,0\n" * 6)
    assert view["two_sides"] and view["gold"] == 1
    desk.labels = TWO_SIDES
    figures = desk.rest(desk.begin(view))
    assert figures["labels"] == ["negative", "positive"] and figures["gold"]["accuracy"] == 1


def test_other_labels_or_another_column_begin_anew(desk: Desk) -> None:
    figures = desk.judge()
    desk.labels = own_labels("soup\ntable")
    view = {"table": figures["table"], "text": 2, "gold": None, "group": None}
    again = desk.rest(desk.begin(view))
    assert again["labels"] == ["soup", "table", "none of these"] and again["done"] == 13
    assert again["gold"] is None and again["groups"] is None


def test_what_a_column_says_can_be_compared_and_grouped_by_without_asking_a_model(desk: Desk) -> None:
    view = desk.read()
    figures = desk.rest(desk.begin({**view, "gold": None, "group": None}))
    assert figures["gold"] is None and figures["groups"] is None
    asked = len(desk.engine.asked)
    later = desk.batch.set_table_columns({"table": view["table"], "gold": 3, "group": 1}, ME)
    assert later["gold"]["accuracy"] == 1 and later["groups"]["names"] == ["north", "south"]
    assert len(desk.engine.asked) == asked
    strange = desk.batch.set_table_columns({"table": view["table"], "gold": 1, "group": None}, ME)
    assert "none of the labels" in strange["gold"]["refused"]


def test_rows_are_filtered_searched_sorted_and_come_in_pages(desk: Desk) -> None:
    texts = [f"good {n}" for n in range(30)] + ["good good good best", "bad"]
    table = desk.judge("text,stars\n" + "\n".join(f"{text},{1 if text == 'good 7' else 5}" for text in texts))["table"]
    first = desk.rows(table)
    assert (first["total"], first["pages"], len(first["rows"])) == (32, 2, 25)
    assert [row["row"] for row in desk.rows(table, number=1)["rows"]] == list(range(25, 32))
    assert desk.rows(table, number=99)["number"] == 1
    assert [row["text"] for row in desk.rows(table, label=0)["rows"]] == ["bad"]
    assert [row["text"] for row in desk.rows(table, query="BEST")["rows"]] == ["good good good best"]
    assert desk.rows(table, sort="sure")["rows"][0]["text"] == "good good good best"
    wrong = desk.rows(table, show="wrong")["rows"]
    assert {row["text"] for row in wrong} == {"good 7", "bad"}
    cell = desk.rows(table, gold=0, label=2)
    assert [row["text"] for row in cell["rows"]] == ["good 7"]


def test_the_file_to_take_away_has_all_columns_the_figures_and_the_reasons_and_no_formula(desk: Desk) -> None:
    figures = desk.judge("text,label\n=good news,1\nbad news,-1\n,0\n" + "good,1\nbad,-1\n")
    saved = desk.batch.save_table({"table": figures["table"]}, ME)
    assert saved["name"] == "reviews-labels.csv"
    rows = list(csv.reader(io.StringIO(saved["content"].removeprefix("\ufeff"), newline="")))
    assert rows[0][:2] == ["text", "label"] and len(set(rows[0])) == len(rows[0])
    assert rows[0][3:] == ["p negative", "p neutral", "p positive", "error"]
    assert rows[1][0] == "'=good news" and rows[1][2] == "positive" and rows[1][-1] == ""
    assert sum(map(float, rows[1][3:6])) == pytest.approx(1, abs=1e-3)
    assert rows[3][2] == "" and "no text" in rows[3][-1]


def test_a_fit_is_tried_kept_for_this_visitor_and_undone(desk: Desk) -> None:
    table = desk.judge("text,label\n" + "good,positive\nbad,negative\n" * 6)["table"]  # nothing neutral
    with pytest.raises(InvalidInput, match="too few"):
        desk.batch.try_table_fit({"table": table}, ME)
    stars = "text,stars\n" + "good,5\nbad,1\ngood bad,3\ngood bad,1\n" * 8
    table = desk.judge(stars)["table"]
    tried = desk.batch.try_table_fit({"table": table}, ME)
    assert tried["after"]["texts"] == tried["before"]["texts"] == 32
    before = desk.rows(table)["rows"][0]["probabilities"]
    kept = desk.batch.keep_table_fit({"table": table}, ME)
    assert kept["fit"]["rows"] == 32 and desk.rows(table)["rows"][0]["probabilities"] != before
    assert desk.batch.fits.find("me", MODEL.id, SENTIMENT) is not None
    assert desk.batch.fits.find("another", MODEL.id, SENTIMENT) is None
    assert desk.batch.fits.find("me", MODEL.id, own_labels("a\nb")) is None
    another = desk.judge(stars.replace("bad", "awful"))
    assert another["fit"] is not None, "what was fitted holds for the next table too"
    undone = desk.batch.undo_table_fit({"table": table}, ME)
    assert undone["fit"] is None and desk.rows(table)["rows"][0]["probabilities"] == before
    assert desk.batch.fits.find("me", MODEL.id, SENTIMENT) is None


def test_an_english_table_is_compared_with_a_list_of_words_on_the_same_rows(desk: Desk) -> None:
    text = (
        "text,stars\n"
        + "This is a good and lovely day,5\nThis was a bad and awful evening,1\nThe bus leaves at ten,3\n" * 3
    )
    gold = desk.judge(text)["gold"]
    assert gold["lexicon"]["accuracy"] == 1
    german = text.replace("This is a good and lovely day", "Das ist ein good und schöner Tag").replace(
        "This was a bad and awful evening", "Das war ein bad und schlimmer Abend"
    )
    assert desk.judge(german.replace("The bus leaves at ten", "Der Bus fährt um zehn Uhr"))["gold"]["lexicon"] is None


def test_nobody_else_sees_a_table(desk: Desk) -> None:
    table = desk.judge()["table"]
    other: Any = SimpleNamespace(owner="other")
    for function in desk.batch.functions:
        if function != desk.batch.read_table:
            with pytest.raises(NotFound):
                function({"table": table, "row": 0}, other)


def test_a_table_that_is_not_there_any_more_is_said(desk: Desk) -> None:
    first = desk.read()["table"]
    for _ in range(MOST_TABLES_OF_OWNER):
        desk.read()
    assert "Choose the file again" in answered(desk.batch.table_progress)({"table": first}, ME)["error"]


def test_bad_input_is_refused_with_a_sentence(desk: Desk, tmp_path: Path) -> None:
    for data in ({}, {"data": "%%%"}, {"pasted": "  "}, {"data": base64.b64encode(b"\x00\x01" * 99).decode()}):
        assert answered(desk.batch.read_table)(data, ME)["error"]
    view = desk.read()
    for columns in ({"text": None}, {"text": 9}, {"text": "2"}, {"text": 2, "gold": -1}):
        with pytest.raises(InvalidInput):
            desk.batch.judge_table({"table": view["table"], **columns}, ME)
    shared = Desk(tmp_path / "shared", PLAYGROUND_SHARED="on")
    with pytest.raises(InvalidInput, match="2,000"):
        shared.read("text\n" + "hello\n" * (MOST_ROWS_SHARED + 1))


def test_the_first_line_can_be_made_a_row(desk: Desk) -> None:
    view = desk.read()
    again = desk.batch.read_table_again({"table": view["table"], "header": False}, ME)
    assert again["rows"] == view["rows"] + 1 and again["columns"][0] == "Column 1"


def test_a_failure_in_the_middle_keeps_what_is_done_and_says_why(desk: Desk) -> None:
    desk.engine.phase = "failed"

    def fail(*args: Any, **values: Any) -> Iterator[Scored]:
        yield from WordScorer().score(args[0][:2], args[1])
        raise InvalidInput("The model was changed while your text was being read. Try again.")

    desk.engine.score = fail  # type: ignore[method-assign]
    figures = desk.judge()
    assert figures["phase"] == "failed" and figures["error"].startswith("The model was changed") and figures["done"] > 0


class OwnLabels:
    """A classifier with labels of its own, each with a probability of its own."""

    labels = LabelSet((Label("toxic"), Label("rude")))
    model_name = "Some classifier"
    independent = True

    def judge(self, texts: Sequence[str], **how: Any) -> Iterator[Judged]:
        for index, text in enumerate(texts):
            yield Judged(index, text, (-0.1, -0.2), (0.9, 0.8), 1.0)


class OneClassifier:
    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []

    def open(self, labels: LabelSet, *, model: str, names: dict[str, str], **how: Any) -> OwnLabels:
        self.asked.append((model, names))
        return OwnLabels()


def test_a_classifier_judges_a_table_with_its_own_labels_and_its_figures_stay_as_they_are(desk: Desk) -> None:
    shelf: Any = OneClassifier()
    desk.batch._jobs._judges = shelf
    figures = desk.judge(model="somebody/classifier", names={"LABEL_0": "toxic"})
    assert shelf.asked == [("somebody/classifier", {"LABEL_0": "toxic"})]
    assert (figures["labels"], figures["model"], figures["independent"]) == (["toxic", "rude"], "Some classifier", True)
    assert desk.rows(figures["table"])["rows"][0]["probabilities"] == [0.9, 0.8]
    assert figures["unsure"] == 0 and "none of the labels" in figures["gold"]["refused"]
    with pytest.raises(InvalidInput):
        desk.batch.try_table_fit({"table": figures["table"]}, ME)
