"""What all parts of the store stand on: the database, the clock, and the check that a row is the asker's.

Owns the rule that somebody else's row and a missing row are the same thing. Knows no operation.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from ulid import ULID

from playground.errors import NotFound
from playground.history.database import HistoryDatabase
from playground.history.rows import MESSAGE_COLUMNS

Clock = Callable[[], float]

NO_CONVERSATION = "This conversation does not exist any more. Choose another one, or start a new one."
NO_MESSAGE = "This message does not exist any more. Reload the page to see the conversation as it is now."
NO_RUN = "This entry does not exist any more. Choose another one."
NO_PRESET = "This preset does not exist any more. Choose another one, or save it again."


class Records:
    """Rows of one database; `clock` gives seconds since 1970."""

    def __init__(self, database: HistoryDatabase, *, clock: Clock = time.time) -> None:
        self._database = database
        self._clock = clock
        self._latest_s = 0.0

    def _now(self) -> float:
        """The time, in whole microseconds and later than any time given before: it also orders rows."""
        self._latest_s = round(max(self._clock(), self._latest_s + 1e-6), 6)
        return self._latest_s

    def _new_id(self, now_s: float) -> str:
        return str(ULID.from_timestamp(now_s))

    def _conversation(self, owner: str, conversation_id: str, *, deleted: bool = False) -> sqlite3.Row:
        """A conversation of the owner; NotFound when it is missing, somebody else's, or (not) deleted."""
        row = self._database.row(
            "SELECT * FROM conversations WHERE id = ? AND owner = ? AND (deleted_at IS NOT NULL) = ?",
            (conversation_id, owner, int(deleted)),
        )
        if row is None:
            raise NotFound(NO_CONVERSATION)
        return row

    def _message(self, owner: str, message_id: str) -> sqlite3.Row:
        """A message of the owner, also in a deleted conversation; NotFound when missing or somebody else's."""
        row = self._database.row(
            f"SELECT {MESSAGE_COLUMNS} FROM messages m WHERE m.id = ? AND m.owner = ?", (message_id, owner)
        )
        if row is None:
            raise NotFound(NO_MESSAGE)
        return row

    def _erase_conversations(self, condition: str, parameters: tuple[str | float, ...] = ()) -> int:
        """Really erase the conversations that meet an SQL condition; how many there were."""
        chosen = f"SELECT id FROM conversations WHERE {condition}"
        messages = f"SELECT id FROM messages WHERE conversation_id IN ({chosen})"
        with self._database.transaction():
            # From the leaves of the schema upwards: the search index looks at the conversation of a message
            # that goes away.
            self._database.execute(f"DELETE FROM message_tokens WHERE message_id IN ({messages})", parameters)
            self._database.execute(f"DELETE FROM messages WHERE conversation_id IN ({chosen})", parameters)
            return self._database.execute(f"DELETE FROM conversations WHERE {condition}", parameters)
