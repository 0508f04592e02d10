"""Copies of the history file from before an upgrade, next to it.

Owns their names and how many are kept. Knows nothing of what is upgraded.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

KEPT = 2
"""How many copies stay."""


def back_up(connection: sqlite3.Connection, path: Path) -> Path:
    """Copy the whole database next to `path` and drop all but the newest copies; the copy's path.

    Raises sqlite3.Error when the copy cannot be written; nothing half-written stays.
    """
    now_ns = time.time_ns()
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now_ns // 10**9)) + f"{now_ns % 10**9:09d}"
    copy = path.with_name(f"{path.stem}.backup-{stamp}{path.suffix}")
    unfinished = copy.with_suffix(".unfinished")
    try:
        unfinished.touch(mode=0o600)
        connection.execute("VACUUM INTO ?", (str(unfinished),))
        unfinished.replace(copy)
    finally:
        unfinished.unlink(missing_ok=True)
    for old in backups(path)[:-KEPT]:
        old.unlink(missing_ok=True)
    return copy


def backups(path: Path) -> list[Path]:
    """The copies of `path`, oldest first."""
    start = f"{path.stem}.backup-"
    return sorted(file for file in path.parent.iterdir() if file.name.startswith(start) and file.suffix == path.suffix)
