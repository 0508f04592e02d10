"""ChatGPT's conversations.json: branches stay, machinery goes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playground.errors import InvalidInput
from playground.history.store import HistoryStore


def node(node_id: str, parent: str | None, role: str | None = None, text: Any = "", **message: Any) -> dict[str, Any]:
    """One entry of `mapping`, without its children."""
    if role is None:
        return {"id": node_id, "parent": parent, "message": None}
    content = {"content_type": "text", "parts": [text]} if isinstance(text, str) else text
    return {
        "id": node_id,
        "parent": parent,
        "message": {"author": {"role": role}, "content": content, "recipient": "all", "metadata": {}} | message,
    }


def conversation(*nodes: dict[str, Any], current: str, **more: Any) -> dict[str, Any]:
    for one in nodes:
        one["children"] = [other["id"] for other in nodes if other["parent"] == one["id"]]
    return {
        "title": "Sky",
        "create_time": 1_700_000_000.5,
        "update_time": 1_700_000_900.25,
        "mapping": {one["id"]: one for one in nodes},
        "current_node": current,
        "conversation_id": "1f0b7a5e-0000-4000-8000-000000000000",
    } | more


@pytest.fixture
def sky() -> dict[str, Any]:
    """A root, a hidden system note, a question with two answers; the newer one used a tool."""
    return conversation(
        node("root", None),
        node("note", "root", "system", "", metadata={"is_visually_hidden_from_conversation": True}),
        node("question", "note", "user", "Why is the sky blue?", create_time=1_700_000_001.0),
        node(
            "first", "question", "assistant", "Rayleigh.", create_time=1_700_000_002.0, metadata={"model_slug": "gpt"}
        ),
        node("call", "question", "assistant", "search(sky)", recipient="browser"),
        node("tool", "call", "tool", "results"),
        node("second", "tool", "assistant", "Scattering.", create_time=1_700_000_005.0),
        current="second",
    )


def bring(store: HistoryStore, data: Any) -> list[str]:
    """Import and give the ids."""
    return list(store.import_json("ann", json.dumps(data)).conversation_ids)


def test_text_branches_times_and_models_are_kept(store: HistoryStore, sky: dict[str, Any]) -> None:
    report = store.import_json("ann", json.dumps([sky]))
    assert (report.kind, report.conversations_added, report.messages_added, report.skipped) == ("chatgpt", 1, 3, 3)
    (found,) = store.list_conversations("ann")
    assert (found.title, found.created_at, found.updated_at) == ("Sky", 1_700_000_000.5, 1_700_000_900.25)
    question, second = store.thread("ann", found.id)
    assert (question.message.content, second.message.content) == ("Why is the sky blue?", "Scattering.")
    assert (second.version, second.versions) == (2, 2)
    first = store.get_message("ann", second.sibling_ids[0])
    assert (first.content, first.model, first.created_at) == ("Rayleigh.", "gpt", 1_700_000_002.0)


def test_a_second_time_nothing_is_added_and_a_later_export_adds_what_is_new(store: HistoryStore, sky) -> None:
    bring(store, [sky])
    assert store.import_json("ann", json.dumps([sky])).unchanged == 1
    later = node("thanks", "second", "user", "Thanks", create_time=1_700_001_000.0)
    sky["mapping"]["thanks"] = later
    sky.update(current_node="thanks", update_time=1_700_001_000.0)
    report = store.import_json("ann", json.dumps([sky]))
    assert (report.updated, report.messages_added) == (1, 1)
    assert [entry.message.content for entry in store.thread("ann", report.conversation_ids[0])][-1] == "Thanks"


def test_what_was_written_here_stays_shown_after_a_second_import(store: HistoryStore, sky) -> None:
    (conversation_id,) = bring(store, [sky])
    leaf = store.thread("ann", conversation_id)[-1].message
    store.add_message("ann", conversation_id, parent_id=leaf.id, role="user", content="here")
    bring(store, [sky])
    assert store.thread("ann", conversation_id)[-1].message.content == "here"


def test_two_people_can_import_the_same_file(store: HistoryStore, sky) -> None:
    (mine,) = bring(store, [sky])
    report = store.import_json("bob", json.dumps([sky]))
    assert report.conversations_added == 1 and report.conversation_ids != (mine,)


def test_one_conversation_without_a_list_is_taken_too(store: HistoryStore, sky) -> None:
    assert len(bring(store, sky)) == 1


def test_pictures_go_and_the_words_beside_them_stay(store: HistoryStore) -> None:
    image = {"content_type": "image_asset_pointer", "asset_pointer": "file://x"}
    data = conversation(
        node("a", None, "user", {"content_type": "multimodal_text", "parts": [image, "What is this?", "  "]}),
        node("b", "a", "assistant", {"content_type": "multimodal_text", "parts": [image]}),
        node("c", "b", "assistant", {"content_type": "thoughts", "thoughts": []}),
        node("d", "c", "assistant", {"content_type": "text", "parts": ["A cat.", "Black."]}),
        current="d",
    )
    (conversation_id,) = bring(store, [data])
    contents = [entry.message.content for entry in store.thread("ann", conversation_id)]
    assert contents == ["What is this?", "A cat.\n\nBlack."]


def test_missing_times_and_titles_are_filled_in(store: HistoryStore) -> None:
    data = conversation(
        node("a", None, "user", "Hello there", create_time=None),
        node("b", "a", "assistant", "Hi", status="in_progress"),
        current="nowhere",
        title=None,
        create_time=None,
        update_time="yesterday",
        conversation_id=None,
    )
    (conversation_id,) = bring(store, [data])
    assert store.get_conversation("ann", conversation_id).title == "Hello there"
    assert [entry.message.status for entry in store.thread("ann", conversation_id)] == ["done", "interrupted"]
    assert store.import_json("ann", json.dumps([data])).unchanged == 1


def test_broken_entries_are_left_out_and_nothing_breaks(store: HistoryStore) -> None:
    data = conversation(
        node("a", None, "user", "Hello"),
        node("loop1", "loop2", "user", "never"),
        node("loop2", "loop1", "assistant", "reached"),
        node("no-parts", "a", "assistant", {"content_type": "text", "parts": "text"}),
        node("no-content", "a", "assistant", "x", content=None),
        node("no-author", "a", "assistant", "x", author=[]),
        node("fine", "missing", "user", "another start"),
        current="a",
    )
    data["mapping"]["text"] = "not a node"
    data["mapping"]["a"]["children"] = [None, 3, {"x": 1}]
    report = store.import_json("ann", json.dumps([data, conversation(node("e", None), current="e")]))
    assert (report.conversations_added, report.messages_added, report.skipped) == (1, 2, 5)


def test_a_deep_conversation_is_no_problem(store: HistoryStore) -> None:
    nodes = [node("n0", None, "user", "text 0")]
    nodes += [node(f"n{number}", f"n{number - 1}", "user", f"text {number}") for number in range(1, 3000)]
    data = conversation(current="n2999")
    data["mapping"] = {one["id"]: one for one in nodes}
    (conversation_id,) = bring(store, [data])
    assert len(store.thread("ann", conversation_id)) == 3000


def test_a_list_of_other_things_is_refused(store: HistoryStore, sky) -> None:
    for data in ([1], [sky, 1], [{"mapping": []}], {"mapping": None}):
        with pytest.raises(InvalidInput):
            store.import_json("ann", json.dumps(data))
    assert store.list_conversations("ann") == []
