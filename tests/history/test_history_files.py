"""Files that can and cannot be used: each refusal is a sentence, and the file stays as it was."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

import playground
from playground.errors import StorageError
from playground.history import search_index
from playground.history.backup import KEPT, backups
from playground.history.database import open_database
from playground.history.migrations import SET_NAME, m001_conversations_messages_runs_presets
from playground.history.store import HistoryStore


def migrations_with(*extra: str) -> Migrations:
    """The migrations of a later version of the program: one more column for each name."""
    later = Migrations(SET_NAME)
    later()(m001_conversations_messages_runs_presets)
    for name in extra:

        def add_column(database: Database, column: str = name) -> None:
            database.execute(f"ALTER TABLE conversations ADD COLUMN {column} TEXT")

        later(name=name)(add_column)
    return later


def fill(path: Path, texts: int = 3) -> str:
    """A history with one conversation; its id."""
    database = open_database(path)
    store = HistoryStore(database)
    conversation = store.create_conversation("ann")
    for number in range(texts):
        store.add_message("ann", conversation.id, parent_id=None, role="user", content=f"text {number} " * 200)
    database.close()
    return conversation.id


def refusal(path: Path, **options: float) -> str:
    """The sentence with which the file is refused, after checking that it stays byte for byte."""
    before = path.read_bytes()
    with pytest.raises(StorageError) as caught:
        open_database(path, **options)
    assert path.read_bytes() == before
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_new_file_is_made_with_its_folder_for_its_user_only(path: Path) -> None:
    open_database(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_local_file_uses_a_write_ahead_log_and_foreign_keys(path: Path) -> None:
    database = open_database(path)
    assert database.rows("PRAGMA journal_mode")[0][0] == "wal"
    assert database.rows("PRAGMA foreign_keys")[0][0] == 1
    with pytest.raises(sqlite3.IntegrityError):
        database.execute("INSERT INTO message_tokens (message_id, owner, data) VALUES ('nobody', 'ann', x'00')")
    database.close()


def test_a_file_on_a_shared_disk_is_held_alone_without_a_log(path: Path) -> None:
    fill(path)
    database = open_database(path, shared_disk=True, busy_timeout_s=0.05)
    assert database.rows("PRAGMA journal_mode")[0][0] == "delete"
    assert len(HistoryStore(database).list_conversations("ann")) == 1
    with pytest.raises(StorageError, match="Another program"):
        open_database(path, shared_disk=True, busy_timeout_s=0.05)
    database.close()
    assert not list(path.parent.glob("*-wal"))


def test_every_table_has_an_owner(database) -> None:
    tables = [row["name"] for row in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    ours = [name for name in tables if not name.startswith("_sqlite") and "_search" not in name]
    assert len(ours) == 5
    for name in ours:
        assert "owner" in [row["name"] for row in database.rows(f"PRAGMA table_info({name})")], name


def test_a_file_that_is_no_database_is_refused_with_a_way_on(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"shopping list\n" * 500)
    sentence = refusal(path)
    assert "PLAYGROUND_DATA_DIR" in sentence and "move it" in sentence


def test_a_truncated_database_is_refused(path: Path) -> None:
    fill(path, texts=200)
    path.write_bytes(path.read_bytes()[:-20_000])
    assert "damaged" in refusal(path)


def test_a_database_with_overwritten_pages_is_refused(path: Path) -> None:
    fill(path, texts=200)
    damaged = bytearray(path.read_bytes())
    damaged[4096 * 4 : 4096 * 12] = os.urandom(4096 * 8)
    path.write_bytes(damaged)
    assert "damaged" in refusal(path)


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE messages (subject TEXT)")
    other.close()
    assert "another program" in refusal(path)


def test_a_newer_database_is_refused_and_works_again_in_the_newer_program(path: Path) -> None:
    newer = migrations_with("m002_colour")
    open_database(path, migrations=newer).close()
    assert "newer version" in refusal(path)
    open_database(path, migrations=newer).close()


def test_a_newer_database_left_by_a_crash_keeps_its_log_too(path: Path, tmp_path: Path) -> None:
    database = open_database(path, migrations=migrations_with("m002_colour"))
    crashed = tmp_path / "crashed" / "history.db"
    shutil.copytree(path.parent, crashed.parent)
    database.close()
    log = crashed.with_name("history.db-wal")
    before = log.read_bytes()
    assert before and "newer version" in refusal(crashed)
    assert log.read_bytes() == before


def test_a_copy_is_made_before_an_upgrade_and_the_last_two_stay(path: Path) -> None:
    conversation_id = fill(path)
    assert backups(path) == []
    steps = [f"m00{number}_column" for number in range(2, 6)]
    for count in range(1, len(steps) + 1):
        open_database(path, migrations=migrations_with(*steps[:count])).close()
    assert len(backups(path)) == KEPT
    assert not list(path.parent.glob("*.unfinished"))
    before_last = open_database(backups(path)[-1], migrations=migrations_with(*steps[:-1]))
    assert HistoryStore(before_last).get_conversation("ann", conversation_id).title
    before_last.close()


def test_an_upgrade_that_fails_changes_nothing(path: Path) -> None:
    fill(path)
    broken = migrations_with("m002_colour")

    @broken()
    def m003_broken(database: Database) -> None:
        database.execute("CREATE TABLE half_done (owner TEXT)")
        raise RuntimeError("a mistake")

    with pytest.raises(RuntimeError):
        open_database(path, migrations=broken)
    database = open_database(path)
    assert len(HistoryStore(database).list_conversations("ann")) == 1
    database.close()


def test_a_locked_file_says_so(path: Path) -> None:
    fill(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="Another program is using"):
        open_database(path, busy_timeout_s=0.05)
    other.close()


def test_a_full_disk_loses_nothing_that_was_saved(path: Path) -> None:
    conversation_id = fill(path)
    database = open_database(path)
    store = HistoryStore(database)
    pages = database.rows("PRAGMA page_count")[0][0]
    database.rows(f"PRAGMA max_page_count = {pages + 4}")
    parent = store.thread("ann", conversation_id)[-1].message
    with pytest.raises(StorageError, match="full"):
        store.add_message("ann", conversation_id, parent_id=parent.id, role="user", content="x" * 500_000)
    assert store.thread("ann", conversation_id)[-1].message == parent
    database.rows(f"PRAGMA max_page_count = {pages + 1000}")
    store.add_message("ann", conversation_id, parent_id=parent.id, role="user", content="after making room")
    database.close()
    assert len(HistoryStore(open_database(path)).thread("ann", conversation_id)) == 2


def test_a_disk_that_became_read_only_says_so_and_can_still_be_read(path: Path) -> None:
    conversation_id = fill(path)
    database = open_database(path)
    database.rows("PRAGMA query_only = ON")
    store = HistoryStore(database)
    with pytest.raises(StorageError, match="read-only"):
        store.rename("ann", conversation_id, "new")
    assert len(store.thread("ann", conversation_id)) == 1
    assert "text 2" in store.export_markdown("ann", conversation_id)
    assert store.search("ann", "text")


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder without the right to write, also when the tests run as root."""
    folder = Path(tempfile.mkdtemp())
    fill(folder / "history.db")
    (folder / "history.db").chmod(0o444)
    folder.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    yield folder
    if is_root:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_folder_says_so_for_an_old_and_a_new_file(read_only_folder: Path) -> None:
    assert "read-only" in refusal(read_only_folder / "history.db")
    with pytest.raises(StorageError, match="read-only"):
        open_database(read_only_folder / "new.db")


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="PLAYGROUND_DATA_DIR"):
        open_database(tmp_path / "file" / "history.db")


def test_two_programs_that_start_together_make_one_schema(path: Path) -> None:
    code = (
        f"from pathlib import Path; from playground.history.database import open_database as o; o(Path({str(path)!r}))"
    )
    root = Path(playground.__file__).parents[1]
    started = [subprocess.Popen([sys.executable, "-c", code], cwd=root) for _ in range(2)]
    assert [process.wait(timeout=30) for process in started] == [0, 0]
    assert open_database(path).row("SELECT count(*) AS n FROM _sqlite_migrations")["n"] == 1


def test_without_trigrams_everything_works_and_the_index_comes_back(path: Path, monkeypatch) -> None:
    conversation_id = fill(path)
    with monkeypatch.context() as old_sqlite:
        old_sqlite.setattr(search_index, "has_trigrams", lambda connection: False)
        database = open_database(path)
        store = HistoryStore(database)
        added = store.add_message("ann", conversation_id, parent_id=None, role="user", content="Kein Index, ДА")
        store.add_run("ann", "translation", input="another index", output="")
        assert not database.has_trigram
        assert [hit.message_id for hit in store.search("ann", "kein да")] == [added.id]
        assert store.search("ann", "another")[0].run_id
        assert store.purge_deleted(0) == 0
        database.close()
    database = open_database(path)
    assert database.has_trigram
    assert [hit.message_id for hit in HistoryStore(database).search("ann", "kein")] == [added.id]
    database.close()
