"""The stream of a summary, stopping it, what the page may ask, and the public endpoint."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from playground.errors import InvalidInput, NotFound
from playground.tasks.summary_request import FORMS
from playground.text.readings import Reading
from playground.ui.app import build_app
from playground.ui.edge import answered
from playground.ui.source_texts import LONGEST_SHARED_CHARACTERS, address_view
from playground.ui.strings import texts
from tests.tasks.summary_fakes import first_words
from tests.ui.conftest import make_services
from tests.ui.summarizing import (
    GOOD,
    REQUEST,
    SHORT,
    Held,
    Page,
    SummaryEngine,
    long_text,
    make_tab,
    until,
    visitor,
)


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(make_tab(tmp_path, SummaryEngine(lambda prompt: GOOD)))


def test_a_summary_shows_for_each_sentence_where_it_comes_from(page: Page) -> None:
    view = page.summary(SHORT, form="sentence")
    assert (view["text"], view["origin"], view["share"]) == (GOOD, "model", 1)
    [line] = view["lines"]
    [sentence] = line["sentences"]
    shown = [SHORT[start:end] for start, end in sentence["evidence"]]
    assert any("river Lune" in one for one in shown) or any("cracks" in one for one in shown)
    assert all(SHORT[start:end].endswith(".") for start, end in view["extract"])


def test_numbers_and_names_that_the_text_does_not_have_are_flagged_by_their_place(tmp_path: Path) -> None:
    wrong = "The old bridge over the river Lune was closed and 9,000 cars use it every day."
    view = Page(make_tab(tmp_path, SummaryEngine(lambda prompt: wrong))).summary(SHORT, form="sentence")
    [sentence] = view["lines"][0]["sentences"]
    [[kind, text, start, end]] = sentence["flags"]
    assert (kind, text, sentence["text"][start:end]) == ("number", "9,000", "9,000")


def test_the_key_points_carry_words_of_the_text(tmp_path: Path) -> None:
    points = "- The old bridge over the river Lune was closed on Monday.\n- Some 4,000 cars use it every day."
    engine = SummaryEngine(lambda prompt: points, parameters=500_000_000)
    view = Page(make_tab(tmp_path, engine)).summary(SHORT, form="key_points")
    quotes = [SHORT[slice(*line["quote"])].strip(" .") for line in view["lines"]]
    assert quotes == ["The old bridge over the river Lune was closed on Monday", "About 4,000 cars use it every day"]


def test_the_plan_is_told_before_anything_begins(page: Page) -> None:
    assert len(page.tab.plan_summary({"text": SHORT}, REQUEST)["parts"]) == 1
    text = long_text()
    plan = page.tab.plan_summary({"text": text}, REQUEST)
    assert len(plan["parts"]) > 1 and plan["seconds"] > 0
    assert [start for start, _ in plan["parts"][1:]] == [end for _, end in plan["parts"][:-1]], "laid end to end"
    assert (plan["parts"][0][0], plan["parts"][-1][1]) == (0, len(text))


def test_a_long_text_shows_its_parts_as_they_are_done_and_as_a_tree(tmp_path: Path) -> None:
    engine = SummaryEngine(first_words(12))
    view = Page(make_tab(tmp_path, engine)).summary(long_text(), form="bullets")
    leaves = [node for top in view["tree"] for node in leaves_of(top)]
    assert [node["spans"][0] for node in leaves] == view["plan"]["parts"]
    assert all(node["text"] for node in leaves) and view["share"] == 1 and not view["unread"]


def leaves_of(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [leaf for child in node["children"] for leaf in leaves_of(child)] or [node]


def test_stopping_keeps_the_notes_that_are_there_and_says_what_was_not_read(tmp_path: Path) -> None:
    held = Held(at=95)
    engine = SummaryEngine(first_words(12), on_chunk=held)
    page = Page(make_tab(tmp_path, engine))
    answer = page.begin(long_text(250), form="bullets")
    assert held.reached.wait(30)
    assert page.stop() == {"stopped": True}
    until(engine.was_stopped)
    held.free.set()
    end = answer.result(30)[-1]
    view = page.tab.runs.open_summary({"run": end["run"]}, REQUEST)
    assert view["cancelled"] and view["share"] < 1 and view["unread"] and view["text"]


def test_a_stop_before_the_model_wrote_anything_shows_the_texts_own_sentences_and_makes_no_entry(
    tmp_path: Path,
) -> None:
    held = Held(at=1)
    engine = SummaryEngine(first_words(12), on_chunk=held)
    page = Page(make_tab(tmp_path, engine))
    answer = page.begin(SHORT)
    assert held.reached.wait(30)
    assert page.stop() == {"stopped": True}
    until(engine.was_stopped)
    held.free.set()
    view = page.tab.runs.open_summary({"run": answer.result(30)[-1]["run"]}, REQUEST)
    assert (view["origin"], view["cancelled"], view["stored"]) == ("extract", True, False)
    assert page.tab.runs.list_entries({}, REQUEST)["entries"] == []


def test_a_stop_that_overtakes_its_request_ends_it_before_it_begins(page: Page) -> None:
    assert page.tab.stop_summary({"tab": page.name, "sequence": 1}, REQUEST) == {"stopped": False}
    assert page.ask(SHORT) == []


def test_the_news_of_a_summary_are_the_extract_the_plan_and_the_notes(tmp_path: Path) -> None:
    held = Held(at=95)
    page = Page(make_tab(tmp_path, SummaryEngine(first_words(12), on_chunk=held)))
    answer = page.begin(long_text(200), form="bullets")
    assert held.reached.wait(30)
    until(lambda: page.news()["notes"])
    news = page.news()
    assert news["extract"] and len(news["plan"]["parts"]) >= len(news["notes"])
    assert page.news(after=news["next"])["notes"] == []
    somebody = page.tab.summary_news({"tab": "another", "sequence": 1}, REQUEST)
    assert somebody == {"notes": [], "next": 0, "gone": True}
    page.stop()
    held.free.set()
    answer.result(30)


def test_the_central_sentences_are_there_while_the_model_is_being_opened(tmp_path: Path) -> None:
    engine = SummaryEngine(lambda prompt: GOOD, phase="opening")
    page = Page(make_tab(tmp_path, engine))
    assert page.tab.plan_summary({"text": SHORT}, REQUEST) == {"opening": True}
    answer = page.begin(SHORT)
    until(lambda: page.news().get("extract"))
    until(lambda: "opening" in [view["phase"] for view in page.told])
    engine.phase = "ready"
    assert answer.result(30)[-1]["run"]


def test_what_cannot_be_summarized_is_refused_with_a_sentence_in_the_visitors_language(page: Page) -> None:
    [end] = page.ask("  ", language="zh")
    assert end["phase"] == "ended" and "没有" in end["refused"]
    assert answered(page.tab.plan_summary)({"text": ""}, REQUEST)["error"].startswith("There is no text")


def test_nobody_else_sees_or_stops_a_summary(tmp_path: Path) -> None:
    tab = make_tab(tmp_path, SummaryEngine(lambda prompt: GOOD), PLAYGROUND_SHARED="on")
    mine, other = Page(tab, visitor("a")), Page(tab, visitor("b"))
    run = mine.summary(SHORT)["id"]
    assert other.tab.runs.list_entries({}, other.request)["entries"] == []
    for ask in (tab.runs.open_summary, tab.runs.delete_entry):
        with pytest.raises(NotFound):
            ask({"run": run, "id": run}, other.request)
    assert tab.runs.open_summary({"run": run}, mine.request)["text"]


def test_a_shared_machine_has_a_limit_that_a_sentence_tells(tmp_path: Path) -> None:
    tab = make_tab(tmp_path, SummaryEngine(lambda prompt: GOOD), PLAYGROUND_SHARED="on")
    [end] = Page(tab, visitor("a")).ask("word " * LONGEST_SHARED_CHARACTERS)
    assert "100,000" in end["refused"]


def test_a_file_becomes_the_text_of_the_page(page: Page) -> None:
    data = base64.b64encode(b"\r\n" + SHORT.encode() + b"\r\nEnd.").decode()
    view = page.tab.source.read_file({"name": "bridge.txt", "data": data}, REQUEST)
    assert (view["text"], view["name"]) == (f"{SHORT}\nEnd.", "bridge.txt")
    for bad in ({"name": "x.exe", "data": data}, {"name": "x.txt", "data": "%%%"}, {"name": "x.txt"}):
        with pytest.raises(InvalidInput):
            page.tab.source.read_file(bad, REQUEST)


def test_the_pages_of_a_file_begin_where_the_browser_counts_them() -> None:
    reading = Reading("𝒜 first page.\n\nSecond.", "a.pdf", "pdf", page_starts=(0, 15))
    view = address_view({"address": "https://example.org/a.pdf"}, "en", read=lambda address: reading)
    assert view["pages"] == [0, 16]


def test_an_address_of_this_machine_is_not_read(page: Page) -> None:
    for address in ("http://127.0.0.1/", "file:///etc/passwd", "http://[::1]/", ""):
        assert answered(page.tab.source.read_address)({"address": address}, REQUEST)["error"]


def test_a_summary_is_found_again_deleted_and_brought_back(page: Page) -> None:
    view = page.summary(SHORT, form="abstract", focus="Which bridge?", name="bridge.txt")
    runs = page.tab.runs
    [entry] = runs.list_entries({}, REQUEST)["entries"]
    assert (entry["id"], entry["name"], entry["form"]) == (view["id"], "bridge.txt", "abstract")
    again = make_again(page)
    assert again.open_summary({"run": view["id"], "whole": True}, REQUEST) == view
    assert view["source"] == SHORT and view["settings"]["focus"] == "Which bridge?"
    runs.delete_entry({"id": view["id"]}, REQUEST)
    assert runs.list_entries({}, REQUEST)["entries"] == []
    with pytest.raises(NotFound):
        runs.open_summary({"run": view["id"]}, REQUEST)
    runs.restore_entry({"id": view["id"]}, REQUEST)
    assert runs.open_summary({"run": view["id"]}, REQUEST)["text"] == view["text"]


def make_again(page: Page) -> Any:
    """The runs after a restart: the same history, nothing in memory."""
    old = page.tab.runs
    return type(old)(old._history, old._owner_of)


def test_the_endpoint_needs_the_text_alone(page: Page) -> None:
    answer = page.tab.summarize_text(SHORT)
    assert (answer["format"], answer["complete"], answer["written_by_model"]) == ("bullets", True, True)
    evidence = [item for one in answer["sentences"] for item in one["evidence"]]
    assert evidence and all(SHORT[item["start"] : item["end"]] == item["text"] for item in evidence)
    assert page.tab.runs.list_entries({}, REQUEST)["entries"] == []


def test_the_endpoint_takes_forms_by_their_names_and_refuses_others_with_a_sentence(page: Page) -> None:
    assert page.tab.summarize_text(SHORT, "one sentence")["format"] == "sentence"
    assert page.tab.summarize_text(SHORT, "Quotes", 2)["format"] == "key_points"
    with pytest.raises(gr.Error, match="no format"):
        page.tab.summarize_text(SHORT, "haiku")
    with pytest.raises(gr.Error, match="languages"):
        page.tab.summarize_text(SHORT, language="Elvish")
    with pytest.raises(gr.Error, match="no text"):
        page.tab.summarize_text(" ")


def test_the_endpoint_is_the_one_public_name_of_the_tab(tmp_path: Path) -> None:
    any_engine: Any = SummaryEngine(lambda prompt: GOOD)
    demo = build_app(make_services(any_engine, tmp_path))
    names = demo.get_api_info()["named_endpoints"]
    assert "/summarize" in names and not [name for name in names if name.startswith("/summarize_")]
    parameters = {one["parameter_name"]: one for one in names["/summarize"]["parameters"]}
    assert [name for name, one in parameters.items() if not one["parameter_has_default"]] == ["text"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_form_fault_and_flag_has_its_words(language: str) -> None:
    known = texts(language)
    for form in FORMS:
        assert known[f"sm_form_{form}"] and known[f"sm_form_{form}_about"]
    for fault in ("empty", "echo", "loop", "language", "unfinished", "unsupported"):
        assert known[f"sm_fault_{fault}"]
    for kind in ("number", "name", "date"):
        assert "{text}" in known[f"sm_flag_{kind}"]
    for example in ("minutes", "story", "notice"):
        assert known[f"sm_example_{example}"] and known[f"sm_example_{example}_text"]
