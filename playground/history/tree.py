"""The messages of a conversation: a tree by `parent_id` alone, and the one branch of it that is shown.

Owns the table of messages. Editing and retrying add a sibling; nothing here removes or replaces a message.
The branch that is shown ends in the conversation's active leaf; of the branches below a message the one used
last counts (`used_at` of its leaf).
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from playground.errors import NotFound
from playground.history.records import NO_MESSAGE, Records
from playground.history.rows import MESSAGE_COLUMNS, ROLES, STATUSES, UNFINISHED, MessageRow, ThreadMessage
from playground.history.texts import title_of, to_json

PATH = f"""
WITH RECURSIVE path (id, parent_id, height) AS (
    SELECT id, parent_id, 0 FROM messages WHERE id = ? AND owner = ?
    UNION ALL
    SELECT p.id, p.parent_id, path.height + 1 FROM messages p JOIN path ON p.id = path.parent_id
)
SELECT {MESSAGE_COLUMNS} FROM path JOIN messages m ON m.id = path.id ORDER BY path.height DESC
"""
"""From the first message to the one with this id and owner."""

LEAF_BELOW = """
WITH RECURSIVE below (id) AS (
    SELECT id FROM messages WHERE id = ? AND owner = ?
    UNION ALL
    SELECT c.id FROM messages c JOIN below ON c.parent_id = below.id
)
SELECT m.id FROM below JOIN messages m ON m.id = below.id
WHERE NOT EXISTS (SELECT 1 FROM messages c WHERE c.parent_id = m.id)
ORDER BY m.used_at DESC, m.seq DESC LIMIT 1
"""
"""The leaf below (or at) the message with this id and owner that was used last."""


class MessageTree(Records):
    """Every method raises NotFound for what is missing or somebody else's."""

    def add_message(
        self,
        owner: str,
        conversation_id: str,
        *,
        parent_id: str | None,
        role: str,
        content: str,
        status: str = "done",
        model: str | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> MessageRow:
        """Add a message below `parent_id` (None: a first message) and show its branch.

        The first user message names the conversation, unless somebody has named it.
        """
        _check("role", role, ROLES)
        _check("status", status, STATUSES)
        with self._database.transaction():
            conversation = self._conversation(owner, conversation_id)
            if parent_id is not None and self._message(owner, parent_id)["conversation_id"] != conversation_id:
                raise NotFound(NO_MESSAGE)
            now = self._now()
            message_id = self._new_id(now)
            self._database.execute(
                "INSERT INTO messages (id, owner, conversation_id, parent_id, role, status, created_at, updated_at, "
                "used_at, model, settings, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(message_id, owner, conversation_id, parent_id, role, status),
                    *(now, now, now, model, to_json(settings), content),
                ),
            )
            title = conversation["title"] or (title_of(content) if role == "user" else "")
            self._database.execute(
                "UPDATE conversations SET active_leaf_id = ?, updated_at = ?, title = ? WHERE id = ?",
                (message_id, now, title, conversation_id),
            )
            return MessageRow.of(self._message(owner, message_id))

    def get_message(self, owner: str, message_id: str) -> MessageRow:
        """One message, also of a deleted conversation."""
        return MessageRow.of(self._message(owner, message_id))

    def update_message(
        self,
        owner: str,
        message_id: str,
        *,
        content: str | None = None,
        status: str | None = None,
        error: str | None = None,
        stats: Mapping[str, Any] | None = None,
        model: str | None = None,
        tokens: bytes | None = None,
    ) -> None:
        """Change what is given, all of it or nothing. A new status takes the old error away.

        Works in a deleted conversation too: a reply that is being written while its conversation is deleted is
        there in full when that is undone.
        """
        changes: dict[str, str | float | None] = {"updated_at": self._now()}
        given = {"content": content, "model": model, "stats": to_json(stats)}
        changes.update({column: value for column, value in given.items() if value is not None})
        if status is not None:
            _check("status", status, STATUSES)
            changes["status"] = status
        if error is not None or status is not None:
            changes["error"] = error
        with self._database.transaction():
            assignments = ", ".join(f"{column} = ?" for column in changes)
            changed = self._database.execute(
                f"UPDATE messages SET {assignments} WHERE id = ? AND owner = ?", (*changes.values(), message_id, owner)
            )
            if not changed:
                raise NotFound(NO_MESSAGE)
            if tokens is not None:
                self._database.execute(
                    "INSERT INTO message_tokens (message_id, owner, data) VALUES (?, ?, ?) "
                    "ON CONFLICT (message_id) DO UPDATE SET data = excluded.data",
                    (message_id, owner, tokens),
                )
            if status is not None and status not in UNFINISHED:
                self._database.execute(
                    "UPDATE conversations SET updated_at = ? "
                    "WHERE id = (SELECT conversation_id FROM messages WHERE id = ?)",
                    (changes["updated_at"], message_id),
                )

    def load_tokens(self, owner: str, message_id: str) -> bytes | None:
        """What `update_message(tokens=...)` kept, None when nothing."""
        self._message(owner, message_id)
        row = self._database.row("SELECT data FROM message_tokens WHERE message_id = ?", (message_id,))
        return None if row is None else bytes(row["data"])

    def thread(self, owner: str, conversation_id: str) -> list[ThreadMessage]:
        """The branch that is shown, from the first message to the active leaf; [] for an empty conversation."""
        with self._database.transaction(write=False):
            leaf_id = self._conversation(owner, conversation_id)["active_leaf_id"]
            path = [] if leaf_id is None else self._path(owner, leaf_id)
            siblings: dict[str | None, list[str]] = defaultdict(list)
            for row in self._database.rows(
                "SELECT id, parent_id FROM messages WHERE conversation_id = ? ORDER BY created_at, seq",
                (conversation_id,),
            ):
                siblings[row["parent_id"]].append(row["id"])
        return [_in_thread(row, siblings[row["parent_id"]]) for row in path]

    def path_to(self, owner: str, message_id: str) -> list[MessageRow]:
        """From the first message to this one, whichever branch is shown."""
        path = self._path(owner, message_id)
        if not path:
            raise NotFound(NO_MESSAGE)
        return [MessageRow.of(row) for row in path]

    def select_version(self, owner: str, message_id: str) -> None:
        """Show the branch through this message, down to the leaf below it that was used last."""
        with self._database.transaction():
            conversation_id = self._message(owner, message_id)["conversation_id"]
            self._conversation(owner, conversation_id)
            self._show(owner, conversation_id, message_id)

    def _show(self, owner: str, conversation_id: str, message_id: str) -> None:
        leaf = self._database.row(LEAF_BELOW, (message_id, owner))
        if leaf is None:
            raise NotFound(NO_MESSAGE)
        self._database.execute("UPDATE messages SET used_at = ? WHERE id = ?", (self._now(), leaf["id"]))
        self._database.execute(
            "UPDATE conversations SET active_leaf_id = ? WHERE id = ?", (leaf["id"], conversation_id)
        )

    def _path(self, owner: str, message_id: str) -> list[sqlite3.Row]:
        return self._database.rows(PATH, (message_id, owner))


def _in_thread(row: sqlite3.Row, siblings: list[str]) -> ThreadMessage:
    message = MessageRow.of(row)
    return ThreadMessage(message, siblings.index(message.id) + 1, len(siblings), tuple(siblings))


def _check(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}, not one of {', '.join(allowed)}")
