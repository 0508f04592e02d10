"""Conversations as a list: made, named, pinned, put away, brought back, erased.

Owns the table of conversations. Knows of messages only that they go when their conversation is erased.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from playground.errors import InvalidInput, NotFound
from playground.history.records import NO_CONVERSATION, Records
from playground.history.rows import ConversationRow
from playground.history.texts import one_line, to_json


class Conversations(Records):
    """Every method raises NotFound for a conversation that is missing, deleted or somebody else's."""

    def create_conversation(
        self, owner: str, *, temporary: bool = False, settings: Mapping[str, Any] | None = None
    ) -> ConversationRow:
        """A new, empty conversation. A temporary one is in no list, search or complete export."""
        with self._database.transaction():
            now = self._now()
            conversation_id = self._new_id(now)
            self._database.execute(
                "INSERT INTO conversations (id, owner, temporary, settings, created_at, updated_at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (conversation_id, owner, int(temporary), to_json(settings), now, now),
            )
            return self.get_conversation(owner, conversation_id)

    def get_conversation(self, owner: str, conversation_id: str) -> ConversationRow:
        """One conversation, temporary ones included."""
        return ConversationRow.of(self._conversation(owner, conversation_id))

    def list_conversations(self, owner: str, *, limit: int = 500) -> list[ConversationRow]:
        """Pinned first, then by last use; neither deleted nor temporary ones."""
        rows = self._database.rows(
            "SELECT * FROM conversations WHERE owner = ? AND temporary = 0 AND deleted_at IS NULL "
            "ORDER BY pinned DESC, updated_at DESC, seq DESC LIMIT ?",
            (owner, max(limit, 0)),
        )
        return [ConversationRow.of(row) for row in rows]

    def rename(self, owner: str, conversation_id: str, title: str) -> None:
        """Name it by hand; no automatic title replaces this. InvalidInput for a name without a visible sign."""
        name = one_line(title)
        if not name:
            raise InvalidInput("A name needs at least one letter. Type one, or leave the name as it was.")
        self._change(owner, conversation_id, "title = ?, title_by_hand = 1", (name,))

    def set_pinned(self, owner: str, conversation_id: str, pinned: bool) -> None:
        """Keep it at the top of the list, or not."""
        self._change(owner, conversation_id, "pinned = ?", (int(pinned),))

    def set_settings(self, owner: str, conversation_id: str, settings: Mapping[str, Any] | None) -> None:
        """Replace its settings."""
        self._change(owner, conversation_id, "settings = ?", (to_json(settings),))

    def delete(self, owner: str, conversation_id: str) -> None:
        """Put it away; `restore` brings it back until `purge_deleted` erases it."""
        self._change(owner, conversation_id, "deleted_at = ?", (self._now(),))

    def delete_all(self, owner: str) -> list[str]:
        """Put all listed conversations away; their ids, for `restore`."""
        with self._database.transaction():
            rows = self._database.rows(
                "SELECT id FROM conversations WHERE owner = ? AND temporary = 0 AND deleted_at IS NULL ORDER BY seq",
                (owner,),
            )
            self._database.execute(
                "UPDATE conversations SET deleted_at = ? WHERE owner = ? AND temporary = 0 AND deleted_at IS NULL",
                (self._now(), owner),
            )
        return [row["id"] for row in rows]

    def restore(self, owner: str, conversation_ids: str | Sequence[str]) -> None:
        """Bring deleted conversations back, all or none; one that is not deleted stays as it is."""
        ids = [conversation_ids] if isinstance(conversation_ids, str) else list(conversation_ids)
        with self._database.transaction():
            for conversation_id in ids:
                changed = self._database.execute(
                    "UPDATE conversations SET deleted_at = NULL WHERE id = ? AND owner = ?", (conversation_id, owner)
                )
                if not changed:
                    raise NotFound(NO_CONVERSATION)

    def discard_temporary(self, owner: str, conversation_id: str) -> None:
        """Erase a temporary conversation for good. InvalidInput for one that is kept."""
        with self._database.transaction():
            if not self._conversation(owner, conversation_id)["temporary"]:
                raise InvalidInput("This conversation is kept. Delete it instead: that can be undone.")
            self._erase_conversations("id = ? AND owner = ?", (conversation_id, owner))
        self._database.erase_traces()

    def _change(
        self, owner: str, conversation_id: str, assignments: str, values: tuple[str | int | float | None, ...]
    ) -> None:
        changed = self._database.execute(
            f"UPDATE conversations SET {assignments} WHERE id = ? AND owner = ? AND deleted_at IS NULL",
            (*values, conversation_id, owner),
        )
        if not changed:
            raise NotFound(NO_CONVERSATION)
