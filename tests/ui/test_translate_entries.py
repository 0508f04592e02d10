"""Translations are entries of the history: kept, found, opened as they were, deleted and brought back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playground.errors import NotFound, StorageError
from playground.history.store import HistoryStore
from playground.ui.frame import Frame
from playground.ui.tabs.translate import TranslateTab
from tests.ui.conftest import make_services
from tests.ui.translate_desk import REQUEST, TEXT, TranslatingEngine, forget, run, translate


@pytest.fixture
def services(tmp_path: Path) -> Any:
    return make_services(TranslatingEngine(), tmp_path)


@pytest.fixture
def tab(services: Any) -> TranslateTab:
    return TranslateTab(services)


def entries(tab: TranslateTab) -> list[dict[str, Any]]:
    return tab.entries.list_entries({}, REQUEST)["entries"]


def test_an_entry_opens_as_it_was_also_after_a_restart(tab: TranslateTab) -> None:
    view = translate(tab, glossary=[["library", "bibliothèque"]])
    forget(tab, view["id"])
    again = tab.open_translation({"run": view["id"]}, REQUEST)
    # How often the model was asked, and how the language was found, are not kept.
    for one in (*view["sentences"], *again["sentences"]):
        one.pop("tries")
    assert {**again, "detected": True} == view


def test_the_list_names_languages_model_and_text(tab: TranslateTab) -> None:
    translate(tab)
    translate(tab, "Good morning to all of you.", sequence=2)
    newest, oldest = entries(tab)
    assert newest["text"] == "Good morning to all of you." and oldest["text"] == TEXT
    assert (newest["source"], newest["target"], newest["model"]) == ("en", "fr", "SmolLM2 135M")


def test_the_search_of_the_chats_finds_both_texts(tab: TranslateTab, services: Any) -> None:
    view = translate(tab)
    for query in ("library", "bibliothèque"):
        hits = Frame(services).list_chats({"query": query}, REQUEST)["hits"]
        assert [(hit["run_id"], hit["title"]) for hit in hits] == [(view["id"], "translate")]
    tab.sentences.replace_sentence({"run": view["id"], "index": 0, "text": "Coucou à tous."}, REQUEST)
    assert len(Frame(services).list_chats({"query": "Coucou"}, REQUEST)["hits"]) == 1
    assert Frame(services).list_chats({"query": "vous tous"}, REQUEST)["hits"] == []


def test_a_deleted_entry_is_gone_and_comes_back(tab: TranslateTab) -> None:
    view = translate(tab)
    tab.entries.delete_entry({"id": view["id"]}, REQUEST)
    assert entries(tab) == []
    with pytest.raises(NotFound, match="not in your list"):
        tab.open_translation({"run": view["id"]}, REQUEST)
    tab.entries.restore_entry({"id": view["id"]}, REQUEST)
    assert tab.open_translation({"run": view["id"]}, REQUEST)["done"] == 3


def test_entries_of_other_tabs_are_none_of_this_one(tab: TranslateTab, services: Any) -> None:
    other = services.history.add_run("local", "attention", input="x", output="")
    assert entries(tab) == []
    with pytest.raises(NotFound):
        tab.open_translation({"run": other.id}, REQUEST)
    with pytest.raises(NotFound):
        tab.entries.delete_entry({"id": other.id}, REQUEST)


def test_a_history_that_cannot_be_written_costs_the_entry_not_the_translation(
    tab: TranslateTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise StorageError("The disk is full. Make room and try again.")

    monkeypatch.setattr(HistoryStore, "add_run", full)
    view = translate(tab)
    assert view["done"] == 3 and not view["stored"]
    answer = tab.sentences.replace_sentence({"run": view["id"], "index": 0, "text": "Salut à tous."}, REQUEST)
    assert answer["sentence"]["text"] == "Salut à tous."


def test_the_same_text_can_be_translated_again_and_both_are_kept(tab: TranslateTab) -> None:
    assert run(tab, text=TEXT)[-1]["run"] != run(tab, text=TEXT, sequence=2)[-1]["run"]
    assert len(entries(tab)) == 2
