"""Histories for tests: in memory, or in a file that can be closed and opened again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from playground.history.database import HistoryDatabase, open_database
from playground.history.store import HistoryStore

Open = Callable[[], HistoryStore]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database() -> Iterator[HistoryDatabase]:
    opened = open_database(None)
    yield opened
    opened.close()


@pytest.fixture
def store(database: HistoryDatabase, clock: Clock) -> HistoryStore:
    return HistoryStore(database, clock=clock)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.db"


@pytest.fixture
def reopen(path: Path) -> Iterator[Open]:
    """Each call closes the file, if it is open, and opens it anew."""
    opened: list[HistoryDatabase] = []

    def open_again() -> HistoryStore:
        while opened:
            opened.pop().close()
        opened.append(open_database(path, busy_timeout_s=0.05))
        return HistoryStore(opened[0])

    yield open_again
    for one in opened:
        one.close()
