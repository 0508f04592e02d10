"""One SQLite connection behind one lock, and the plain sentences for everything that can go wrong with its file.

Owns the file: opening, refusing, upgrading, transactions, cleaning of text. Knows no conversation and no message.
A file that cannot be used is refused before anything is written to it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database, Migrations

from playground.errors import StorageError
from playground.history import search_index
from playground.history.backup import back_up
from playground.history.migrations import MIGRATIONS
from playground.history.storage_errors import plain_error, plain_file_error, refuse_unusable
from playground.history.texts import clean_text

Value = str | bytes | int | float | None
Parameters = Sequence[Value] | Mapping[str, Value]


class HistoryDatabase:
    """Statements on one connection that any thread may use; made by `open_database`.

    Every method raises StorageError when the file cannot be read or written. Every text that goes in is cleaned
    here and nowhere else: SQLite takes neither lone surrogates nor, reliably, NUL.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path | None, *, has_trigram: bool = False) -> None:
        self.path = path
        self.has_trigram = has_trigram
        """Whether `search_index` keeps a full-text index; False where SQLite is too old for it."""
        self._connection = connection
        self._lock = threading.RLock()

    def rows(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """All rows of a query, readable by column name."""
        with self._lock, plain_errors(self.path):
            return self._run(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Parameters = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        with self._lock, plain_errors(self.path):
            return self._run(sql, parameters).fetchone()

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one writing statement (in the open transaction or one of its own); the number of rows it changed."""
        with self.transaction():
            return self._run(sql, parameters).rowcount

    @contextmanager
    def transaction(self, *, write: bool = True) -> Generator[None]:
        """All or nothing: what happens inside is committed at the end, or undone by any exception.

        With `write=False` one unchanging state to read from. Inside another transaction it is part of that one.
        """
        with self._lock, plain_errors(self.path):
            if self._connection.in_transaction:
                yield
                return
            # Not a plain BEGIN: one that reads first and writes later fails at once when another process wrote
            # in between, without waiting for the busy timeout.
            self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk ends the transaction by itself
                    self._connection.execute("ROLLBACK")
                raise

    def erase_traces(self) -> None:
        """Empty the write-ahead log, in which deleted text would otherwise stay for a while."""
        with self._lock, plain_errors(self.path):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file; the object cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    def _run(self, sql: str, parameters: Parameters) -> sqlite3.Cursor:
        cursor = self._connection.cursor()
        cursor.row_factory = sqlite3.Row
        if isinstance(parameters, Mapping):
            return cursor.execute(sql, {name: _storable(value) for name, value in parameters.items()})
        return cursor.execute(sql, tuple(_storable(value) for value in parameters))


@contextmanager
def plain_errors(path: Path | None) -> Generator[None]:
    """Turn SQLite's errors about the file into StorageError; errors of the program itself pass unchanged."""
    try:
        yield
    except sqlite3.Error as error:
        sentence = plain_error(error, path)
        if sentence is None:
            raise
        raise StorageError(sentence) from error


def open_database(
    path: Path | None,
    *,
    shared_disk: bool = False,
    busy_timeout_s: float = 5.0,
    migrations: Migrations = MIGRATIONS,
) -> HistoryDatabase:
    """Open or create the history file (None: in memory) and bring its tables up to date.

    `shared_disk` is for a network or bucket mount, where locks between machines do not work: the file is held
    exclusively from now on. A file that will be upgraded is copied next to itself first.

    Raises StorageError, with the file untouched, when it is damaged, not ours, of a newer version, locked by
    another process or read-only.
    """
    if path is not None:
        _make_private_file(path)
        if not shared_disk:
            _look_before_opening(path, busy_timeout_s, migrations)
    with plain_errors(path):
        connection = sqlite3.connect(path or ":memory:", timeout=busy_timeout_s, check_same_thread=False)
    try:
        with plain_errors(path):
            _configure(connection, path, shared_disk=shared_disk, migrations=migrations)
            return HistoryDatabase(connection, path, has_trigram=_upgrade(connection, path, migrations, shared_disk))
    except BaseException:
        connection.close()
        raise


def _make_private_file(path: Path) -> None:
    """Create an empty file that only its user can read, so that SQLite does not make a public one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except PermissionError as error:
        if not path.is_file():
            raise StorageError(plain_file_error(error, path)) from error
        # The file is there but read-only: whether it is unusable for other reasons is said first.
    except OSError as error:
        raise StorageError(plain_file_error(error, path)) from error


def _look_before_opening(path: Path, busy_timeout_s: float, migrations: Migrations) -> None:
    """Refuse an unusable file through a read-only connection: closing a normal one may move its log into it."""
    with plain_errors(path):
        look = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=busy_timeout_s)
        try:
            refuse_unusable(look, path, migrations)
        except sqlite3.OperationalError:
            # A crashed program's journal has to be played back, which a read-only look cannot do: `_configure`
            # looks again through the normal connection.
            return
        finally:
            look.close()


def _configure(connection: sqlite3.Connection, path: Path | None, *, shared_disk: bool, migrations: Migrations) -> None:
    if shared_disk:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    if path is not None:
        refuse_unusable(connection, path, migrations)
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")  # erased conversations are overwritten, not only unlinked
    connection.execute(f"PRAGMA journal_mode={'DELETE' if shared_disk else 'WAL'}").fetchall()
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.create_function("fold", 1, str.casefold, deterministic=True)


def _upgrade(connection: sqlite3.Connection, path: Path | None, migrations: Migrations, shared_disk: bool) -> bool:
    """Apply what is pending and prepare the search index; whether there is one."""
    database = Database(connection, execute_plugins=False)
    if path is not None and migrations.applied(database) and migrations.pending(database):
        back_up(connection, path)
    # One transaction around the whole upgrade: two programs that start together do it once.
    connection.execute(f"BEGIN {'EXCLUSIVE' if shared_disk else 'IMMEDIATE'}")
    try:
        if migrations.pending(database):
            migrations.apply(database)
        has_trigram = search_index.prepare(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return has_trigram


def _storable(value: Value) -> Value:
    return clean_text(value) if isinstance(value, str) else value
