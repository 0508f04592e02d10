"""The list of conversations: order, names, putting away, bringing back, erasing."""

from __future__ import annotations

from pathlib import Path

import pytest

from playground.errors import InvalidInput, NotFound
from playground.history.database import open_database
from playground.history.store import DAY_S, HistoryStore
from playground.history.texts import title_of

SECRET = "the-passphrase-is-heliotrope"


def say(store: HistoryStore, conversation_id: str, text: str, **more: str | None) -> str:
    parent_id = more.pop("parent_id", None)
    return store.add_message("ann", conversation_id, parent_id=parent_id, role="user", content=text, **more).id


def titles(store: HistoryStore) -> list[str]:
    return [conversation.title for conversation in store.list_conversations("ann")]


def conversation_about(store: HistoryStore, text: str) -> str:
    conversation_id = store.create_conversation("ann").id
    say(store, conversation_id, text)
    return conversation_id


def test_the_last_used_comes_first_and_pinned_ones_before_all(store: HistoryStore) -> None:
    first, second, third = (conversation_about(store, text) for text in ("one", "two", "three"))
    assert titles(store) == ["three", "two", "one"]
    say(store, second, "again")
    assert titles(store) == ["two", "three", "one"]
    store.set_pinned("ann", first, True)
    assert titles(store) == ["one", "two", "three"]
    store.rename("ann", third, "named")
    assert titles(store) == ["one", "two", "named"], "a new name is no use"
    assert [found.id for found in store.list_conversations("ann", limit=1)] == [first]


def test_settings_come_back_and_can_be_replaced(store: HistoryStore) -> None:
    made = store.create_conversation("ann", settings={"persona": "teacher", "temperature": 0.5})
    assert made.settings == {"persona": "teacher", "temperature": 0.5}
    store.set_settings("ann", made.id, {"persona": "编辑", "stop": ["a", None, "\ud800\0"]})
    assert store.get_conversation("ann", made.id).settings == {"persona": "编辑", "stop": ["a", None, "\ufffd"]}


def test_the_first_user_message_names_the_conversation(store: HistoryStore) -> None:
    conversation_id = store.create_conversation("ann").id
    store.add_message("ann", conversation_id, parent_id=None, role="assistant", content="Welcome!")
    assert store.get_conversation("ann", conversation_id).title == ""
    say(store, conversation_id, "Why is the sky blue?")
    say(store, conversation_id, "And the sea?")
    assert store.get_conversation("ann", conversation_id).title == "Why is the sky blue?"


def test_a_name_given_by_hand_wins_for_ever(store: HistoryStore) -> None:
    conversation_id = store.create_conversation("ann").id
    store.rename("ann", conversation_id, "  My\n name\u202e ")
    say(store, conversation_id, "Why is the sky blue?")
    assert store.get_conversation("ann", conversation_id).title == "My name"
    with pytest.raises(InvalidInput):
        store.rename("ann", conversation_id, " \n\0")
    assert store.get_conversation("ann", conversation_id).title == "My name"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Hello", "Hello"),
        ("\n\n  # **Plan** for `Rome`\nmore", "Plan for Rome"),
        ("Please explain to me how the tides of the sea work", "Please explain to me how the tides of…"),
        ("Hi there, friend. Please explain how the tides of the sea work", "Hi there, friend."),
        ("请用简单的语言向我解释一下为什么天空是蓝色的，谢谢你", "请用简单的语言向我解释一下为什么天空是蓝…"),
        ("今天天气怎么样？我想和朋友一起去公园散步，然后吃饭", "今天天气怎么样？"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("x" * 100, "x" * 40 + "…"),
        (" \n\t\0 ", ""),
        ("---", "---"),
    ],
)
def test_a_title_is_short_and_ends_at_a_word_or_a_sentence(text: str, title: str) -> None:
    assert title_of(text) == title


def test_delete_can_be_undone_and_a_deleted_conversation_is_nowhere(store: HistoryStore) -> None:
    conversation_id = conversation_about(store, "remember the milk")
    store.delete("ann", conversation_id)
    assert titles(store) == [] and store.search("ann", "milk") == []
    for operation in (store.get_conversation, store.thread, store.export_json, store.delete):
        with pytest.raises(NotFound):
            operation("ann", [conversation_id] if operation == store.export_json else conversation_id)
    with pytest.raises(NotFound):
        say(store, conversation_id, "more")
    store.restore("ann", conversation_id)
    assert titles(store) == ["remember the milk"] and len(store.search("ann", "milk")) == 2


def test_a_reply_goes_on_being_saved_while_its_conversation_is_deleted(store: HistoryStore) -> None:
    conversation_id = conversation_about(store, "question")
    reply = store.add_message("ann", conversation_id, parent_id=None, role="assistant", content="", status="streaming")
    store.delete("ann", conversation_id)
    store.update_message("ann", reply.id, content="all of it", status="done")
    store.restore("ann", conversation_id)
    assert store.thread("ann", conversation_id)[-1].message.content == "all of it"


def test_delete_all_is_undone_as_one_and_leaves_earlier_deletions_alone(store: HistoryStore) -> None:
    earlier, *others = (conversation_about(store, text) for text in ("one", "two", "three"))
    temporary = store.create_conversation("ann", temporary=True).id
    theirs = store.create_conversation("bob").id
    store.delete("ann", earlier)
    deleted = store.delete_all("ann")
    assert deleted == others and titles(store) == []
    assert store.get_conversation("ann", temporary) and store.get_conversation("bob", theirs)
    store.restore("ann", deleted)
    assert titles(store) == ["three", "two"]


def test_restore_brings_back_all_or_none(store: HistoryStore) -> None:
    mine = conversation_about(store, "one")
    store.delete("ann", mine)
    with pytest.raises(NotFound):
        store.restore("ann", [mine, store.create_conversation("bob").id])
    assert titles(store) == []


def test_purge_erases_what_was_deleted_long_ago_and_nothing_else(store: HistoryStore, clock) -> None:
    old, recent, kept = (conversation_about(store, text) for text in ("old text", "recent text", "kept text"))
    run = store.add_run("ann", "summary", input="run text", output="")
    store.update_message("ann", store.thread("ann", old)[0].message.id, tokens=b"1")
    store.delete("ann", old)
    store.delete_run("ann", run.id)
    clock.now_s += 31 * DAY_S
    store.delete("ann", recent)
    assert store.purge_deleted() == 2
    assert store.purge_deleted() == 0
    store.restore("ann", recent)
    for operation, identifier in ((store.restore, old), (store.restore_run, run.id)):
        with pytest.raises(NotFound):
            operation("ann", identifier)
    assert {hit.conversation_id for hit in store.search("ann", "text")} == {recent, kept}


def test_a_temporary_conversation_works_but_is_in_no_list_search_or_export(store: HistoryStore) -> None:
    conversation_id = store.create_conversation("ann", temporary=True).id
    say(store, conversation_id, SECRET)
    assert store.thread("ann", conversation_id)[0].message.content == SECRET
    assert titles(store) == [] and store.search("ann", "heliotrope") == [] and store.search("ann", "he") == []
    assert SECRET not in store.export_json("ann")
    assert SECRET in store.export_markdown("ann", conversation_id)


def test_discarding_leaves_no_trace_of_it_in_the_files(path: Path) -> None:
    store = HistoryStore(open_database(path))
    conversation_id = store.create_conversation("ann", temporary=True).id
    message_id = say(store, conversation_id, SECRET)
    store.update_message("ann", message_id, tokens=SECRET.encode())
    assert any(SECRET.encode() in file.read_bytes() for file in path.parent.iterdir())
    store.discard_temporary("ann", conversation_id)
    assert not any(SECRET.encode() in file.read_bytes() for file in path.parent.iterdir())
    with pytest.raises(NotFound):
        store.update_message("ann", message_id, content="late")


def test_only_a_temporary_conversation_can_be_discarded(store: HistoryStore) -> None:
    conversation_id = conversation_about(store, "kept")
    with pytest.raises(InvalidInput):
        store.discard_temporary("ann", conversation_id)
    assert titles(store) == ["kept"]


def test_a_new_start_interrupts_unfinished_replies_and_erases_temporary_ones(store: HistoryStore) -> None:
    conversation_id = conversation_about(store, "question")
    statuses = ("queued", "streaming", "done", "stopped", "error")
    ids = [say(store, conversation_id, f"half a sentence {status}", status=status) for status in statuses]
    temporary = store.create_conversation("ann", temporary=True).id
    say(store, temporary, SECRET, status="streaming")
    assert store.search("ann", "sentence queued") == []
    assert store.mark_interrupted() == 2
    shown = [store.get_message("ann", message_id) for message_id in ids]
    assert [message.status for message in shown] == ["interrupted", "interrupted", "done", "stopped", "error"]
    assert shown[0].content == "half a sentence queued"
    assert len(store.search("ann", "sentence queued")) == 1
    with pytest.raises(NotFound):
        store.get_conversation("ann", temporary)
    assert store.mark_interrupted() == 0


def test_purge_takes_the_erased_words_out_of_the_search_index(store: HistoryStore, database) -> None:
    def index_bytes() -> int:
        return database.row("SELECT sum(length(block)) AS n FROM messages_search_data")["n"]

    conversation_about(store, "kept")
    before = index_bytes()
    for number in range(20):
        store.delete("ann", conversation_about(store, f"{SECRET} {number} " * 20))
    store.purge_deleted(0)
    assert index_bytes() < before + 100
