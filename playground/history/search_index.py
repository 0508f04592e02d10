"""The full-text index: FTS5 tables of trigrams and the triggers that keep them true.

Owns derived data only; everything here can be thrown away and rebuilt from the tables. Trigrams rather than
words, because Chinese has no spaces. Temporary conversations and replies that are still being written are
never in it.
"""

from __future__ import annotations

import sqlite3

INDEXED_CHARACTERS = 200_000
"""Of a longer text only the beginning is indexed: indexing a pasted book would take seconds."""

_TRIGGERS = ("messages_search_insert", "messages_search_update", "messages_search_delete")
_RUN_TRIGGERS = ("runs_search_insert", "runs_search_delete")
_STREAMED = "('queued', 'streaming')"


def _message(row: str) -> str:
    """The indexed columns of a message, as the end of an INSERT, and the condition under which it is indexed."""
    return f"""SELECT {{first}}{row}.seq, substr({row}.content, 1, {INDEXED_CHARACTERS})
        WHERE {row}.status NOT IN {_STREAMED}
        AND (SELECT temporary FROM conversations WHERE id = {row}.conversation_id) = 0"""


# Without a copy of the text in the index ("contentless"), a row is taken out by giving exactly the text that was
# put in. That is why each trigger repeats the condition and the cut of the other ones.
_ADD = "INSERT INTO messages_search (rowid, content) " + _message("new").format(first="")
_REMOVE = "INSERT INTO messages_search (messages_search, rowid, content) " + _message("old").format(first="'delete', ")
_RUN_TEXT = f"substr({{row}}.input, 1, {INDEXED_CHARACTERS}), substr({{row}}.output, 1, {INDEXED_CHARACTERS})"

_CREATE = f"""
CREATE VIRTUAL TABLE IF NOT EXISTS messages_search USING fts5 (content, content='', tokenize='trigram');
CREATE VIRTUAL TABLE IF NOT EXISTS runs_search USING fts5 (input, output, content='', tokenize='trigram');
CREATE TRIGGER messages_search_insert AFTER INSERT ON messages BEGIN {_ADD}; END;
CREATE TRIGGER messages_search_delete AFTER DELETE ON messages BEGIN {_REMOVE}; END;
CREATE TRIGGER messages_search_update AFTER UPDATE OF content, status ON messages
    WHEN old.content <> new.content OR old.status <> new.status BEGIN {_REMOVE}; {_ADD}; END;
CREATE TRIGGER runs_search_insert AFTER INSERT ON runs BEGIN
    INSERT INTO runs_search (rowid, input, output) VALUES (new.seq, {_RUN_TEXT.format(row="new")}); END;
CREATE TRIGGER runs_search_delete AFTER DELETE ON runs BEGIN
    INSERT INTO runs_search (runs_search, rowid, input, output)
    VALUES ('delete', old.seq, {_RUN_TEXT.format(row="old")}); END;
INSERT INTO messages_search (messages_search) VALUES ('delete-all');
INSERT INTO runs_search (runs_search) VALUES ('delete-all');
INSERT INTO messages_search (rowid, content)
    SELECT m.seq, substr(m.content, 1, {INDEXED_CHARACTERS}) FROM messages m JOIN conversations c
    ON c.id = m.conversation_id WHERE c.temporary = 0 AND m.status NOT IN {_STREAMED};
INSERT INTO runs_search (rowid, input, output) SELECT seq, {_RUN_TEXT.format(row="runs")} FROM runs;
"""


def prepare(connection: sqlite3.Connection) -> bool:
    """Create or repair the index inside the open transaction; False where this SQLite has no trigrams.

    A file may travel: where the index cannot be kept its triggers are dropped, and the next program that can keep
    it builds it anew.
    """
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    triggers = {name for name in names if name in (*_TRIGGERS, *_RUN_TRIGGERS)}
    if not has_trigrams(connection):
        _drop(connection, triggers)
        return False
    if triggers != {*_TRIGGERS, *_RUN_TRIGGERS}:
        _drop(connection, triggers)
        for statement in _statements(_CREATE):
            connection.execute(statement)
    return True


def has_trigrams(connection: sqlite3.Connection) -> bool:
    """Whether this SQLite can make such an index (FTS5, and 3.34 or newer)."""
    try:
        connection.execute("CREATE VIRTUAL TABLE temp.trigram_probe USING fts5 (x, tokenize='trigram')")
        connection.execute("DROP TABLE temp.trigram_probe")
    except sqlite3.OperationalError:
        return False
    return True


def _drop(connection: sqlite3.Connection, triggers: set[str]) -> None:
    for name in triggers:
        connection.execute(f"DROP TRIGGER {name}")


def _statements(script: str) -> list[str]:
    """The statements one by one: `executescript` would commit the open transaction."""
    statements, current = [], ""
    for line in script.splitlines():
        current += line + "\n"
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements
