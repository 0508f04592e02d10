"""Whatever is done to a tree in whatever order: nothing gets lost, and an export gives it back exactly."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from playground.history.database import open_database
from playground.history.store import HistoryStore

TEXTS = st.text(max_size=12)
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(-1, 30), TEXTS),
        st.tuples(st.just("select"), st.integers(0, 30), st.just("")),
        st.tuples(st.just("update"), st.integers(0, 30), TEXTS),
    ),
    max_size=25,
)


class Tree:
    """A conversation next to a plain model of it: id -> parent id."""

    def __init__(self, store: HistoryStore) -> None:
        self.store = store
        self.id = store.create_conversation("ann").id
        self.parents: dict[str, str | None] = {}

    def apply(self, operation: tuple[str, int, str]) -> None:
        kind, place, text = operation
        ids = list(self.parents)
        if kind == "add":
            parent_id = None if place < 0 or not ids else ids[place % len(ids)]
            role = "user" if place % 2 else "assistant"
            added = self.store.add_message("ann", self.id, parent_id=parent_id, role=role, content=text)
            self.parents[added.id] = parent_id
            assert self.shown()[-1] == added.id
        elif ids and kind == "select":
            self.store.select_version("ann", ids[place % len(ids)])
            assert ids[place % len(ids)] in self.shown()
        elif ids:
            stats = {"length": len(text), "text": text}
            self.store.update_message("ann", ids[place % len(ids)], content=text, stats=stats, tokens=text.encode())

    def shown(self) -> list[str]:
        return [entry.message.id for entry in self.store.thread("ann", self.id)]

    def check(self) -> None:
        """The thread is a path from a first message to a leaf, and its versions are all the siblings."""
        thread = self.store.thread("ann", self.id)
        above = None
        for entry in thread:
            assert entry.message.parent_id == above == self.parents[entry.message.id]
            siblings = [message_id for message_id, parent_id in self.parents.items() if parent_id == above]
            assert list(entry.sibling_ids) == siblings and entry.versions == len(siblings)
            assert entry.sibling_ids[entry.version - 1] == entry.message.id
            above = entry.message.id
        assert above not in self.parents.values() or above is None
        assert bool(thread) == bool(self.parents)

    def reachable(self) -> set[str]:
        """All messages that a person can come to with the pager alone."""
        seen: set[str] = set()
        waiting = [entry.message.id for entry in self.store.thread("ann", self.id)]
        while waiting:
            message_id = waiting.pop()
            if message_id not in seen:
                seen.add(message_id)
                self.store.select_version("ann", message_id)
                for entry in self.store.thread("ann", self.id):
                    waiting.extend(sibling for sibling in entry.sibling_ids if sibling not in seen)
        return seen


@settings(max_examples=40, deadline=None)
@given(operations=OPERATIONS)
def test_the_thread_is_always_a_path_and_every_message_can_be_reached(operations) -> None:
    database = open_database(None)
    tree = Tree(HistoryStore(database))
    for operation in operations:
        tree.apply(operation)
        tree.check()
    assert tree.reachable() == set(tree.parents)
    database.close()


@settings(max_examples=40, deadline=None)
@given(first=OPERATIONS, second=OPERATIONS)
def test_an_export_gives_back_exactly_the_same_and_completes_an_older_one(first, second) -> None:
    here, there = open_database(None), open_database(None)
    tree, copy = Tree(HistoryStore(here)), HistoryStore(there)
    for operation in first:
        tree.apply(operation)
    older = tree.store.export_json("ann")
    copy.import_json("ann", older)
    assert copy.export_json("ann") == older
    for operation in second:
        tree.apply(operation)
    newer = tree.store.export_json("ann")
    assert tree.store.import_json("ann", older).messages_added == 0
    assert tree.store.export_json("ann") == newer, "an older export changes nothing"
    copy.import_json("ann", newer)
    assert messages(copy.export_json("ann")) == messages(newer)
    again = copy.import_json("ann", newer)
    assert (again.conversations_added, again.updated, again.messages_added, again.unchanged) == (0, 0, 0, 1)
    for one in (here, there):
        one.close()


def messages(export: str) -> list[dict[str, object]]:
    """The messages of the only conversation. When a branch was last looked at is no part of what is merged."""
    (conversation,) = json.loads(export)["conversations"]
    return [{key: value for key, value in message.items() if key != "used_at"} for message in conversation["messages"]]
