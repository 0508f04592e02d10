"""Looks are entries of the history: kept once, found by their owner alone, opened again, deleted and brought back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from playground.attention.links import from_query
from playground.engine.engine import Engine
from playground.errors import InvalidInput, NotFound, StorageError
from playground.history.store import HistoryStore
from playground.ui.chat_actions import ChatActions
from playground.ui.edge import answered
from playground.ui.frame import Frame
from playground.ui.tabs.attention import AttentionTab
from playground.ui.visitors import owner_of
from tests.ui.conftest import Desk, make_services
from tests.ui.test_attention_answers import answer_of
from tests.ui.test_attention_tab import REQUEST, views_of
from tests.ui.tiny_runs import engine_over, tiny_loaded

TEXT = "The cat sat."


@pytest.fixture
def engine() -> Iterator[Engine]:
    with engine_over(tiny_loaded("qwen2")) as opened:
        yield opened


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Iterator[Desk]:
    services = make_services(engine, tmp_path)  # type: ignore[arg-type]
    yield Desk(services, ChatActions(services.history, services.engine, services.turns))
    services.turns.close()


@pytest.fixture
def tab(desk: Desk) -> AttentionTab:
    return AttentionTab(desk.services)


def look(tab: AttentionTab, text: str | None = TEXT, sequence: int = 1, **values: Any) -> str:
    """The id of a run that was made."""
    last = views_of(tab, sequence, text, **values)[-1]
    assert last["refused"] is None, last["refused"]
    return last["run"]


def forget(tab: AttentionTab) -> None:
    """As a restart would: the numbers go, the history stays."""
    tab.runs.drop(lambda run: True)


def looks(tab: AttentionTab, **data: Any) -> list[dict[str, Any]]:
    return tab.looks.list_entries(data, REQUEST)["entries"]


def test_a_finished_look_is_an_entry_of_the_history(tab: AttentionTab, desk: Desk) -> None:
    name = look(tab)
    (entry,) = desk.services.history.list_runs("local", task="attention")
    assert (entry.id, entry.input) == (name, TEXT) and entry.settings is not None
    assert entry.settings["model"] == "Tiny"
    assert tab.open_run({"run": name}, REQUEST)["stored"]


def test_the_same_text_twice_in_a_row_is_one_entry_and_opens_again(tab: AttentionTab) -> None:
    first = look(tab)
    assert look(tab, sequence=2) == first and len(looks(tab)) == 1
    other = look(tab, "Another text.", 3)
    again = look(tab, sequence=4)
    assert len({first, other, again}) == 3
    assert [entry["id"] for entry in looks(tab)] == [again, other, first], "newest first"


def test_a_look_whose_numbers_are_gone_is_looked_into_again_under_its_name(tab: AttentionTab) -> None:
    name = look(tab)
    before = tab.rows({"run": name, "first": 0}, REQUEST)
    forget(tab)
    assert tab.open_run({"run": name}, REQUEST) == {"again": name}
    assert look(tab, None, 2, entry=name) == name
    assert tab.rows({"run": name, "first": 0}, REQUEST) == before
    assert len(looks(tab)) == 1


def test_a_look_with_another_model_says_which_one_it_was_made_with(tab: AttentionTab, desk: Desk) -> None:
    entry = desk.services.history.add_run(
        "local", "attention", input=TEXT, output="", settings={"model": "Elsewhere 3B", "asked": {}}
    )
    look(tab, None, entry=entry.id)
    (note,) = tab.open_run({"run": entry.id}, REQUEST)["notes"]
    assert note == "This was looked into with Elsewhere 3B first; you see how Tiny reads it."
    assert "Elsewhere 3B" in tab.open_run({"run": entry.id, "language": "zh"}, REQUEST)["notes"][0]


def test_an_answer_is_asked_about_again_from_its_chat(tab: AttentionTab, desk: Desk) -> None:
    message_id = answer_of(desk)
    name = look(tab, None, answer={"message_id": message_id, "index": 3})
    (entry,) = looks(tab)
    assert entry["answer"] and entry["text"].endswith(entry["word"])
    stored = desk.services.history.get_run("local", name)
    assert "im_start" not in stored.input and "Hi there" not in stored.input, "the chat itself is not kept twice"
    forget(tab)
    assert look(tab, None, 2, entry=name) == name
    view = tab.open_run({"run": name}, REQUEST)
    assert view["answer"]["message_id"] == message_id and view["answer"]["index"] == 3


def test_a_temporary_chat_leaves_no_entry_and_no_numbers(tab: AttentionTab, desk: Desk) -> None:
    chat = desk.send("Secret", settings={"temperature": 0, "max_new_tokens": 6}, temporary=True)
    message_id = desk.thread(chat)[-1].message.id
    name = look(tab, None, answer={"message_id": message_id, "index": 2})
    assert not looks(tab) and not tab.open_run({"run": name}, REQUEST)["stored"]
    with pytest.raises(InvalidInput, match="no link"):
        tab.looks.link({"run": name}, REQUEST)
    desk.services.history.discard_temporary("local", chat)
    with pytest.raises(NotFound):
        tab.open_run({"run": name}, REQUEST)
    assert not tab.runs.has("local", name)


def test_a_deleted_look_is_gone_until_it_is_brought_back(tab: AttentionTab) -> None:
    name = look(tab)
    tab.looks.delete_entry({"id": name}, REQUEST)
    assert not looks(tab) and not tab.runs.has("local", name)
    assert "error" in answered(tab.open_run)({"run": name}, REQUEST)
    assert views_of(tab, 2, None, entry=name)[-1]["refused"]
    tab.looks.restore_entry({"id": name}, REQUEST)
    assert [entry["id"] for entry in looks(tab)] == [name]
    assert look(tab, None, 3, entry=name) == name


def test_a_full_disk_costs_the_entry_and_not_the_look(
    tab: AttentionTab, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise StorageError("The disk is full.") from sqlite3.OperationalError("full")

    monkeypatch.setattr(HistoryStore, "add_run", full)
    name = look(tab)
    assert tab.open_run({"run": name}, REQUEST)["text"] == TEXT and not looks(tab)


def test_the_tour_leaves_no_entries(tab: AttentionTab) -> None:
    look(tab, guided=True)
    assert not looks(tab)


def test_strangers_find_each_others_looks_nowhere(engine: Engine, tmp_path: Path) -> None:
    tab = AttentionTab(make_services(engine, tmp_path, PLAYGROUND_SHARED="on"))  # type: ignore[arg-type]
    visitors: list[Any] = [SimpleNamespace(cookies={"playground_visitor": name * 40}, headers={}) for name in "ab"]
    ann, bob = visitors
    owner = owner_of(ann, shared=True)
    name = tab._services.history.add_run(owner, "attention", input=TEXT, output="", settings={}).id
    assert tab.open_run({"run": name}, ann) == {"again": name}
    for function in (tab.open_run, tab.looks.delete_entry, tab.looks.restore_entry, tab.looks.link):
        data = {"run": name, "id": name}
        refused = answered(function)(data, bob)
        assert list(refused) == ["error"] and refused == answered(function)({"run": "none", "id": "none"}, bob)
    assert not tab.looks.list_entries({}, bob)["entries"]
    assert "somebody else" in answered(tab.open_run)({"run": name}, bob)["error"]


def test_a_link_names_the_view_and_opens_it(tab: AttentionTab) -> None:
    name = look(tab)
    shown = {"layer": 1, "head": 2, "query": 4, "hide_first": False, "words": False, "pool": "max", "view": "steps"}
    query = tab.looks.link({"run": name, **shown}, REQUEST)["query"]
    assert from_query(query).run == name and TEXT not in query
    state = tab.open_run({"run": name, "link": query}, REQUEST)["state"]
    assert (state["layer"], state["head"], state["query"]) == (1, 2, 4)
    assert (state["hide_sink"], state["words"], state["view"]) == (False, False, "steps")


@pytest.mark.parametrize("link", ["layer=99&head=1&query=9999", "nonsense", "", "%%%", "layer=<script>"])
def test_a_link_that_names_what_is_not_there_opens_the_rest(tab: AttentionTab, link: str) -> None:
    state = tab.open_run({"run": look(tab), "link": link}, REQUEST)["state"]
    assert (state["layer"], state["head"], state["query"]) == (None, None, None)
    assert tab.open_run({"run": look(tab, sequence=2)}, REQUEST)["state"] is None


def test_the_search_beside_the_chats_finds_looks(tab: AttentionTab, desk: Desk) -> None:
    name = look(tab, "A quokka smiles.")
    hits = Frame(desk.services).list_chats({"query": "quokka"}, REQUEST)["hits"]
    assert [(hit["run_id"], hit["title"], hit["conversation_id"]) for hit in hits] == [(name, "attention", None)]
