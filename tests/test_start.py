"""How the program starts, and how it says that it cannot."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from playground.errors import SettingsError
from playground.settings import Settings
from playground.start import FORGETFUL, HISTORY_FILE, open_history, require_port

ROOT = Path(__file__).resolve().parent.parent


def settings_of(data_dir: Path, **environ: str) -> Settings:
    return Settings.from_env({"HOME": str(data_dir), "PLAYGROUND_DATA_DIR": str(data_dir), **environ})


def run_app(tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    base = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PLAYGROUND_HUB": "off", "PLAYGROUND_MIRROR": "off"}
    return subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env={**base, **environ}, capture_output=True, text=True, timeout=60
    )


def test_a_port_in_use_is_one_sentence_with_a_way_on(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = Settings.from_env({"HOME": str(tmp_path), "GRADIO_SERVER_PORT": str(port)})
        with pytest.raises(SettingsError, match=f"GRADIO_SERVER_PORT={port + 1}"):
            require_port(settings)
        result = run_app(tmp_path, GRADIO_SERVER_PORT=str(port))
    assert result.returncode == 2
    assert str(port) in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"PLAYGROUND_MODEL": "no such model"}, "There is no model “no such model”"),
        ({"PLAYGROUND_THREADS": "many"}, "PLAYGROUND_THREADS is “many”"),
    ],
)
def test_a_wrong_setting_ends_the_program_with_its_sentence(tmp_path: Path, environ: dict, words: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    result = run_app(tmp_path, GRADIO_SERVER_PORT=str(port), **environ)
    assert result.returncode == 2
    assert words in result.stderr and "Traceback" not in result.stderr


def test_a_history_that_cannot_be_read_is_left_alone_and_the_chat_goes_on(tmp_path: Path) -> None:
    path = tmp_path / HISTORY_FILE
    path.write_bytes(b"these are not the rows you are looking for" * 100)
    before = path.read_bytes()
    history, notice = open_history(settings_of(tmp_path))
    assert history.create_conversation("local").id
    assert str(path) in notice and "forgotten when the program ends" in notice
    assert path.read_bytes() == before


def test_a_history_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    open_history(settings_of(tmp_path))[0].create_conversation("local")
    path = tmp_path / HISTORY_FILE
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
        "SELECT migration_set, 'm999_from_the_future', applied_at FROM _sqlite_migrations LIMIT 1"
    )
    connection.commit()
    connection.close()
    before = path.read_bytes()
    _, notice = open_history(settings_of(tmp_path))
    assert "newer version" in notice
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_a_notice_and_not_an_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    history, notice = open_history(settings_of(tmp_path / "file" / "data"))
    assert "PLAYGROUND_DATA_DIR" in notice
    assert history.list_conversations("local") == []


def test_what_was_saved_is_there_after_a_restart(tmp_path: Path) -> None:
    history, notice = open_history(settings_of(tmp_path))
    assert notice == ""
    chat = history.create_conversation("local").id
    history.add_message("local", chat, parent_id=None, role="user", content="Hi")
    history.add_message(
        "local", chat, parent_id=history.thread("local", chat)[0].message.id, role="assistant", content="Hel",
        status="streaming",
    )  # fmt: skip
    again, _ = open_history(settings_of(tmp_path))
    assert [entry.message.status for entry in again.thread("local", chat)] == ["done", "interrupted"]


def test_a_second_playground_leaves_the_folder_of_the_first_alone(tmp_path: Path) -> None:
    open_history(settings_of(tmp_path))
    code = (
        "import sys; from pathlib import Path; from playground.start import hold_folder; hold_folder(Path(sys.argv[1]))"
    )
    second = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert "Another playground is using the folder" in second.stderr


def test_a_space_without_a_disk_says_that_it_forgets(tmp_path: Path) -> None:
    _, notice = open_history(settings_of(tmp_path, SPACE_ID="someone/something"))
    assert notice == FORGETFUL
