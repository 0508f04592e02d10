"""Putting the conversations of a file into the database, next to what is there.

Owns the rules of an import: what is there is never overwritten by something older, importing twice adds nothing, and
an id that is somebody else's gets a new one that is always the same for the same person and file.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from ulid import ULID

from playground.history.database import HistoryDatabase
from playground.history.exchange import ExportedConversation, ExportedMessage, decode_tokens
from playground.history.rows import UNFINISHED
from playground.history.texts import one_line, to_json
from playground.history.tree import LEAF_BELOW

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


@dataclass(frozen=True)
class Outcome:
    """What became of one conversation."""

    conversation_id: str
    is_new: bool
    is_changed: bool
    messages_added: int


def merge(database: HistoryDatabase, owner: str, conversation: ExportedConversation) -> Outcome:
    """Add or complete one conversation; to be called inside a transaction."""
    conversation_id = _conversation_id(database, owner, conversation.id)
    row = database.row("SELECT * FROM conversations WHERE id = ?", (conversation_id,))
    if row is None:
        _insert_conversation(database, owner, conversation_id, conversation)
    ids = _message_ids(database, owner, conversation_id, conversation)
    added, replaced = _merge_messages(database, owner, conversation_id, conversation, ids)
    is_newer = row is not None and conversation.updated_at > row["updated_at"]
    if row is None or is_newer:
        _take_over(database, row, conversation_id, conversation)
    was_deleted = row is not None and row["deleted_at"] is not None
    if was_deleted:
        database.execute("UPDATE conversations SET deleted_at = NULL WHERE id = ?", (conversation_id,))
    wanted = ids.get(conversation.active_leaf_id or "") if row is None or is_newer else row["active_leaf_id"]
    _set_leaf(database, owner, conversation_id, wanted)
    is_changed = bool(row is not None and (added or replaced or is_newer or was_deleted))
    return Outcome(conversation_id, row is None, is_changed, added)


def derived_id(owner: str, *names: str) -> str:
    """An id that depends on nothing but the person and the names of the thing."""
    return str(ULID.from_bytes(hashlib.sha256("\0".join((owner, *names)).encode()).digest()[:16]))


def _conversation_id(database: HistoryDatabase, owner: str, original: str) -> str:
    derived = derived_id(owner, original)
    known = {
        row["id"]: row
        for row in database.rows(
            "SELECT id, owner, temporary FROM conversations WHERE id IN (?, ?)", (derived, original)
        )
    }
    # The derived one first: it stays the right one when the other person's conversation has gone meanwhile.
    if derived in known or not _ULID.fullmatch(original):
        return derived
    taken = known.get(original)
    return original if taken is None or (taken["owner"] == owner and not taken["temporary"]) else derived


def _message_ids(
    database: HistoryDatabase, owner: str, conversation_id: str, conversation: ExportedConversation
) -> dict[str, str]:
    """For each id in the file the id it has, or will have, here."""
    derived = {message.id: derived_id(owner, conversation.id, message.id) for message in conversation.messages}
    known = {
        row["id"]: row["conversation_id"]
        for row in database.rows(
            "SELECT id, conversation_id FROM messages WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps([*derived, *derived.values()]),),
        )
    }
    return {
        original: other
        if known.get(other) == conversation_id
        or not _ULID.fullmatch(original)
        or known.get(original, conversation_id) != conversation_id
        else original
        for original, other in derived.items()
    }


def _insert_conversation(
    database: HistoryDatabase, owner: str, conversation_id: str, conversation: ExportedConversation
) -> None:
    database.execute(
        "INSERT INTO conversations (id, owner, created_at, updated_at) VALUES (?, ?, ?, ?)",
        (conversation_id, owner, conversation.created_at, conversation.updated_at),
    )


def _take_over(
    database: HistoryDatabase, row: sqlite3.Row | None, conversation_id: str, conversation: ExportedConversation
) -> None:
    """Name, pin, settings and time of a newer (or new) conversation; a name given by hand here stays."""
    title, by_hand = one_line(conversation.title), conversation.title_by_hand
    if row is not None and row["title_by_hand"] and not by_hand:
        title, by_hand = row["title"], True
    database.execute(
        "UPDATE conversations SET title = ?, title_by_hand = ?, pinned = ?, settings = ?, updated_at = ? WHERE id = ?",
        (
            title,
            int(by_hand),
            int(conversation.pinned),
            to_json(conversation.settings),
            conversation.updated_at,
            conversation_id,
        ),
    )


def _merge_messages(
    database: HistoryDatabase,
    owner: str,
    conversation_id: str,
    conversation: ExportedConversation,
    ids: dict[str, str],
) -> tuple[int, int]:
    """How many messages were added, and how many replaced by a newer state of themselves."""
    here = {
        row["id"]: row
        for row in database.rows(
            "SELECT id, status, updated_at FROM messages WHERE conversation_id = ?", (conversation_id,)
        )
    }
    added = replaced = 0
    for message in conversation.messages:
        message_id = ids[message.id]
        existing = here.get(message_id)
        if existing is None:
            parent_id = None if message.parent_id is None else ids[message.parent_id]
            _insert_message(database, owner, (message_id, conversation_id, parent_id), message)
            added += 1
        elif message.updated_at > existing["updated_at"] and existing["status"] not in UNFINISHED:
            database.execute(
                "UPDATE messages SET status = ?, updated_at = ?, model = ?, error = ?, settings = ?, stats = ?, "
                "content = ? WHERE id = ?",
                (*_state(message), message_id),
            )
            replaced += 1
        else:
            continue
        _set_tokens(database, owner, message_id, message.tokens)
    return added, replaced


def _insert_message(
    database: HistoryDatabase, owner: str, place: tuple[str, str, str | None], message: ExportedMessage
) -> None:
    """`place`: the ids of the message, its conversation and its parent."""
    database.execute(
        "INSERT INTO messages (owner, id, conversation_id, parent_id, role, created_at, used_at, status, updated_at, "
        "model, error, settings, stats, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (owner, *place, message.role, message.created_at, message.used_at, *_state(message)),
    )


def _state(message: ExportedMessage) -> Sequence[str | float | None]:
    """What of a message may change: status, updated_at, model, error, settings, stats, content."""
    status = "interrupted" if message.status in UNFINISHED else message.status  # nobody is writing it any more
    settings, stats = to_json(message.settings), to_json(message.stats)
    return (status, message.updated_at, message.model, message.error, settings, stats, message.content)


def _set_tokens(database: HistoryDatabase, owner: str, message_id: str, tokens: str | None) -> None:
    database.execute("DELETE FROM message_tokens WHERE message_id = ?", (message_id,))
    if tokens is not None:
        database.execute(
            "INSERT INTO message_tokens (message_id, owner, data) VALUES (?, ?, ?)",
            (message_id, owner, decode_tokens(tokens)),
        )


def _set_leaf(database: HistoryDatabase, owner: str, conversation_id: str, wanted: str | None) -> None:
    """Show the wanted message's branch, or, when it is not there, the branch used last."""
    if wanted is None:
        latest = database.row(
            "SELECT id FROM messages WHERE conversation_id = ? ORDER BY used_at DESC, seq DESC LIMIT 1",
            (conversation_id,),
        )
        wanted = latest["id"] if latest is not None else None
    leaf = None if wanted is None else database.row(LEAF_BELOW, (wanted, owner))
    database.execute(
        "UPDATE conversations SET active_leaf_id = ? WHERE id = ?",
        (leaf["id"] if leaf is not None else None, conversation_id),
    )
