"""The stream of one translation, what the page may ask meanwhile, and the public endpoint."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from playground.errors import ModelUnavailable, NotFound
from playground.ui.edge import answered
from playground.ui.page_jobs import MOST_JOBS_OF_OWNER
from playground.ui.tabs.translate import ENDPOINT_CHARACTERS, TranslateTab
from playground.ui.visitors import owner_of
from tests.ui.conftest import make_services, until
from tests.ui.translate_desk import REQUEST, TEXT, TRANSLATED, TranslatingEngine, run, translate, whole

SECOND, THIRD = "The library is closed on Friday.", "It opens again on 7 May."


@pytest.fixture
def engine() -> TranslatingEngine:
    return TranslatingEngine()


@pytest.fixture
def tab(engine: TranslatingEngine, tmp_path: Path) -> TranslateTab:
    return TranslateTab(make_services(engine, tmp_path))


def beginning(tab: TranslateTab, /, **values: Any) -> threading.Thread:
    thread = threading.Thread(target=lambda: run(tab, **{"text": TEXT, **values}), daemon=True)
    thread.start()
    return thread


def news(tab: TranslateTab, /, **values: Any) -> dict[str, Any]:
    return tab.job_news({"tab": "page", "sequence": 1, "after": 0, **values}, REQUEST)


def test_a_text_comes_back_sentence_by_sentence_in_its_own_shape(tab: TranslateTab) -> None:
    view = translate(tab)
    assert whole(view, "gaps") == view["text"] == TEXT
    assert whole(view) == TRANSLATED
    assert (view["source"], view["target"], view["detected"]) == ("en", "fr", True)
    assert view["done"] == len(view["sources"]) == 3 and not view["cancelled"] and view["model"] == "SmolLM2 135M"
    assert [one["problems"] for one in view["sentences"]] == [[], [], []]


@pytest.mark.parametrize(("careful", "questions"), [(True, 9), (False, 3), ("yes", 3), (None, 3)])
def test_care_asks_in_several_ways_for_every_sentence(
    tab: TranslateTab, engine: TranslatingEngine, careful: object, questions: int
) -> None:
    assert whole(translate(tab, careful=careful)) == TRANSLATED
    assert len(engine.requests) == questions


def test_the_page_hears_of_every_sentence_that_is_done_and_of_the_one_that_grows(
    tab: TranslateTab, engine: TranslatingEngine
) -> None:
    engine.held = {SECOND}
    thread = beginning(tab)
    until(lambda: len(news(tab)["news"]) == 2)
    heard = news(tab, layout=True)
    assert sorted(index for index, _ in heard["news"]) == [0, 2] and heard["next"] == 2
    assert heard["layout"]["sources"] == [TEXT[:27], SECOND, THIRD]
    assert news(tab, after=2) == {"news": [], "next": 2}
    assert news(tab, sequence=7)["gone"]
    assert tab.stop_translation({"tab": "page", "sequence": 1}, REQUEST) == {"stopped": True}
    thread.join(5)


def test_stopping_keeps_what_is_done(tab: TranslateTab, engine: TranslatingEngine) -> None:
    engine.held = {SECOND}
    last: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: last.extend(run(tab, text=TEXT)))
    thread.start()
    until(lambda: len(news(tab)["news"]) == 2)
    tab.stop_translation({"tab": "page", "sequence": 1}, REQUEST)
    thread.join(5)
    view = tab.open_translation({"run": last[-1]["run"]}, REQUEST)
    assert view["cancelled"] and view["done"] == 2 and view["sentences"][1] is None
    assert whole(view) == TRANSLATED.replace("La bibliothèque est fermée vendredi.", SECOND)


def test_a_page_that_was_reloaded_goes_on_watching_what_it_had_begun(
    tab: TranslateTab, engine: TranslatingEngine
) -> None:
    engine.held = {SECOND}
    older = beginning(tab)
    until(lambda: len(news(tab)["news"]) == 2)
    last: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: last.extend(run(tab, follow=True, sequence=2)))
    thread.start()
    until(lambda: len(news(tab, sequence=2)["news"]) == 2)
    tab.stop_translation({"tab": "page", "sequence": 2}, REQUEST)
    thread.join(5)
    older.join(5)
    assert tab.open_translation({"run": last[-1]["run"]}, REQUEST)["done"] == 2
    assert run(tab, follow=True, sequence=3)[-1]["run"] == last[-1]["run"], "also when it ended meanwhile"
    assert run(tab, follow=True, tab="another page")[-1]["gone"]


def test_stopping_before_the_first_sentence_leaves_nothing(tab: TranslateTab, engine: TranslatingEngine) -> None:
    engine.held = set(engine.table)
    last: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: last.extend(run(tab, text=TEXT)))
    thread.start()
    until(lambda: news(tab, layout=True).get("layout"))
    tab.stop_translation({"tab": "page", "sequence": 1}, REQUEST)
    thread.join(5)
    assert last[-1]["run"] is None and last[-1]["refused"] is None
    assert tab.entries.list_entries({}, REQUEST)["entries"] == []


def test_a_request_that_was_stopped_before_it_came_does_not_begin(tab: TranslateTab, engine: TranslatingEngine) -> None:
    assert tab.stop_translation({"tab": "page", "sequence": 1}, REQUEST) == {"stopped": False}
    assert run(tab, text=TEXT) == [] and not engine.requests


def test_an_error_in_the_middle_keeps_what_is_done_and_says_its_sentence(
    tab: TranslateTab, engine: TranslatingEngine
) -> None:
    engine.failing = {THIRD: ModelUnavailable("No model is open yet. Choose one first.")}
    engine.fails_after = 2
    view = translate(tab, language="zh")
    assert view["error_sentence"] == "No model is open yet. Choose one first." and not view["cancelled"]
    assert whole(view) == TRANSLATED.replace("Elle rouvre le 7 mai.", THIRD)


def test_an_error_before_the_first_sentence_is_done_is_said_in_the_visitors_language(
    tab: TranslateTab, engine: TranslatingEngine
) -> None:
    error = ModelUnavailable("No model is open yet. Choose one first.")
    engine.failing = dict.fromkeys(engine.table, error)
    last = run(tab, text=TEXT, language="zh")[-1]
    assert last["run"] is None and "模型" in last["refused"]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"text": "   "}, "There is no text to translate yet"),
        ({"text": 7}, "There is no text to translate yet"),
        ({"text": TEXT, "target": "xx"}, "There is no language “xx” here"),
        ({"text": TEXT, "target": ""}, "Choose a language"),
        ({"text": TEXT, "target": "en"}, "in English already"),
        ({"text": TEXT, "document": "gone"}, "not in memory any more"),
        ({"text": TEXT, "glossary": [["x" * 500, "y"]]}, "more than 200 characters"),
        ({"text": TEXT, "model": "no/such model"}, "no/such model"),
    ],
)
def test_bad_input_gets_a_sentence(tab: TranslateTab, values: dict[str, Any], sentence: str) -> None:
    last = run(tab, **values)[-1]
    assert last["phase"] == "ended" and sentence in last["refused"]


def test_a_text_whose_language_is_not_clear_is_asked_about(tab: TranslateTab, engine: TranslatingEngine) -> None:
    last = run(tab, text="Chat", target="en")[-1]
    assert last["phase"] == "ended" and len(last["ask"]) >= 2 and not engine.requests
    assert "ask" not in run(tab, text="Chat", target="en", source="fr", sequence=2)[-1]


def test_a_newer_request_of_the_same_page_takes_the_place_of_the_older(
    tab: TranslateTab, engine: TranslatingEngine
) -> None:
    engine.held = {SECOND}
    older = beginning(tab)
    until(lambda: len(news(tab)["news"]) == 2)
    engine.held = set()
    assert run(tab, text=TEXT, sequence=2)[-1]["run"]
    older.join(5)
    assert not older.is_alive()


def test_a_visitor_has_only_so_many_translations_made_at_once(tab: TranslateTab, engine: TranslatingEngine) -> None:
    engine.held = set(engine.table)
    threads = [beginning(tab, tab=f"page {number}") for number in range(MOST_JOBS_OF_OWNER)]
    pages = [f"page {number}" for number in range(MOST_JOBS_OF_OWNER)]
    until(lambda: all("gone" not in news(tab, tab=page) for page in pages))
    assert "being translated already" in run(tab, text=TEXT, tab="one more")[-1]["refused"]
    for page in pages:
        tab.stop_translation({"tab": page, "sequence": 1}, REQUEST)
    for thread in threads:
        thread.join(5)


def test_nobody_sees_anothers_translation(engine: TranslatingEngine, tmp_path: Path) -> None:
    tab = TranslateTab(make_services(engine, tmp_path, PLAYGROUND_SHARED="on"))
    requests: list[Any] = [SimpleNamespace(cookies={"playground_visitor": name * 40}, headers={}) for name in "ab"]
    mine = run(tab, requests[0], text=TEXT)[-1]["run"]
    assert tab.open_translation({"run": mine}, requests[0])["done"] == 3
    assert owner_of(requests[0], shared=True) != owner_of(requests[1], shared=True)
    theirs = requests[1]
    for call in (tab.open_translation, tab.download, tab.sentences.other_wordings, tab.sentences.compare,
                 tab.sentences.translate_back, tab.sentences.replace_sentence):  # fmt: skip
        data = {"run": mine, "index": 0, "reference": "x", "text": "y"}
        assert "not in your list" in answered(call)(data, theirs)["error"], call
    assert tab.entries.list_entries({}, theirs)["entries"] == []
    with pytest.raises(NotFound):
        tab.entries.delete_entry({"id": mine}, theirs)
    assert not tab.stop_translation({"tab": "page", "sequence": 1}, theirs)["stopped"]


def test_the_language_and_length_of_a_text_are_told_while_it_is_written(tab: TranslateTab) -> None:
    said = tab.look_at_text({"text": TEXT, "language": "en"}, REQUEST)
    assert said["guess"] == "en" and not said["doubtful"] and said["tokens"] == len(TEXT.split())
    assert said["target"] == "fr", "nobody wants English put into English"
    assert tab.look_at_text({"text": TEXT, "language": "zh"}, REQUEST)["target"] == "zh"
    assert tab.look_at_text({"text": "word " * 10_000}, REQUEST)["tokens"] is None
    assert tab.look_at_text({}, REQUEST)["guess"] == ""


def test_the_endpoint_needs_its_first_argument_alone(tab: TranslateTab) -> None:
    answer = tab.translate_text(TEXT)
    assert answer["translation"] == TRANSLATED and answer["complete"]
    assert (answer["source"], answer["target"]) == ("en", "fr")
    assert [one["source"] for one in answer["sentences"]][1:] == [SECOND, THIRD]
    assert tab.entries.list_entries({}, REQUEST)["entries"] == [], "what a program asks is kept nowhere"


def test_the_endpoint_takes_languages_by_name_and_a_glossary(tab: TranslateTab) -> None:
    answer = tab.translate_text(TEXT, "Français", "english", "library = bibliothèque\nFriday = mercredi")
    assert answer["target"] == "fr"
    assert {use["term"]: use["used"] for use in answer["glossary"]} == {"library": True, "Friday": False}


@pytest.mark.parametrize("text", ["", "word " * ENDPOINT_CHARACTERS])
def test_the_endpoint_refuses_with_a_sentence(tab: TranslateTab, text: str) -> None:
    with pytest.raises(gr.Error, match="text"):
        tab.translate_text(text)
