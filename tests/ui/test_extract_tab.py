"""The extract tab: what a page asks for is made, kept, changed by hand and saved, and is nobody else's."""

from __future__ import annotations

import csv
import io
import json
import threading
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from playground.errors import InvalidInput, NotFound
from playground.ui.extract_view import VERSION
from tests.ui.conftest import until
from tests.ui.extracting import MINUTES, Page, engine, make_tab, texts, visitor

PEOPLE = [[["Sam Okoro"], ["treasurer"]], [["Ruth Ellison"], []]]


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(make_tab(tmp_path, engine()))


def units(text: str) -> bytes:
    return text.encode("utf-16-le")


def test_a_page_gets_a_table_whose_places_are_counted_as_browsers_do(page: Page) -> None:
    table = page.table()
    assert texts(table)[0][:5] == [
        ["Sam Okoro", "Ruth Ellison"], ["Halton"], ["4 March 2025", "30 April"], ["1,840 pounds"],
        ["post@plots.example"],
    ]  # fmt: skip
    for cell in table["rows"][0]:
        for value in cell:
            ((start, end),) = value["spans"]
            assert units(MINUTES)[2 * start : 2 * end].decode("utf-16-le") == value["text"]
    assert (table["preset"], table["model"], table["cancelled"]) == ("overview", "Fake", False)


def test_the_page_hears_how_far_it_is_and_can_look_at_it(tmp_path: Path) -> None:
    held, reached = threading.Event(), threading.Event()

    def wait(_: int) -> None:
        reached.set()
        assert held.wait(30)

    page = Page(make_tab(tmp_path, engine(on_stream=wait)))
    running = page.begin(schema="people")
    assert reached.wait(30)
    news = page.news()
    assert texts(news["table"]) == [[["Sam Okoro"], []], [["Ruth Ellison"], []]]
    held.set()
    told = running.result(30)
    assert told[-1]["phase"] == "ended"
    assert page.news()["gone"]


def test_stopping_keeps_what_was_found(tmp_path: Path) -> None:
    reached = threading.Event()
    held = threading.Event()

    def wait(_: int) -> None:
        reached.set()
        assert held.wait(30)

    tab_engine = engine(on_stream=wait)
    page = Page(make_tab(tmp_path, tab_engine))
    running = page.begin(schema="people")
    assert reached.wait(30)
    assert page.stop() == {"stopped": True}
    until(lambda: tab_engine.cancels[-1].is_set())
    held.set()
    end = running.result(30)[-1]
    table = page.open(end["run"])
    assert table["cancelled"] and [row[0] for row in texts(table)] == [["Sam Okoro"], ["Ruth Ellison"]]


def test_rules_are_enough_while_no_model_is_there_and_the_reason_is_said(tmp_path: Path) -> None:
    page = Page(make_tab(tmp_path, engine(loaded=False)))
    end = page.ask()[-1]
    assert "No model is open" in end["refused"]
    assert texts(page.open(end["run"]))[0][4] == ["post@plots.example"]
    contact = [{"name": "mail", "type": "email"}]
    assert texts(page.table(schema=contact)) == [[["post@plots.example"]]]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"text": "  "}, "no text"), ({"schema": []}, None), ({"schema": ["a", "a"]}, "Two columns"),
        ({"schema": "x"}, "no preset"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_a_sentence(page: Page, values: dict[str, Any], reason: str | None) -> None:
    end = page.ask(**{"text": MINUTES, **values})[-1]
    assert (end["refused"] is None) if reason is None else reason in end["refused"]


def test_a_value_written_by_hand_is_looked_up_in_the_text(page: Page) -> None:
    table = page.table(schema="people")
    assert texts(table) == PEOPLE
    changed = page.change(
        table["id"], [[["Sam Okoro"], ["treasurer"]], [["Ruth Ellison"], ["took the chair", "queen"]]]
    )
    found, absent = changed["rows"][1][1]
    assert (found["origin"], found["how"], len(found["spans"])) == ("hand", "exact", 1)
    assert (absent["origin"], absent["how"], absent["spans"]) == ("hand", "none", [])
    assert changed["rows"][0] == table["rows"][0]


def test_undoing_a_change_gives_back_what_the_model_had_found(page: Page) -> None:
    table = page.table(schema="people")
    page.change(table["id"], [[["Somebody else"], []]])
    back = page.change(table["id"], PEOPLE)
    assert back["rows"] == table["rows"]
    assert {back["rows"][0][0][0]["origin"], back["rows"][0][1][0]["origin"]} == {"model", "rule"}


def test_changes_are_kept_and_the_original_too(tmp_path: Path) -> None:
    page = Page(make_tab(tmp_path, engine()))
    table = page.table(schema="people")
    page.change(table["id"], [[["Sam Okoro"], ["cashier"]]])
    page.tab.runs._runs.clear()  # as after a restart
    again = page.open(table["id"])
    assert texts(again) == [[["Sam Okoro"], ["cashier"]]]
    assert again["source"] == MINUTES
    assert page.change(table["id"], PEOPLE)["rows"] == table["rows"]


@pytest.mark.parametrize("rows", [None, [[]], [["x", "y"]], [[["a"]]], [[["a"], []]] * 201])
def test_a_change_that_makes_no_sense_changes_nothing(page: Page, rows: Any) -> None:
    table = page.table(schema="people")
    with pytest.raises(InvalidInput):
        page.change(table["id"], rows)
    assert page.open(table["id"])["rows"] == table["rows"]


def test_a_spreadsheet_runs_nothing_of_it(page: Page) -> None:
    table = page.table(schema="people")
    page.change(table["id"], [[["=HYPERLINK(1)"], ["a", "b"]], [["-5"], []]])
    file = page.save(table["id"], "csv", columns=["Person", "=Role"])
    rows = list(csv.reader(io.StringIO(file["content"].removeprefix("\ufeff"))))
    assert rows == [["Person", "'=Role"], ["'=HYPERLINK(1)", "a; b"], ["-5", ""]]
    assert file["name"].endswith(".csv")


def test_json_has_places_in_code_points(page: Page) -> None:
    table = page.table(schema="people", name="Minutes of March.pdf")
    file = page.save(table["id"], "json")
    assert file["name"] == "Minutes-of-March.json"
    value = json.loads(file["content"])["rows"][0][0][0]
    ((start, end),) = value["spans"]
    assert MINUTES[start:end] == value["text"] == "Sam Okoro"
    with pytest.raises(InvalidInput):
        page.save(table["id"], "exe")


def test_columns_travel_as_a_file(page: Page) -> None:
    schema = {
        "rows": True,
        "fields": [{"name": "person", "type": "name"}, {"name": "mood", "type": "choice", "choices": ["good", "bad"]}],
    }
    read = page.tab.check_columns({"content": json.dumps(schema)}, page.request)["schema"]
    assert [field["name"] for field in read["fields"]] == ["person", "mood"] and read["rows"]
    table = page.table(schema="people")
    saved = page.save(table["id"], "json")["content"]
    assert page.tab.check_columns({"content": saved}, page.request)["schema"]["name"] == "people"
    for content in ("", "no json", '"text"', "[" * 10_000):
        with pytest.raises(InvalidInput):
            page.tab.check_columns({"content": content}, page.request)


def test_tables_are_listed_deleted_and_brought_back(page: Page) -> None:
    table = page.table(schema="people")
    (entry,) = page.tab.runs.list_entries({}, page.request)["entries"]
    assert (entry["id"], entry["preset"], entry["model"]) == (table["id"], "people", "Fake")
    page.tab.runs.delete_entry({"id": table["id"]}, page.request)
    with pytest.raises(NotFound):
        page.open(table["id"])
    page.tab.runs.restore_entry({"id": table["id"]}, page.request)
    assert texts(page.open(table["id"])) == PEOPLE


def test_a_table_of_another_version_is_not_shown_wrongly(page: Page) -> None:
    row = page.tab._services.history.add_run(
        "local", "extract", input="x", output="y", settings={"table": {"version": VERSION + 1}}
    )
    with pytest.raises(InvalidInput, match="another version"):
        page.open(row.id)
    assert page.tab.runs.list_entries({}, page.request)["entries"][0]["preset"] == ""


def test_visitors_of_a_shared_machine_see_their_own_tables_alone(tmp_path: Path) -> None:
    tab = make_tab(tmp_path, engine(), PLAYGROUND_SHARED="on")
    mine, other = Page(tab, visitor("a")), Page(tab, visitor("b"))
    table = mine.table(schema="people")
    for act in (other.open, lambda run: other.change(run, []), lambda run: other.save(run, "csv")):
        with pytest.raises(NotFound):
            act(table["id"])
    assert other.tab.runs.list_entries({}, other.request)["entries"] == []
    assert other.news()["gone"] and not other.stop()["stopped"]


def test_a_program_gets_everything_for_a_text_alone(page: Page) -> None:
    answer = page.tab.extract_text(MINUTES)
    (row,) = answer["rows"]
    assert [value["text"] for value in row["people"]] == ["Sam Okoro", "Ruth Ellison"]
    for values in row.values():
        for value in values:
            assert MINUTES[value["start"] : value["end"]] == value["text"]
    assert answer["complete"] and answer["one_row_for_each"] is None


def test_a_program_may_name_fields_in_several_ways(page: Page) -> None:
    assert [row["person"][0]["text"] for row in page.tab.extract_text(MINUTES, "people")["rows"]] == [
        "Sam Okoro",
        "Ruth Ellison",
    ]
    assert list(page.tab.extract_text(MINUTES, "deadline, price")["rows"][0]) == ["deadline", "price"]
    as_json = json.dumps([{"name": "mail", "type": "email"}])
    assert page.tab.extract_text(MINUTES, as_json)["rows"][0]["mail"][0]["found_by"] == "rule"
    rows = page.tab.extract_text(MINUTES, [{"name": "day", "type": "date", "every": True}], True)
    assert (rows["one_row_for_each"], len(rows["rows"])) == ("day", 2)


@pytest.mark.parametrize("fields", ["[{]", '{"fields": 1}', [{"type": "x"}]])
def test_a_program_is_told_what_is_wrong(page: Page, fields: Any) -> None:
    with pytest.raises(gr.Error) as told:
        page.tab.extract_text(MINUTES, fields)
    assert str(told.value).strip("'\"").endswith(".")
