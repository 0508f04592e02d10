"""What the history hands out: frozen rows, so that no caller can change the store by changing an object.

Owns the shapes and how a table row becomes one. Times are seconds since 1970 (UTC).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from playground.history.texts import from_json

Status = Literal["queued", "streaming", "done", "stopped", "interrupted", "error"]
"""`interrupted`: the program ended while the reply was being written."""
STATUSES: tuple[str, ...] = ("queued", "streaming", "done", "stopped", "interrupted", "error")
UNFINISHED: tuple[str, ...] = ("queued", "streaming")
ROLES: tuple[str, ...] = ("system", "user", "assistant")


@dataclass(frozen=True)
class ConversationRow:
    """A conversation without its messages. `title` is "" until the first user message."""

    id: str
    title: str
    title_by_hand: bool
    pinned: bool
    temporary: bool
    active_leaf_id: str | None
    settings: Mapping[str, Any] | None
    created_at: float
    updated_at: float
    """The last message, not the last rename: the list is sorted by it."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> ConversationRow:
        """The row as a value."""
        return cls(
            id=row["id"],
            title=row["title"],
            title_by_hand=bool(row["title_by_hand"]),
            pinned=bool(row["pinned"]),
            temporary=bool(row["temporary"]),
            active_leaf_id=row["active_leaf_id"],
            settings=from_json(row["settings"]),
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )


@dataclass(frozen=True)
class MessageRow:
    """One message of the tree; `parent_id` None is a first message."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: str
    content: str
    status: str
    error: str | None
    model: str | None
    settings: Mapping[str, Any] | None
    stats: Mapping[str, Any] | None
    has_tokens: bool
    """Whether `load_tokens` gives something."""
    created_at: float
    updated_at: float

    @classmethod
    def of(cls, row: sqlite3.Row) -> MessageRow:
        """The row as a value."""
        return cls(
            id=row["id"],
            conversation_id=row["conversation_id"],
            parent_id=row["parent_id"],
            role=row["role"],
            content=row["content"],
            status=row["status"],
            error=row["error"],
            model=row["model"],
            settings=from_json(row["settings"]),
            stats=from_json(row["stats"]),
            has_tokens=bool(row["has_tokens"]),
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )


MESSAGE_COLUMNS = (
    "m.id, m.conversation_id, m.parent_id, m.role, m.status, m.error, m.model, m.settings, m.stats, m.created_at, "
    "m.updated_at, m.used_at, m.content, EXISTS (SELECT 1 FROM message_tokens WHERE message_id = m.id) AS has_tokens"
)
"""What `MessageRow.of` reads, for `messages m`."""


@dataclass(frozen=True)
class ThreadMessage:
    """A message as it stands in the branch that is shown: "version 2 of 3" and the ids of all versions, in order."""

    message: MessageRow
    version: int
    """From 1."""
    versions: int
    sibling_ids: tuple[str, ...]
    """All versions, this one included; `sibling_ids[version - 1] == message.id`."""


@dataclass(frozen=True)
class RunRow:
    """One use of another tab: what went in, what came out."""

    id: str
    task: str
    input: str
    output: str
    settings: Mapping[str, Any] | None
    stats: Mapping[str, Any] | None
    created_at: float

    @classmethod
    def of(cls, row: sqlite3.Row) -> RunRow:
        """The row as a value."""
        return cls(
            id=row["id"],
            task=row["task"],
            input=row["input"],
            output=row["output"],
            settings=from_json(row["settings"]),
            stats=from_json(row["stats"]),
            created_at=row["created_at"],
        )


@dataclass(frozen=True)
class PresetRow:
    """Settings under a name that the user gave."""

    name: str
    settings: Mapping[str, Any]
    updated_at: float


@dataclass(frozen=True)
class SearchHit:
    """A place where all words of a query were found: a title, a message, or a run of another tab."""

    conversation_id: str | None
    """None for a run."""
    message_id: str | None
    """None for a title or a run. `select_version` with it opens the branch that holds it."""
    run_id: str | None
    title: str
    """The conversation's title, or the task of a run."""
    snippet: tuple[tuple[str, bool], ...]
    """The surroundings in pieces (text, is a match); joined they are the text that is shown."""
    created_at: float
    role: str | None
    """Who wrote the message; None for a title or a run."""


@dataclass(frozen=True)
class ImportReport:
    """What an import did."""

    conversations_added: int = 0
    updated: int = 0
    """Conversations that were here and got something new."""
    unchanged: int = 0
    messages_added: int = 0
    skipped: int = 0
    """Messages with nothing to show: tool calls, hidden system notes, pictures without text."""
    kind: Literal["playground", "chatgpt"] = "playground"
    conversation_ids: tuple[str, ...] = ()
    """All conversations of the import as they are called here, in the order of the file."""
