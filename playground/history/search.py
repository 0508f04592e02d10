"""Finding text in titles, messages and runs.

Owns the queries and the snippets. Whatever a user types is text to look for, never a query language. Words of three
characters and more go through the trigram index where there is one; shorter ones are looked for in the tables.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

from playground.history.database import HistoryDatabase
from playground.history.records import Records
from playground.history.rows import SearchHit
from playground.history.texts import clean_text

QUERY_CHARACTERS = 300
QUERY_WORDS = 12
"""Of a longer query only the beginning is looked for."""
BEFORE_CHARACTERS = 40
AFTER_CHARACTERS = 120
"""How much a snippet shows around the first match."""
_TRIGRAM = 3

_SHOWN = "c.owner = :owner AND c.temporary = 0 AND c.deleted_at IS NULL"


class Search(Records):
    """One search over everything that a person keeps."""

    def search(self, owner: str, query: str, *, limit: int = 50) -> list[SearchHit]:
        """Where all words of the query occur, whatever their case: titles first, then the newest text.

        "Words in double quotes" are looked for as they stand. An empty query finds nothing.
        """
        words = _words(query)
        limit = max(limit, 0)
        if not words or not limit:
            return []
        titles = _titles(self._database, owner, words, limit)
        messages = _messages(self._database, owner, words, limit)
        runs = _runs(self._database, owner, words, limit)
        texts = sorted([*messages, *runs], key=lambda hit: hit.created_at, reverse=True)
        # Many titles leave half of the room to the texts.
        room = max(limit - len(texts), (limit + 1) // 2)
        return [*titles[:room], *texts][:limit]


@dataclass(frozen=True)
class _Condition:
    """`join` and `where` of a query that finds all words in a table, and their parameters."""

    join: str
    where: str
    parameters: dict[str, str]


def _words(query: str) -> list[str]:
    text = clean_text(query[:QUERY_CHARACTERS]).strip()
    if len(text) > 2 and text[0] == text[-1] == '"' and text[1:-1].strip():
        return [text[1:-1].strip()]
    return list(dict.fromkeys(text.split()))[:QUERY_WORDS]


def _contains(words: list[str], column: str) -> tuple[str, dict[str, str]]:
    """SQL and parameters for "this column contains every word"."""
    conditions, parameters = [], {}
    for number, word in enumerate(words):
        name = f"word{number}"
        if word.isascii() or word.lower() == word.upper():
            escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            conditions.append(f"{column} LIKE :{name} ESCAPE '\\'")
            parameters[name] = f"%{escaped}%"
        else:  # LIKE knows upper and lower case of ASCII alone
            conditions.append(f"instr(fold({column}), :{name}) > 0")
            parameters[name] = word.casefold()
    return " AND ".join(conditions), parameters


def _in_table(database: HistoryDatabase, words: list[str], index: str, table: str, column: str) -> _Condition:
    """Through the index where it can help, word by word in the table for the rest."""
    indexed = [word for word in words if database.has_trigram and len(word) >= _TRIGRAM]
    others = [word for word in words if word not in indexed]
    where, parameters = _contains(others, column)
    if not indexed:
        return _Condition("", where, parameters)
    parameters["match"] = " ".join('"' + word.replace('"', '""') + '"' for word in indexed)
    match = f"{index} MATCH :match"
    return _Condition(
        f"JOIN {index} ON {index}.rowid = {table}.seq", f"{match} AND {where}" if where else match, parameters
    )


def _titles(database: HistoryDatabase, owner: str, words: list[str], limit: int) -> list[SearchHit]:
    # Without an index: a person has hundreds of titles, not millions.
    where, parameters = _contains(words, "c.title")
    rows = database.rows(
        f"SELECT c.id, c.title, c.updated_at FROM conversations c WHERE {_SHOWN} AND {where} "
        "ORDER BY c.updated_at DESC, c.seq DESC LIMIT :limit",
        {"owner": owner, "limit": limit, **parameters},
    )
    return [
        SearchHit(row["id"], None, None, row["title"], snippet_of(row["title"], words), row["updated_at"], None)
        for row in rows
    ]


def _messages(database: HistoryDatabase, owner: str, words: list[str], limit: int) -> list[SearchHit]:
    condition = _in_table(database, words, "messages_search", "m", "m.content")
    rows = database.rows(
        f"""
        WITH found (seq) AS (
            SELECT m.seq FROM messages m {condition.join} JOIN conversations c ON c.id = m.conversation_id
            WHERE m.owner = :owner AND {_SHOWN} AND {condition.where}
            ORDER BY m.created_at DESC, m.seq DESC LIMIT :limit
        )
        SELECT m.id, m.conversation_id, c.title, m.role, m.created_at, m.content
        FROM found JOIN messages m ON m.seq = found.seq JOIN conversations c ON c.id = m.conversation_id
        ORDER BY m.created_at DESC, m.seq DESC
        """,
        {"owner": owner, "limit": limit, **condition.parameters},
    )
    return [_message_hit(row, words) for row in rows]


def _message_hit(row: sqlite3.Row, words: list[str]) -> SearchHit:
    snippet = snippet_of(row["content"], words)
    return SearchHit(row["conversation_id"], row["id"], None, row["title"], snippet, row["created_at"], row["role"])


def _runs(database: HistoryDatabase, owner: str, words: list[str], limit: int) -> list[SearchHit]:
    condition = _in_table(database, words, "runs_search", "r", "(r.input || char(10) || r.output)")
    rows = database.rows(
        f"SELECT r.id, r.task, r.input, r.output, r.created_at FROM runs r {condition.join} "
        f"WHERE r.owner = :owner AND r.deleted_at IS NULL AND {condition.where} "
        "ORDER BY r.created_at DESC, r.seq DESC LIMIT :limit",
        {"owner": owner, "limit": limit, **condition.parameters},
    )
    return [
        SearchHit(
            None,
            None,
            row["id"],
            row["task"],
            snippet_of(f"{row['input']}\n{row['output']}", words),
            row["created_at"],
            None,
        )
        for row in rows
    ]


def snippet_of(text: str, words: list[str]) -> tuple[tuple[str, bool], ...]:
    """The surroundings of the first match on one line, in pieces (text, is a match)."""
    pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)), re.IGNORECASE)
    first = pattern.search(text)
    start = max((first.start() if first else 0) - BEFORE_CHARACTERS, 0)
    end = min((first.end() if first else 0) + AFTER_CHARACTERS, len(text))
    pieces: list[tuple[str, bool]] = [("…", False)] if start > 0 else []
    position = start
    for match in pattern.finditer(text, start, end):
        pieces += [(_flat(text[position : match.start()]), False), (_flat(match.group()), True)]
        position = match.end()
    pieces.append((_flat(text[position:end]), False))
    if end < len(text):
        pieces.append(("…", False))
    return tuple(piece for piece in pieces if piece[0])


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)
