"""Export and import of our own files: lossless, idempotent, harmless."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from playground.errors import InvalidInput
from playground.history.database import HistoryDatabase, open_database
from playground.history.store import HistoryStore

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(1)</script> ${alert(1)} {{7*7}}"


@pytest.fixture
def other(database: HistoryDatabase) -> HistoryStore:
    """A second installation."""
    return HistoryStore(open_database(None))


def example(store: HistoryStore, owner: str = "ann") -> str:
    """A conversation with two branches, one of them stopped, and probabilities; its id."""
    conversation_id = store.create_conversation(owner, settings={"persona": "teacher"}).id
    question = store.add_message(owner, conversation_id, parent_id=None, role="user", content="Why? 为什么")
    for text, status in (("Because.", "done"), ("Well", "stopped")):
        reply = store.add_message(
            owner, conversation_id, parent_id=question.id, role="assistant", content=text, settings={"seed": 7}
        )
        store.update_message(owner, reply.id, status=status, model="qwen", stats={"decode_s": 0.1}, tokens=b"\0\xff")
    store.set_pinned(owner, conversation_id, True)
    return conversation_id


def test_another_installation_gets_exactly_the_same(store: HistoryStore, other: HistoryStore) -> None:
    conversation_id = example(store)
    exported = store.export_json("ann", [conversation_id])
    report = other.import_json("carol", exported)
    assert (report.conversations_added, report.messages_added, report.kind) == (1, 3, "playground")
    assert report.conversation_ids == (conversation_id,)
    assert other.export_json("carol") == exported
    assert other.thread("carol", conversation_id) == store.thread("ann", conversation_id)
    assert other.get_conversation("carol", conversation_id) == store.get_conversation("ann", conversation_id)
    assert other.load_tokens("carol", other.thread("carol", conversation_id)[1].message.id) == b"\0\xff"


def test_importing_twice_adds_nothing(store: HistoryStore, other: HistoryStore) -> None:
    example(store)
    exported = store.export_json("ann")
    other.import_json("carol", exported)
    report = other.import_json("carol", exported)
    assert (report.conversations_added, report.updated, report.unchanged, report.messages_added) == (0, 0, 1, 0)
    assert store.import_json("ann", exported).unchanged == 1


def test_a_newer_state_replaces_an_older_one_and_never_the_other_way(store: HistoryStore, other: HistoryStore) -> None:
    conversation_id = example(store)
    older = store.export_json("ann")
    other.import_json("ann", older)
    reply = store.thread("ann", conversation_id)[-1].message
    store.update_message("ann", reply.id, content="Well, because.", status="done")
    store.add_message("ann", conversation_id, parent_id=reply.id, role="user", content="Thanks")
    newer = store.export_json("ann")
    report = other.import_json("ann", newer)
    assert (report.updated, report.messages_added) == (1, 1)
    assert other.export_json("ann") == newer
    assert other.import_json("ann", older).unchanged == 1
    assert other.export_json("ann") == newer


def test_a_message_that_is_being_written_is_left_alone_and_exported_as_interrupted(
    store: HistoryStore, other: HistoryStore
) -> None:
    conversation_id = store.create_conversation("ann").id
    reply = store.add_message(
        "ann", conversation_id, parent_id=None, role="assistant", content="so", status="streaming"
    )
    exported = store.export_json("ann")
    other.import_json("ann", exported)
    assert other.get_message("ann", reply.id).status == "interrupted"
    later = json.loads(exported)
    later["conversations"][0]["messages"][0].update(content="forged", updated_at=reply.updated_at + 100)
    store.import_json("ann", json.dumps(later))
    assert store.get_message("ann", reply.id).content == "so"


def test_a_name_given_by_hand_here_survives_an_import(store: HistoryStore) -> None:
    conversation_id = example(store)
    exported = json.loads(store.export_json("ann"))
    store.rename("ann", conversation_id, "mine")
    exported["conversations"][0]["updated_at"] += 100
    store.import_json("ann", json.dumps(exported))
    assert store.get_conversation("ann", conversation_id).title == "mine"


def test_a_deleted_conversation_comes_back_with_an_import(store: HistoryStore) -> None:
    conversation_id = example(store)
    exported = store.export_json("ann")
    store.delete("ann", conversation_id)
    assert store.import_json("ann", exported).updated == 1
    assert [found.id for found in store.list_conversations("ann")] == [conversation_id]


def test_the_same_file_for_another_person_is_a_copy_of_their_own(store: HistoryStore) -> None:
    conversation_id = example(store)
    exported = store.export_json("ann")
    first = store.import_json("bob", exported)
    assert (first.conversations_added, first.messages_added) == (1, 3)
    (copied,) = first.conversation_ids
    assert copied != conversation_id
    contents = [entry.message.content for entry in store.thread("bob", copied)]
    assert contents == [entry.message.content for entry in store.thread("ann", conversation_id)]
    assert store.import_json("bob", exported).unchanged == 1
    store.delete("ann", conversation_id)
    store.purge_deleted(0)
    assert store.import_json("bob", exported).unchanged == 1, "also when the first owner's is gone"
    assert len(store.list_conversations("bob")) == 1


def test_ids_of_other_conversations_cannot_be_hijacked(store: HistoryStore) -> None:
    conversation_id = example(store)
    mine = store.create_conversation("bob").id
    forged = json.loads(store.export_json("ann"))
    forged["conversations"][0].update(id=mine, updated_at=2e9)
    before = store.export_json("ann", [conversation_id])
    store.import_json("bob", json.dumps(forged))
    assert store.export_json("ann", [conversation_id]) == before
    assert len(store.thread("bob", mine)) == 2


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "null", "42", '"x"', "[" * 100_000, '{"format": "other"}', "\ufeff"]
)
def test_what_is_no_export_is_refused(store: HistoryStore, text: str) -> None:
    with pytest.raises(InvalidInput, match="Nothing was changed"):
        store.import_json("ann", text)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"role": "tool"}, "role"),
        ({"content": 3}, "content"),
        ({"parent_id": "nowhere"}, "messages"),
        ({"parent_id": "itself"}, "messages"),
        ({"created_at": float("inf")}, "created_at"),
        ({"created_at": -1}, "created_at"),
        ({"created_at": 10**400}, "created_at"),
        ({"tokens": "???"}, "tokens"),
        ({"id": ""}, "id"),
        ({"settings": [1]}, "settings"),
    ],
)
def test_a_damaged_file_changes_nothing(store: HistoryStore, other: HistoryStore, change: dict, where: str) -> None:
    example(store)
    example(store)
    damaged = json.loads(store.export_json("ann"))
    last = damaged["conversations"][1]["messages"][2]
    last.update({"parent_id": last["id"]} if change == {"parent_id": "itself"} else change)
    with pytest.raises(InvalidInput, match=f"conversation 2 .*{where}"):
        other.import_json("ann", json.dumps(damaged))
    assert other.list_conversations("ann") == []


def test_a_file_of_a_newer_version_says_so(store: HistoryStore) -> None:
    newer = json.dumps({"format": "llm-playground", "version": 2, "conversations": []})
    with pytest.raises(InvalidInput, match="Update the program"):
        store.import_json("ann", newer)


def test_odd_but_whole_files_are_taken(store: HistoryStore, other: HistoryStore) -> None:
    example(store)
    odd = json.loads(store.export_json("ann"))
    (conversation,) = odd["conversations"]
    conversation["messages"].reverse()
    conversation.update(active_leaf_id="gone", id="<b>my id</b>", title="a\0\ud800\nb", comment="unknown field")
    report = other.import_json("ann", json.dumps(odd))
    (found,) = other.list_conversations("ann")
    assert report.messages_added == 3 and found.title == "a\ufffd b"
    assert found.id.isalnum()
    assert len(other.thread("ann", found.id)) == 2
    assert other.import_json("ann", json.dumps(odd)).unchanged == 1


class Page(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(attrs)


def test_a_page_runs_nothing_and_loads_nothing(store: HistoryStore) -> None:
    conversation_id = store.create_conversation("ann").id
    store.rename("ann", conversation_id, HOSTILE)
    markdown = (
        f"{HOSTILE}\n\n![spy](https://example.org/spy.png) [bad](javascript:alert(1)) [good](https://example.org)\n\n"
        f"```html\n{HOSTILE}\n```\n\n| a | b |\n|---|---|\n| {HOSTILE} | c |\n"
    )
    parent_id = None
    for role in ("system", "user", "assistant"):
        parent_id = store.add_message(
            "ann", conversation_id, parent_id=parent_id, role=role, content=markdown, model=HOSTILE
        ).id
    text = store.export_html("ann", conversation_id)
    page = Page(text)
    assert not {"script", "img", "iframe", "object", "link", "base", "form"} & set(page.tags)
    assert page.tags.count("h1") == 1 and {"table", "pre", "a"} <= set(page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on") and name != "src"
        assert name != "href" or (value or "").startswith("https://example.org")
    assert "default-src 'none'" in text and "prefers-color-scheme: dark" in text
    assert text.count("&lt;script&gt;alert(1)") >= 4, "shown as text"


def test_a_page_shows_huge_messages_as_they_are(store: HistoryStore) -> None:
    conversation_id = store.create_conversation("ann").id
    store.add_message("ann", conversation_id, parent_id=None, role="assistant", content="[" * 1_000_000)
    assert "[" * 1_000_000 in store.export_html("ann", conversation_id)


def test_markdown_holds_the_branch_that_is_shown(store: HistoryStore) -> None:
    conversation_id = example(store)
    text = store.export_markdown("ann", conversation_id)
    assert text == "# Why? 为什么\n\n## You\n\nWhy? 为什么\n\n## Assistant (qwen)\n\nWell\n\n*(stopped)*\n"


def test_an_open_code_block_is_closed_in_markdown(store: HistoryStore) -> None:
    conversation_id = store.create_conversation("ann").id
    reply = store.add_message("ann", conversation_id, parent_id=None, role="assistant", content="```py\nx = 1")
    store.add_message("ann", conversation_id, parent_id=reply.id, role="user", content="and?")
    assert "x = 1\n```\n\n## You" in store.export_markdown("ann", conversation_id)


def test_an_empty_conversation_can_be_exported_every_way(store: HistoryStore, other: HistoryStore) -> None:
    conversation_id = store.create_conversation("ann").id
    assert store.export_markdown("ann", conversation_id) == "# Conversation\n"
    assert "<h1" in store.export_html("ann", conversation_id)
    assert other.import_json("ann", store.export_json("ann")).conversations_added == 1
    assert other.export_json("ann") == store.export_json("ann")
