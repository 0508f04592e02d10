"""The tables of the history, as numbered steps; a step that was released is never edited, a new one is added.

Owns the schema. Knows nothing of what the columns are used for. The full-text index is not here: it can be
rebuilt from the tables at any time and depends on the SQLite of the machine (`search_index.py`).
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

SET_NAME = "playground.history"
MIGRATIONS = Migrations(SET_NAME)


# `seq` is spelled out because VACUUM renumbers hidden row ids, and the full-text index refers to them.
# Long texts come last: SQLite can then read the short columns without walking through the long ones.
_FIRST_TABLES = """
CREATE TABLE conversations (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    title TEXT NOT NULL DEFAULT '',
    title_by_hand INTEGER NOT NULL DEFAULT 0,
    pinned INTEGER NOT NULL DEFAULT 0,
    temporary INTEGER NOT NULL DEFAULT 0,
    active_leaf_id TEXT,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    deleted_at REAL,
    settings TEXT
);
CREATE INDEX conversations_by_use
    ON conversations (owner, temporary, deleted_at, pinned DESC, updated_at DESC, seq DESC);

CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    conversation_id TEXT NOT NULL REFERENCES conversations (id),
    parent_id TEXT REFERENCES messages (id),
    role TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    used_at REAL NOT NULL,
    model TEXT,
    error TEXT,
    settings TEXT,
    stats TEXT,
    content TEXT NOT NULL
);
CREATE INDEX messages_by_parent ON messages (conversation_id, parent_id, created_at, seq);
CREATE INDEX messages_children ON messages (parent_id);
CREATE INDEX messages_by_owner ON messages (owner);
CREATE INDEX messages_unfinished ON messages (status) WHERE status IN ('queued', 'streaming');

CREATE TABLE message_tokens (
    message_id TEXT PRIMARY KEY REFERENCES messages (id),
    owner TEXT NOT NULL,
    data BLOB NOT NULL
);

CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    task TEXT NOT NULL,
    created_at REAL NOT NULL,
    deleted_at REAL,
    settings TEXT,
    stats TEXT,
    input TEXT NOT NULL,
    output TEXT NOT NULL
);
CREATE INDEX runs_by_time ON runs (owner, deleted_at, created_at DESC, seq DESC);

CREATE TABLE presets (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    updated_at REAL NOT NULL,
    settings TEXT NOT NULL,
    PRIMARY KEY (owner, name)
);
"""


@MIGRATIONS()
def m001_conversations_messages_runs_presets(database: Database) -> None:
    """The first tables. `owner` is in every one of them; times are seconds since 1970 (UTC)."""
    database.executescript(_FIRST_TABLES)
