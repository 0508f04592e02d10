"""Which history files are refused, and the plain sentence for each way in which a file or a disk can fail.

Owns the wording. Writes nothing: a file that is looked at here stays as it is, byte for byte.
"""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from sqlite_utils import Database, Migrations

from playground.errors import StorageError

CHECKED_BYTES = 64 * 2**20
"""Up to this size every page of the file is checked at start-up; larger files only where they are read."""

ANOTHER_FOLDER = "set PLAYGROUND_DATA_DIR to another folder"
_DAMAGED = (
    "The history file {path} is damaged or is not a history file. It was left as it is: "
    f"move it away, or {ANOTHER_FOLDER}, and start again."
)
_READ_ONLY = (
    "The history cannot be written to {path}, because the file or its folder is read-only. "
    f"Allow writing there, or {ANOTHER_FOLDER}."
)
_FULL = (
    "The disk that holds {path} is full, so this could not be saved. Everything saved before is safe: "
    "free some space and try again."
)
_LOCKED = f"Another program is using the history file {{path}}. Close it, or {ANOTHER_FOLDER}, and try again."
_FAILING = (
    "The disk that holds {path} could not be read or written. Check that it is connected and not full, "
    f"or {ANOTHER_FOLDER}, and try again."
)
_TOO_LARGE = "This text is too large to be kept in the history ({path}). Shorten it and try again."
_NEWER = (
    "The history file {path} was written by a newer version of this program. It was left as it is: "
    f"update the program, or {ANOTHER_FOLDER}."
)
_FOREIGN = (
    "The file {path} is a database of another program. It was left as it is: "
    f"move it away, or {ANOTHER_FOLDER}, and start again."
)

# By message, because error codes reached Python's sqlite3 only in 3.11.
_BY_SQLITE_MESSAGE = (
    ("file is not a database", _DAMAGED),
    ("malformed", _DAMAGED),
    ("readonly database", _READ_ONLY),
    ("unable to open database file", _READ_ONLY),
    ("access permission denied", _READ_ONLY),
    ("disk is full", _FULL),
    ("is locked", _LOCKED),
    ("locking protocol", _LOCKED),
    ("disk i/o error", _FAILING),
    ("too big", _TOO_LARGE),
)


def plain_error(error: sqlite3.Error, path: Path | None) -> str | None:
    """The sentence for an error about the file; None for an error of the program itself."""
    message = str(error).lower()
    for part, sentence in _BY_SQLITE_MESSAGE:
        if part in message:
            return sentence.format(path=path or "in memory")
    return None


def plain_file_error(error: OSError, path: Path) -> str:
    """The sentence for an error of the operating system."""
    if error.errno == errno.ENOSPC:
        return _FULL.format(path=path)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return _READ_ONLY.format(path=path)
    return _FAILING.format(path=path)


def refuse_unusable(connection: sqlite3.Connection, path: Path, migrations: Migrations) -> None:
    """Raise StorageError when the file is damaged, another program's, or written by a newer version.

    Raises sqlite3.DatabaseError when it is no database at all.
    """
    database = Database(connection, recursive_triggers=False, execute_plugins=False)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    applied = {migration.name for migration in migrations.applied(database)}
    known = {migration.name for migration in migrations.pending(Database(memory=True, execute_plugins=False))}
    if applied - known:
        raise StorageError(_NEWER.format(path=path))
    if not applied and tables - {migrations.migrations_table}:
        raise StorageError(_FOREIGN.format(path=path))
    if path.stat().st_size <= CHECKED_BYTES:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise StorageError(_DAMAGED.format(path=path))
