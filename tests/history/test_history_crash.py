"""A program that is killed, and threads that write at the same time."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import playground
from playground.errors import StorageError
from playground.history.database import open_database
from playground.history.store import HistoryStore

WRITER = """
import sys
from pathlib import Path
from playground.history.database import open_database
from playground.history.store import HistoryStore

database = open_database(Path(sys.argv[1]))
store = HistoryStore(database)
conversation = store.create_conversation("ann")
question = store.add_message("ann", conversation.id, parent_id=None, role="user", content="the question")
reply = store.add_message(
    "ann", conversation.id, parent_id=question.id, role="assistant", content="", status="streaming"
)
store.update_message("ann", reply.id, content="the text up to a second ago")
with database.transaction():
    store.update_message("ann", reply.id, content="not committed")
    store.add_message("ann", conversation.id, parent_id=reply.id, role="user", content="x" * 3_000_000)
    print(conversation.id, flush=True)
    sys.stdin.read()
"""


def test_kill_keeps_what_was_committed_and_the_chat_goes_on(path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        cwd=Path(playground.__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    conversation_id = writer.stdout.readline().strip()
    writer.kill()  # SIGKILL: nothing of the program runs any more
    writer.communicate()

    store = HistoryStore(open_database(path))
    assert store.mark_interrupted() == 1
    question, reply = (entry.message for entry in store.thread("ann", conversation_id))
    assert (question.content, question.status) == ("the question", "done")
    assert (reply.content, reply.status) == ("the text up to a second ago", "interrupted")
    assert store.search("ann", "second ago")[0].message_id == reply.id
    store.add_message("ann", conversation_id, parent_id=reply.id, role="user", content="go on")
    assert len(store.thread("ann", conversation_id)) == 3


def test_an_exception_of_any_kind_undoes_the_open_transaction(store: HistoryStore, database) -> None:
    conversation_id = store.create_conversation("ann").id
    try:
        with database.transaction():
            store.rename("ann", conversation_id, "half done")
            raise GeneratorExit
    except GeneratorExit:
        pass
    assert store.get_conversation("ann", conversation_id).title == ""
    store.rename("ann", conversation_id, "done")
    assert store.get_conversation("ann", conversation_id).title == "done"


def test_threads_write_read_and_search_at_the_same_time(path: Path) -> None:
    store = HistoryStore(open_database(path))
    conversations = [store.create_conversation("ann").id for _ in range(4)]
    failures: list[BaseException] = []

    def chat(conversation_id: str) -> None:
        try:
            parent_id = None
            for number in range(25):
                parent_id = store.add_message(
                    "ann", conversation_id, parent_id=parent_id, role="user", content="", status="streaming"
                ).id
                store.update_message("ann", parent_id, content=f"message {number}", status="done")
                assert len(store.thread("ann", conversation_id)) == number + 1
                store.search("ann", "message")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=chat, args=(conversation_id,)) for conversation_id in conversations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failures == []
    for conversation_id in conversations:
        written = [entry.message.content for entry in store.thread("ann", conversation_id)]
        assert written == [f"message {number}" for number in range(25)]
    assert len(store.search("ann", "message 24")) == 4


def test_two_programs_can_use_one_local_file(path: Path) -> None:
    first, second = HistoryStore(open_database(path)), HistoryStore(open_database(path))
    conversation_id = first.create_conversation("ann").id
    for store in (first, second) * 5:
        store.add_message("ann", conversation_id, parent_id=None, role="user", content="hello")
    assert second.thread("ann", conversation_id)[0].versions == 10


def test_a_transaction_that_reads_first_cannot_be_overtaken_by_another_program(path: Path) -> None:
    mine, other = open_database(path), open_database(path, busy_timeout_s=0.05)
    store = HistoryStore(mine)
    with mine.transaction():
        assert store.list_conversations("ann") == []
        with pytest.raises(StorageError, match="Another program"):
            HistoryStore(other).create_conversation("ann")
        store.create_conversation("ann")
    assert len(HistoryStore(other).list_conversations("ann")) == 1


def test_an_import_that_fills_the_disk_leaves_nothing_behind(path: Path) -> None:
    source = HistoryStore(open_database(None))
    for text in ("short", "long " * 200_000):
        conversation_id = source.create_conversation("ann").id
        source.add_message("ann", conversation_id, parent_id=None, role="user", content=text)
    database = open_database(path)
    database.rows("PRAGMA max_page_count = 100")
    with pytest.raises(StorageError, match="full"):
        HistoryStore(database).import_json("ann", source.export_json("ann"))
    assert HistoryStore(database).list_conversations("ann") == []
